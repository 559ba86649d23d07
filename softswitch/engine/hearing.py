"""What the calling party hears from our own media engine, and the keys it presses and the words it says meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.engine.caller import Keyed, Keys, Recorded, Spoken
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Prompt, Silence, Sound
from softswitch.kernel.spoken import Clip
from softswitch.ports.media import Recorder

MOST_WAITING_DIGITS = 64
FILE_SECONDS = 5.0
"""How long the end of a recording is waited for: its file is made complete by another thread."""

Order = Callable[[LegId], None]
"""Something for the media engine to do on a leg."""


def sounds(spoken: Sequence[Spoken], language: str, prompt: Callable[[str, str], str]) -> list[Sound]:
    """What is heard in a language, of which `prompt` tells which sound a prompt is."""
    heard: list[Sound] = []
    for each in spoken:
        if isinstance(each, str):
            heard.append(Prompt(prompt(language, each)))
        elif isinstance(each, tuple):
            for piece in each:
                if isinstance(piece, Clip):
                    heard.append(Prompt(prompt(language, piece.name)))
                else:
                    heard.append(Silence(piece.milliseconds))
        else:
            heard.append(each)
    return heard


class Speaker(Protocol):
    """What is asked of a media engine to let somebody hear something (`softswitch.ports.media.Media`)."""

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None: ...
    def silence(self, leg: LegId) -> None: ...
    def listen_for(self, leg: LegId, *, keys: bool = False, pause_ms: int | None = None) -> None: ...


class Lister(Protocol):
    """The same, of several things (`softswitch.ports.media.Player`)."""

    def play_list(self, leg: LegId, sounds: Sequence[Sound], *, ended: Callable[[], None] | None = None) -> None: ...


class Hearing:
    """Made when the first prompt is played or the first key pressed: most calls have neither."""

    __slots__ = (
        "_digit_waiter",
        "_digits",
        "_hearer",
        "_listens_to",
        "_media",
        "_on_key",
        "_on_speech",
        "_order",
        "_played",
        "_player",
        "_recorder",
    )

    def __init__(self, media: Speaker, player: Lister | None, recorder: Recorder | None) -> None:
        self._media = media
        self._player = player
        self._recorder = recorder
        self._order: Order | None = None
        self._hearer: LegId | None = None
        """Who hears the order."""
        self._played: asyncio.Future[None] | None = None
        self._digits: deque[str] = deque(maxlen=MOST_WAITING_DIGITS)
        self._digit_waiter: asyncio.Future[None] | None = None
        self._on_key: Callable[[str], None] | None = None
        """Told of keys while something goes on that they may end."""
        self._on_speech: Callable[[bool], None] | None = None
        """Told when the party begins to speak (True) and when it has paused, while somebody listens for that."""
        self._listens_to: LegId | None = None

    def listen_for_keys(self, leg: LegId) -> None:
        """Hear the keys of a party that can send them only as tones."""
        if self._listens_to != leg:
            self._listens_to = leg
            self._media.listen_for(leg, keys=True)

    # What is heard ------------------------------------------------------------------------------------------

    async def play(self, leg: LegId, sounds: Sequence[Sound]) -> None:
        """Play one sound after the other to the end of the last."""
        if sounds:
            self._played = asyncio.get_running_loop().create_future()
            try:
                self.give(leg, self._order_of(sounds))
                await self._played
            finally:
                self._played = self._order = None

    def _order_of(self, sounds: Sequence[Sound]) -> Order:
        if len(sounds) == 1 and isinstance(sounds[0], Prompt) and not sounds[0].from_ms:
            prompt = sounds[0].name
            return lambda hearer: self._media.play(hearer, prompt)
        player = self._player
        if player is None:
            raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, "the media engine plays no lists")
        return lambda hearer: player.play_list(hearer, sounds, ended=self.played)

    def give(self, leg: LegId, order: Order) -> None:
        """Let the party hear something, and also whoever takes its place."""
        self._order, self._hearer = order, leg
        order(leg)

    def taken_over_by(self, leg: LegId) -> None:
        """Another party is in the place of the one who heard it: what it hears begins anew."""
        if self._order is not None:
            self.give(leg, self._order)

    def played(self) -> None:
        """The prompt came to its end."""
        if self._played is not None and not self._played.done():
            self._played.set_result(None)

    # What is pressed ----------------------------------------------------------------------------------------

    async def gather(self, leg: LegId, sounds: Sequence[Sound], keys: Keys) -> Keyed:
        """Play, and collect digits."""
        if not keys.barge:
            await self.play(leg, sounds)
            self._digits.clear()
        elif not any(_counts(key, keys) for key in self._digits):
            self._digits.clear()
            await self._play_until_key(leg, sounds, keys)
        return await self._collect(keys)

    async def _play_until_key(self, leg: LegId, sounds: Sequence[Sound], keys: Keys) -> None:
        barged = False

        def pressed(key: str) -> None:
            nonlocal barged
            if _counts(key, keys):
                barged = True
                self.played()

        self._on_key = pressed
        try:
            await self.play(leg, sounds)
        finally:
            self._on_key = None
        if barged and self._hearer is not None:
            self._media.silence(self._hearer)

    async def _collect(self, keys: Keys) -> Keyed:
        now = asyncio.get_running_loop().time
        digits, until = "", now() + keys.first_within
        while len(digits) < keys.most:
            key = await self.digit(until - now())
            if key is None:
                return Keyed(digits, "timeout")
            if key not in keys.ends_with:
                digits += key
                until = now() + keys.next_within
            elif len(digits) >= keys.least:
                return Keyed(digits, "terminator")
        return Keyed(digits, "full")

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

    def tell_keys(self, pressed: Callable[[str], None]) -> None:
        """Tell of each key at once, those that were pressed before first; none is kept any more."""
        waiting, self._digits = list(self._digits), deque(maxlen=0)
        self._on_key = pressed
        for digit in waiting:
            pressed(digit)

    def pressed(self, digit: str) -> None:
        """A key, kept for whoever asks for it next."""
        self._digits.append(digit)
        if self._on_key is not None:
            self._on_key(digit)
        if self._digits and self._digit_waiter is not None and not self._digit_waiter.done():
            self._digit_waiter.set_result(None)

    # What is said -------------------------------------------------------------------------------------------

    def spoke(self, speaks: bool) -> None:
        """The party began to speak, or has paused."""
        if self._on_speech is not None:
            self._on_speech(speaks)

    def listen_for_pauses(self, leg: LegId, seconds: float | None) -> None:
        """Hear when the party begins to speak, and when it has said nothing for so long; None: not any more."""
        pause_ms = None if seconds is None else round(seconds * 1000)
        self._media.listen_for(leg, keys=self._listens_to == leg, pause_ms=pause_ms)

    async def record(
        self, leg: LegId, name: str, *, most_seconds: float, patience_seconds: float | None = None, ends_with: str
    ) -> Recorded:
        """Write what the party says to a file until something ends it. The file is complete when this returns or is
        cancelled. Pauses end it where they are listened for; one before the first word after `patience_seconds`."""
        if self._recorder is None:
            raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, "the media engine records nothing")
        loop = asyncio.get_running_loop()
        ended_by: asyncio.Future[str] = loop.create_future()
        complete: asyncio.Future[int] = loop.create_future()

        def end(why: str) -> None:
            if not ended_by.done():
                ended_by.set_result(why)

        def over(milliseconds: int, size: int, reason: str) -> None:
            end("fault")
            complete.set_result(milliseconds if size else 0)

        spoken: bool | None = None

        def heard(speaks: bool) -> None:
            nonlocal spoken
            spoken = speaks or bool(spoken)
            if not speaks and (spoken or patience_seconds is None):
                end("silence")

        self._digits.clear()
        recording = self._recorder.record_said(leg, name, ended=over)
        self._on_key = lambda key: end(f"key:{key}") if key in ends_with else None
        timers = [loop.call_later(most_seconds, end, "limit")]
        if patience_seconds is not None:
            timers.append(loop.call_later(patience_seconds, lambda: None if spoken else end("silence")))
        self._on_speech = heard
        try:
            why = await ended_by
        finally:
            self._on_key = self._on_speech = None
            self._digits.clear()
            for timer in timers:
                timer.cancel()
            self._recorder.stop_recording(recording)
            await asyncio.wait([complete], timeout=FILE_SECONDS)
        if not complete.done():
            return Recorded(name, 0.0, "fault")
        return Recorded(name, complete.result() / 1000, why, spoken is not False)


def _counts(key: str, keys: Keys) -> bool:
    """Whether a key that comes first means anything."""
    return not keys.least or key not in keys.ends_with
