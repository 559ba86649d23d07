"""Whether something is open at a moment, such as an office by its calendar."""

from msgspec import Struct


class Opening(Struct, frozen=True, gc=False):
    """A state, and what decided it."""

    open: bool
    reason: str
    """In words: `holiday: Spring Festival`, `override by 1001`, `Mon 09:00-17:00`."""
