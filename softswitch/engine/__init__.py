"""Asyncio runs the calls: one task a call, facts on a bus, one call's bug ends one call."""
