"""The SIP user agent, pure: dialogs, INVITE sessions, registrar rules, digest. Time and messages come in, requests,
responses and signals go out."""
