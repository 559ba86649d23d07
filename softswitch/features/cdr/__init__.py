"""Call detail records: for accounting and for whoever asks what became of a call.

A record is a view over the facts of one call and nothing else: made when `CallEnded` comes, stored in the same
transaction as that fact, and made again from the event log it is the same.
"""
