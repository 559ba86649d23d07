"""Where accounts are now: the bindings that phones register, and how its phones ring."""
