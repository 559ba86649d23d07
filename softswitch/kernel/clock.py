"""Time as an argument.

Two words, never mixed: *monotonic* seconds (`float`) for deadlines, and *wall* milliseconds since the
Unix epoch (`int`, UTC) for facts and records. RTP timestamps are a third word and stay in the media engine.
"""

from typing import Protocol


class Clock(Protocol):
    """What tells the time: the system's clocks in service, a virtual one in simulations."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; the same line as the event loop's `time()`."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...
