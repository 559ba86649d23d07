"""Calls are recorded: by an order over HTTP, by a code in the call, or because an account's policy says so; each
recording is a row that belongs to a call and a leg, and a file that can be played at any time.
"""
