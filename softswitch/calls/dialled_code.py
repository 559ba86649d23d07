"""A code that is dialled: a rule of the dial plan whose number begins with `*` or `#`. So it is listed."""

from msgspec import Struct


class DialledCode(Struct, frozen=True, gc=False, kw_only=True):
    """One code."""

    id: str
    """`context/name` of the rule."""
    code: str
    """The part of the rule's number that is the code itself: `*72`."""
    followed_by: str
    """The rest of it: `.` some number, `!` perhaps one, `XX` two digits; empty: nothing."""
    destination: str
    enabled: bool
    note: str
