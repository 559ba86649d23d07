"""Prompts of an operator's own: uploaded, spoken from a text or recorded by phone, for each language, with the text
beside the sound. They go before those that ship.
"""
