"""The media engine in memory: who is open, who hears whom, and no sound at all. Misuse is an error at once."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from softswitch.events import MediaFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, MediaDescription
from softswitch.ports import MediaEvents

CODECS = (Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(101, "TELEPHONE-EVENT", parameters="0-16"))


RINGBACK = "tones/ringback"


class Agreed(NamedTuple):
    """What offer and answer settled for a leg."""

    local: MediaDescription
    remote: MediaDescription


class ModelMedia:
    """A `softswitch.ports.Media`. Prompts last two seconds of virtual time."""

    PROMPT_SECONDS = 2.0

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, *, legs: int = 5000) -> None:
        self._loop = loop
        self._host = host
        self._free = [20000 + 2 * slot for slot in reversed(range(legs))]
        self.events: MediaEvents | None = None
        self.open_legs: dict[LegId, HostPort] = {}
        self.agreed: dict[LegId, Agreed] = {}
        self.doing: dict[LegId, str | LegId] = {}
        """`echo`, `tone`, `prompt`, `music`, `ringback`, or the leg it is bridged with."""
        self.ever_opened = 0
        self.converts: tuple[Codec, ...] = ()
        """What it is said to convert between."""
        self.dumb: set[str] = set()
        """Hosts that send nothing."""
        self._ends: dict[LegId, asyncio.TimerHandle] = {}

    @property
    def codecs(self) -> Sequence[Codec]:
        return CODECS

    def open(self, leg: LegId) -> HostPort:
        assert leg not in self.open_legs, f"{leg} is open already"
        if not self._free:
            raise Rejected(Cause.SWITCH_CONGESTION)
        self.open_legs[leg] = address = HostPort(self._host, self._free.pop())
        self.ever_opened += 1
        return address

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        self._must_be_open(leg)
        assert local.address == self.open_legs[leg], f"{leg} was described as {local.address}, not by its own port"
        self.agreed[leg] = Agreed(local, remote)

    def bridge(self, a: LegId, b: LegId) -> None:
        self._must_be_open(a)
        self._must_be_open(b)
        assert a != b
        self.silence(a)
        self.silence(b)
        self.doing[a], self.doing[b] = b, a

    def echo(self, leg: LegId) -> None:
        self._start(leg, "echo")

    def tone(self, leg: LegId, frequency: float) -> None:
        assert 0 < frequency < 4000
        self._start(leg, "tone")

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        if not prompt:
            raise NotFound("prompt", prompt)
        self._start(leg, prompt.partition("/")[2] if prompt == RINGBACK else "music" if loop else "prompt")
        if not loop:
            self._ends[leg] = self._loop.call_later(self.PROMPT_SECONDS, self._played, leg)

    def listen_for(
        self,
        leg: LegId,
        *,
        keys: bool = False,
        fax: bool = False,
        answerer: bool = False,
        beep: bool = False,
        progress: str | None = None,
    ) -> None:
        self._must_be_open(leg)

    def silence(self, leg: LegId) -> None:
        self._must_be_open(leg)
        before = self.doing.pop(leg, None)
        if before in self.open_legs:
            self.doing.pop(LegId(before), None)
        if leg in self._ends:
            self._ends.pop(leg).cancel()

    def figures(self, leg: LegId) -> MediaFigures:
        self._must_be_open(leg)
        return MediaFigures()

    def heard(self, leg: LegId) -> int:
        self._must_be_open(leg)
        agreed = self.agreed.get(leg)
        if agreed is None or agreed.remote.address.host in self.dumb:
            return 0
        return int(self._loop.time() * 50)

    def close(self, leg: LegId) -> None:
        if leg not in self.open_legs:
            return
        self.silence(leg)
        self.agreed.pop(leg, None)
        self._free.append(self.open_legs.pop(leg).port)

    # What tests ask ---------------------------------------------------------------------------------------

    def press(self, leg: LegId, digit: str) -> None:
        """The party of a leg presses a key."""
        assert self.events is not None
        self.events.digit(leg, digit, 100)

    def where_sound_goes(self, sender: HostPort, sent_to: HostPort) -> HostPort | None:
        """Where packets from a party's RTP address, sent to one of ours, come out; None: nowhere."""
        leg = next((leg for leg, local in self.open_legs.items() if local == sent_to), None)
        if leg is None or leg not in self.agreed:
            return None
        if not (self.agreed[leg].local.direction.receives and self.agreed[leg].remote.direction.sends):
            return None
        doing = self.doing.get(leg)
        other = leg if doing == "echo" else doing
        if other not in self.agreed:
            return None
        agreed = self.agreed[LegId(other)]
        if not (agreed.local.direction.sends and agreed.remote.direction.receives):
            return None
        return agreed.remote.address

    def _start(self, leg: LegId, what: str) -> None:
        self.silence(leg)
        self.doing[leg] = what

    def _must_be_open(self, leg: LegId) -> None:
        assert leg in self.open_legs, f"{leg} is not open"

    def _played(self, leg: LegId) -> None:
        del self._ends[leg]
        self.doing.pop(leg, None)
        assert self.events is not None
        self.events.played(leg)
