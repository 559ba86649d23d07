"""Accounts: who may register and call, with which secret, shown under which name.

For administrators, who create or import them, and for the gatekeeper, which asks for their digests on every call.
"""
