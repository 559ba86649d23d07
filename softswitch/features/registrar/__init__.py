"""Where accounts are now: the bindings that phones register, and what happens to a call for an account."""
