"""What every fact is."""

from msgspec import Struct


class Fact(Struct, frozen=True, gc=False, tag=True, tag_field="fact", kw_only=True):
    """Something that happened."""

    at: int
    """When: wall milliseconds, UTC."""
