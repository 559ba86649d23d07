"""What the switch needs from outside, as Protocols, a file a subject. Gateways and features provide them;
`app.py` ties the ends."""
