"""Where SIP is heard, changed while calls go on; and the certificates that are shown there."""
