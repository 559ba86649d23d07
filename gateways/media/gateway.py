"""The media gateway: `softswitch.ports.Media` on the native engine."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from gateways._native import MediaCommand, MediaEngine, MediaEvent, MediaItem
from gateways.media import agreement
from gateways.media.prompts import Prompts
from gateways.media.slots import Slots
from softswitch.events import MediaFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, MediaDescription
from softswitch.ports import MediaEvents

log = structlog.get_logger(__name__)

TONE_LEVEL = -13.0
"""dBm0: about as loud as speech."""


class MediaGateway:
    """Sound for the switch's legs.

    `listen` says who hears of it (before `start`); `start` hears the engine; `stop` ends it. `advertised_host` is the
    address that parties send to, which may be another than the engine is bound to (`listens_on`). `prompts` is a folder
    of WAV files.
    """

    def __init__(
        self, engine: MediaEngine, advertised_host: str, prompts: Path | None = None, *, listens_on: str | None = None
    ) -> None:
        self._engine = engine
        self._addresses = [HostPort(advertised_host, port) for port in engine.ports()]
        self._slots = Slots(len(self._addresses))
        self._reach = listens_on
        self._prompts = Prompts(prompts, engine.add_prompt)
        self._operations = 0
        self._playing: dict[LegId, int] = {}
        self._listened_to: set[LegId] = set()
        self._orders: list[MediaCommand] = []
        self._events: MediaEvents | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self, events: MediaEvents) -> None:
        """Tell `events` of prompts that ended and keys that were pressed."""
        self._events = events

    async def start(self) -> None:
        """Load the prompts and hear the engine. Raises Invalid naming a prompt file that is none."""
        self._prompts.load_all()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._engine.fileno(), self._drain)
        self._submit()

    async def stop(self) -> None:
        """End the engine's threads and close its sockets."""
        if self._loop is not None:
            self._loop.remove_reader(self._engine.fileno())
            self._loop = None
        self._engine.close()

    @property
    def codecs(self) -> Sequence[Codec]:
        """See `softswitch.ports.Media`."""
        return (agreement.PCMA, agreement.PCMU, agreement.TELEPHONE_EVENT)

    @property
    def converts(self) -> tuple[Codec, ...]:
        """See `softswitch.ports.Media`."""
        return agreement.CONVERTED

    @property
    def stats(self) -> dict[str, int]:
        """The engine's counters since its start."""
        return self._engine.stats()

    @property
    def ratings(self) -> dict[str, int]:
        """Legs that ended since the start, by what users say of such sound."""
        return self._engine.ratings()

    # softswitch.ports.Media -------------------------------------------------------------------------------

    def open(self, leg: LegId) -> HostPort:
        """See `softswitch.ports.Media`."""
        slot = self._slots.take(leg)
        if slot is None:
            raise Rejected(Cause.SWITCH_CONGESTION, "no media port is left")
        self._order(MediaCommand.Open(leg=slot.number, epoch=slot.epoch))
        return self._addresses[slot.number]

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        """See `softswitch.ports.Media`."""
        self._order(agreement.connect(self._slots.of(leg).number, local, remote, self._reach))

    def bridge(self, a: LegId, b: LegId) -> None:
        """See `softswitch.ports.Media`."""
        self._playing.pop(a, None)
        self._playing.pop(b, None)
        if self._listened_to:
            self._listen_no_more(a)
            self._listen_no_more(b)
        self._order(MediaCommand.Bridge(a=self._slots.of(a).number, b=self._slots.of(b).number))

    def echo(self, leg: LegId) -> None:
        """See `softswitch.ports.Media`."""
        self._playing.pop(leg, None)
        self._order(MediaCommand.Echo(leg=self._slots.of(leg).number))

    def tone(self, leg: LegId, frequency: float) -> None:
        """See `softswitch.ports.Media`."""
        self._playing.pop(leg, None)
        tone = MediaItem.Tone(parts=[(frequency, TONE_LEVEL)])
        self._order(MediaCommand.Play(leg=self._slots.of(leg).number, items=[tone], operation=0))

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        """See `softswitch.ports.Media`."""
        number = self._prompts.number(prompt)
        slot = self._slots.of(leg)
        self._operations += 1
        self._playing[leg] = self._operations
        items = [MediaItem.Prompt(prompt=number)]
        self._order(MediaCommand.Play(leg=slot.number, items=items, operation=self._operations, looped=loop))

    def must_have(self, prompt: str) -> None:
        """Raises NotFound when there is no such prompt."""
        self._prompts.number(prompt)

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
        """See `softswitch.ports.Media`."""
        number = self._slots.of(leg).number
        self._listened_to.add(leg)
        self._order(
            MediaCommand.Detect(leg=number, keys=keys, fax=fax, answerer=answerer, beep=beep, progress=progress)
        )

    def _listen_no_more(self, leg: LegId) -> None:
        """Two who talk are left alone: what passes between them need not be decoded."""
        if leg in self._listened_to:
            self._listened_to.discard(leg)
            self._order(MediaCommand.Detect(leg=self._slots.of(leg).number))

    def silence(self, leg: LegId) -> None:
        """See `softswitch.ports.Media`."""
        self._playing.pop(leg, None)
        self._order(MediaCommand.Silence(leg=self._slots.of(leg).number))

    def serves(self, leg: LegId) -> bool:
        """Whether a leg has a port of ours now."""
        return leg in self._slots

    def figures(self, leg: LegId) -> MediaFigures:
        """See `softswitch.ports.Media`."""
        return MediaFigures(*self._engine.leg_stats(self._slots.of(leg).number))

    def heard(self, leg: LegId) -> int:
        """See `softswitch.ports.Media`."""
        return self._engine.leg_stats(self._slots.of(leg).number)[0]

    def close(self, leg: LegId) -> None:
        """See `softswitch.ports.Media`."""
        slot = self._slots.give_back(leg)
        if slot is not None:
            self._playing.pop(leg, None)
            self._listened_to.discard(leg)
            self._order(MediaCommand.Close(leg=slot.number))

    # To and from the engine -------------------------------------------------------------------------------

    def _order(self, command: MediaCommand) -> None:
        """Orders of one turn of the loop go together: waking the engine's thread costs more than the orders."""
        if not self._orders and self._loop is not None:
            self._loop.call_soon(self._submit)
        self._orders.append(command)

    def _submit(self) -> None:
        orders, self._orders = self._orders, []
        self._engine.submit(orders)

    def _drain(self) -> None:
        for event in self._engine.drain():
            try:
                self._tell(event)
            except Exception:
                # One hearer's fault must not lose the events of other calls.
                log.exception("a media event was not taken", event=type(event).__name__)

    def _tell(self, event: MediaEvent) -> None:
        assert self._events is not None, "nobody listens"
        match event:
            case MediaEvent.Digit(number, epoch, digit, duration_ms):
                leg = self._slots.holder(number, epoch)
                if leg is not None:
                    self._events.digit(leg, digit, duration_ms)
            case MediaEvent.Detected(number, epoch, what):
                leg = self._slots.holder(number, epoch)
                if leg is not None:
                    self._events.detected(leg, what)
            case MediaEvent.PlayEnded(number, epoch, operation):
                leg = self._slots.holder(number, epoch)
                if leg is not None and self._playing.get(leg) == operation:
                    self._ended(leg)
            case MediaEvent.Failed(number, epoch, reason):
                leg = self._slots.holder(number, epoch)
                log.warning("the media engine could not do as told", leg=leg, reason=reason)
                if leg is not None and leg in self._playing:
                    # Whoever waits for the prompt's end is not to wait for ever.
                    self._ended(leg)

    def _ended(self, leg: LegId) -> None:
        assert self._events is not None
        del self._playing[leg]
        self._events.played(leg)
