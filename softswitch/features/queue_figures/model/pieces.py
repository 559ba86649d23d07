"""Spans of time, cut so that each piece lies in one interval of any report."""

from collections.abc import Iterator

QUARTER_MS = 900_000
"""Clocks of all time zones have differed from UTC by whole quarters of an hour since 1980."""


def pieces(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """A span (wall milliseconds) cut at the quarters of each hour; a span without length has no piece."""
    while begin < end:
        stop = min(end, (begin // QUARTER_MS + 1) * QUARTER_MS)
        yield begin, stop
        begin = stop
