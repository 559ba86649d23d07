"""What recognisers of speech hear."""

from msgspec import Struct


class Heard(Struct, frozen=True, gc=False):
    """The words in a sound."""

    text: str
    """As they were understood; empty: nothing was."""
    confidence: float
    """From 0 to 1, by the recogniser's own measure."""
    phrase: str | None = None
    """Of the phrases that were expected the one that it is; None: none of them, or none were."""
