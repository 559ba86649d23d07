"""Media streams of the native engine, for whoever ordered them (`softswitch.ports.media.Streamer`)."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

from gateways._native import MediaCommand
from gateways.media.slots import Slots
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import LegId


class _Hearer(NamedTuple):
    """Who is told of a stream."""

    opened: Callable[[], None]
    ended: Callable[[int, str], None]


class Streams:
    """The streams that have not ended. `order` takes commands for the engine."""

    def __init__(self, order: Callable[[MediaCommand], None], slots: Slots[LegId], *, above: int = 0) -> None:
        """No number up to `above` is given."""
        self._order = order
        self._slots = slots
        self._numbers = count(above + 1)
        self._hearers: dict[int, _Hearer] = {}
        self.lost_ms = 0
        """Of those that ended: sound that their servers were too slow for."""

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._hearers)

    def stream(
        self,
        leg: LegId,
        url: str,
        *,
        rate: int,
        direction: str,
        play: str,
        about: Sequence[tuple[str, str]],
        opened: Callable[[], None],
        ended: Callable[[int, str], None],
    ) -> int:
        """See `softswitch.ports.media.Streamer`."""
        if leg not in self._slots:
            raise Conflict("not-through-us", f"the sound of {leg} does not pass through the switch")
        number = next(self._numbers)
        self._hearers[number] = _Hearer(opened, ended)
        slot = self._slots.of(leg).number
        self._order(
            MediaCommand.Stream(
                stream=number, leg=slot, url=url, rate=rate, direction=direction, play=play, about=about
            )
        )
        return number

    def stop_stream(self, stream: int) -> None:
        """See `softswitch.ports.media.Streamer`."""
        self._order(MediaCommand.StopStream(stream=stream))

    def tell_opened(self, stream: int) -> None:
        """The engine has connected to the server."""
        hearer = self._hearers.get(stream)
        if hearer is not None:
            hearer.opened()

    def tell_ended(self, stream: int, lost_ms: int, reason: str) -> None:
        """The engine has ended a stream."""
        self.lost_ms += lost_ms
        hearer = self._hearers.pop(stream, None)
        if hearer is not None:  # an owner of the engine before us may have begun it
            hearer.ended(lost_ms, reason)

    def lose(self, reason: str) -> None:
        """All have ended."""
        for stream in list(self._hearers):
            self.tell_ended(stream, 0, reason)
