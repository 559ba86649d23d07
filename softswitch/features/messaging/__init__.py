"""Instant messages between accounts: delivered at once or when a phone comes back, with notes of their delivery."""
