"""Who may not come in: sources that scan, guess passwords or flood are banned, for longer each time, and let in
again."""
