"""Calls as they happen: who talks now, hanging up, placing a call, one call's whole trace, and the stream of facts.

All that is shown is a view over facts: of a live call those in memory, of an ended one those in the event log.
"""
