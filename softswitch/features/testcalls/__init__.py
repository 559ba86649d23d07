"""Numbers to try a phone and a line with: echo, a steady tone, an announcement, the clock, and refusals of every
cause."""
