"""Voicemail: whoever cannot be reached has a box where callers leave messages, which its owner hears from any phone,
gets by e-mail, and sees on the lamps of its phones.
"""
