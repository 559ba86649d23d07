"""Flows as written: read, typed and checked. Pure."""
