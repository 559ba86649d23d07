"""The SIP user agent, pure: dialogs, INVITE sessions, registrar and digest rules. `core.py` is the way in."""
