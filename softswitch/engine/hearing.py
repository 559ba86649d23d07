"""What the calling party hears from our own media engine, and the keys it presses meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Sound
from softswitch.ports import Media, Player

MOST_WAITING_DIGITS = 64

Order = Callable[[LegId], None]
"""Something for the media engine to do on a leg."""


class Hearing:
    """Made when the first prompt is played or the first key pressed: most calls have neither."""

    __slots__ = ("_digit_waiter", "_digits", "_listens_to", "_media", "_order", "_played", "_player")

    def __init__(self, media: Media, player: Player | None) -> None:
        self._media = media
        self._player = player
        self._order: Order | None = None
        self._played: asyncio.Future[None] | None = None
        self._digits: deque[str] = deque(maxlen=MOST_WAITING_DIGITS)
        self._digit_waiter: asyncio.Future[None] | None = None
        self._listens_to: LegId | None = None

    def listen_for_keys(self, leg: LegId) -> None:
        """Hear the keys of a party that can send them only as tones."""
        if self._listens_to != leg:
            self._listens_to = leg
            self._media.listen_for(leg, keys=True)

    async def play(self, leg: LegId, prompt: str) -> None:
        """Play a prompt to its end."""
        await self._to_its_end(leg, lambda hearer: self._media.play(hearer, prompt))

    async def say(self, leg: LegId, sounds: Sequence[Sound]) -> None:
        """Play one sound after the other to the end of the last."""
        player = self._player
        if player is None:
            raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, "the media engine plays no lists")
        await self._to_its_end(leg, lambda hearer: player.play_list(hearer, sounds, ended=self.played))

    async def _to_its_end(self, leg: LegId, order: Order) -> None:
        self._played = asyncio.get_running_loop().create_future()
        self.give(leg, order)
        try:
            await self._played
        finally:
            self._played = None
            self._order = None

    def give(self, leg: LegId, order: Order) -> None:
        """Let the party hear something, and also whoever takes its place."""
        self._order = order
        order(leg)

    def taken_over_by(self, leg: LegId) -> None:
        """Another party is in the place of the one who heard it: what it hears begins anew."""
        if self._order is not None:
            self._order(leg)

    async def digit(self, within: float) -> str | None:
        """The next key, or None after `within` seconds."""
        if not self._digits:
            self._digit_waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within):
                    await self._digit_waiter
            except TimeoutError:
                return None
            finally:
                self._digit_waiter = None
        return self._digits.popleft()

    def played(self) -> None:
        """The prompt came to its end."""
        if self._played is not None and not self._played.done():
            self._played.set_result(None)

    def pressed(self, digit: str) -> None:
        """A key, kept for `digit`."""
        self._digits.append(digit)
        if self._digit_waiter is not None and not self._digit_waiter.done():
            self._digit_waiter.set_result(None)
