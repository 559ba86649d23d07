"""Lists of numbers that agents call: each is shown to one first (preview), or called for one at once (progressive)."""
