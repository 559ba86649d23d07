"""A room as a machine: what happens comes in with its time, what is to be done goes out. Pure."""
