"""Codes that people press while they talk: to transfer, to ask somebody first, to record. And a list of them, together
with the codes that are dialled, which are rules of the dial plan."""
