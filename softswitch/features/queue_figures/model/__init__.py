"""Counting and dividing, pure."""
