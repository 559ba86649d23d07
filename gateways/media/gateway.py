"""The media gateway: `Media`, `Player` and `Mixer` of `softswitch.ports` on the native engine."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

import structlog

from gateways._native import MediaCommand, MediaEngine, MediaEngineLink, MediaEvent, MediaItem
from gateways.media import agreement
from gateways.media.pictures import Pictures
from gateways.media.playing import Playing
from gateways.media.process import EngineProcess, revive
from gateways.media.prompts import Prompts
from gateways.media.slots import NOWHERE, Slots
from gateways.media.streams import Streams
from gateways.media.takes import FIRST_NUMBER, Takes
from softswitch.events import MediaFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Conflict, Rejected
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, MediaDescription
from softswitch.kernel.sound import Prompt, Silence, Sound, SoundFile, Tone
from softswitch.ports.media import MediaEvents

log = structlog.get_logger(__name__)

TONE_LEVEL = -13.0
"""dBm0: about as loud as speech."""
LEFT_SECONDS = 5.0
"""How long files that an owner of the engine before us has left are waited for."""
BEEP = Tone(((1400.0, -20.0),), 400)
"""What says that a call is recorded."""


class RecordingEvents(Protocol):
    """Who hears what becomes of recordings, by their numbers."""

    def recording_troubled(self, recording: int, reason: str) -> None:
        """Sound is being lost: the disk is full, or slow. It goes on."""
        ...

    def recording_ended(self, recording: int, milliseconds: int, size: int, lost_ms: int, reason: str) -> None:
        """The file is complete; of 0 bytes: it could not be made. `reason`: empty where it was stopped."""
        ...

    def recordings_lost(self, reason: str) -> None:
        """The engine has died in the middle of all that run: their files are as it left them."""
        ...


class _MixHearers(NamedTuple):
    """Who is told of a mix."""

    speaking: Callable[[LegId], None] | None
    failed: Callable[[str], None] | None


class MediaGateway:
    """Sound for the switch's legs.

    `listen` says who hears of it (before `start`); `start` hears the engine; `stop` ends it. `advertised_host` is the
    address that parties send to, which may be another than the engine is bound to (`listens_on`). `prompts` is a folder
    of sound files, `own_prompts` names files below `keeps_in` that go before them and may change at any time, and what
    callers say is kept below `keeps_in`. `process` is where an engine that is linked to is found or begun again when it
    dies.
    """

    def __init__(
        self,
        engine: MediaEngine | MediaEngineLink,
        advertised_host: str,
        prompts: Path | None = None,
        *,
        listens_on: str | None = None,
        keeps_in: Path | None = None,
        own_prompts: Mapping[str, str] = MappingProxyType({}),
        process: EngineProcess | None = None,
    ) -> None:
        self._engine = engine
        self._link = link = engine if isinstance(engine, MediaEngineLink) else None
        self._process = process
        self._advertised_host = advertised_host
        self._addresses = [HostPort(advertised_host, port) for port in engine.ports()]
        owner = 0 if link is None else link.owner
        # No number of ours has been given by an owner of the engine before us.
        above = owner << 32
        kept = ({}, {}) if link is None else (dict(link.open_legs()), dict(link.open_mixes()))
        self._slots: Slots[LegId] = Slots(len(self._addresses), above=above, kept=kept[0])
        self._mixes: Slots[MixId] = Slots(len(self._addresses), above=above, kept=kept[1])
        self._mix_hearers: dict[MixId, _MixHearers] = {}
        self._reach = listens_on
        self._new_prompts = partial(Prompts, prompts, data=keeps_in, own=own_prompts)
        self._prompts = self._new_prompts(self._load_prompt)
        self._listened_to: set[LegId] = set()
        operations = count(above + 1)
        self._playing: Playing[LegId] = Playing(operations)
        """In place of all else."""
        self._over: Playing[LegId] = Playing(operations)
        self._to_mix: Playing[MixId] = Playing(operations)
        self._orders: list[MediaCommand] = []
        self.streams = Streams(self._order, self._slots, above=above)
        self.pictures = Pictures(
            self._order, lambda: self._engine, self._slots, lambda number: self._addresses[number], listens_on
        )
        self._events: MediaEvents | None = None
        self._recording_events: RecordingEvents | None = None
        self._takes = Takes(keeps_in, owner)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_figures: dict[LegId, MediaFigures] = {}
        """Of legs whose engine has died."""
        self._revival: asyncio.Task[None] | None = None

    def listen(self, events: MediaEvents) -> None:
        """Tell `events` of prompts that ended and keys that were pressed."""
        self._events = events

    def listen_to_recordings(self, events: RecordingEvents) -> None:
        """Tell `events` what becomes of recordings."""
        self._recording_events = events

    async def start(self) -> None:
        """Load the prompts and hear the engine. Raises Invalid naming a prompt file that is none."""
        self._prompts.load_all()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._engine.fileno(), self._drain if self._link is None else self._drain_link)
        self._submit()
        await self._end_left_takes()

    async def _end_left_takes(self) -> None:
        """What callers said to a switch that has died goes on being written, and nobody waits for it: the files are
        complete, and hold what was said until now, before anybody looks for them."""
        assert self._loop is not None
        ends = []
        for number in () if self._link is None else (number for number, _ in self._link.recordings()):
            if number >= FIRST_NUMBER:
                ended: asyncio.Future[None] = self._loop.create_future()
                self._takes.adopt(number, lambda *how, ended=ended: ended.set_result(None))
                self.stop_recording(number)
                ends.append(ended)
        if ends:
            await asyncio.wait(ends, timeout=LEFT_SECONDS)

    async def stop(self) -> None:
        """End the engine's threads and close its sockets, or let go of it in good order."""
        if self._loop is not None:
            self._loop.remove_reader(self._engine.fileno())
            self._loop = None
        if self._revival is not None:
            self._revival.cancel()
        self._submit()
        # Recordings are completed, which waits for the disk, and told.
        await asyncio.to_thread(self._engine.close)
        self._drain()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait, 5.0)

    @property
    def codecs(self) -> Sequence[Codec]:
        """See `softswitch.ports.media.Media`."""
        return (agreement.PCMA, agreement.PCMU, agreement.TELEPHONE_EVENT)

    @property
    def converts(self) -> tuple[Codec, ...]:
        """See `softswitch.ports.media.Media`."""
        return agreement.CONVERTED

    @property
    def has_engine(self) -> bool:
        """Whether there is one: one in a process of its own may have died."""
        return self._process is None or self._link is not None

    @property
    def stats(self) -> dict[str, int]:
        """The engine's counters since its start."""
        return self._engine.stats()

    @property
    def ratings(self) -> dict[str, int]:
        """Legs that ended since the start, by what users say of such sound."""
        return self._engine.ratings()

    # softswitch.ports.media.Media -------------------------------------------------------------------------------

    def open(self, leg: LegId) -> HostPort:
        """See `softswitch.ports.media.Media`."""
        slot = self._slots.take(leg)
        if slot is None:
            raise Rejected(Cause.SWITCH_CONGESTION, "no media port is left")
        self._order(MediaCommand.Open(leg=slot.number, epoch=slot.epoch))
        return self._addresses[slot.number]

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        """See `softswitch.ports.media.Media`."""
        self._order(agreement.connect(self._slots.of(leg).number, local, remote, self._reach))

    def bridge(self, a: LegId, b: LegId) -> None:
        """See `softswitch.ports.media.Media`."""
        self._forget(a)
        self._forget(b)
        if self._listened_to:
            self._listen_no_more(a)
            self._listen_no_more(b)
        self._order(MediaCommand.Bridge(a=self._slots.of(a).number, b=self._slots.of(b).number))

    def echo(self, leg: LegId) -> None:
        """See `softswitch.ports.media.Media`."""
        self._forget(leg)
        self._order(MediaCommand.Echo(leg=self._slots.of(leg).number))

    def tone(self, leg: LegId, frequency: float) -> None:
        """See `softswitch.ports.media.Media`."""
        self.play_list(leg, [Tone(((frequency, TONE_LEVEL),))])

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        """See `softswitch.ports.media.Media`."""
        self.play_list(leg, [Prompt(prompt)], loop=loop, ended=lambda: self._played(leg))

    def must_have(self, prompt: str) -> None:
        """Raises NotFound when there is no such prompt."""
        self._prompts.number(prompt)

    def in_language(self, language: str, prompt: str) -> str:
        """The prompt as it is said in a language; where it is not, in English; else the one that has no language."""
        return self._prompts.in_language(language, prompt)

    def listen_for(
        self,
        leg: LegId,
        *,
        keys: bool = False,
        fax: bool = False,
        answerer: bool = False,
        beep: bool = False,
        progress: str | None = None,
        pause_ms: int | None = None,
    ) -> None:
        """See `softswitch.ports.media.Media`."""
        number = self._slots.of(leg).number
        self._listened_to.add(leg)
        self._order(
            MediaCommand.Detect(
                leg=number,
                keys=keys,
                fax=fax,
                answerer=answerer,
                beep=beep,
                progress=progress,
                pause_ms=pause_ms,
            )
        )

    def _listen_no_more(self, leg: LegId) -> None:
        """Two who talk are left alone: what passes between them need not be decoded."""
        if leg in self._listened_to:
            self._listened_to.discard(leg)
            self._order(MediaCommand.Detect(leg=self._slots.of(leg).number))

    def silence(self, leg: LegId) -> None:
        """See `softswitch.ports.media.Media`."""
        self._forget(leg)
        self._order(MediaCommand.Silence(leg=self._slots.of(leg).number))

    def serves(self, leg: LegId) -> bool:
        """Whether a leg has a port of ours now."""
        return leg in self._slots

    def figures(self, leg: LegId) -> MediaFigures:
        """See `softswitch.ports.media.Media`."""
        number = self._slots.of(leg).number
        return MediaFigures(*self._engine.leg_stats(number)) if number != NOWHERE else self._last_figures[leg]

    def heard(self, leg: LegId) -> int:
        """See `softswitch.ports.media.Media`."""
        number = self._slots.of(leg).number
        return self._engine.leg_stats(number)[0] if number != NOWHERE else self._last_figures[leg].received

    def close(self, leg: LegId) -> None:
        """See `softswitch.ports.media.Media`."""
        slot = self._slots.give_back(leg)
        if slot is not None:
            self._forget(leg)
            self._listened_to.discard(leg)
            self._order(MediaCommand.Close(leg=slot.number))
        else:
            self._last_figures.pop(leg, None)

    # softswitch.ports.takeover.Takeover ----------------------------------------------------------------------------

    def resume(self, leg: LegId, address: HostPort, local: MediaDescription, remote: MediaDescription | None) -> bool:
        """See `softswitch.ports.takeover.Takeover`."""
        number = self._number_at(address)
        if number is None or not self._slots.resume(leg, number):
            return False
        self._listened_to.add(leg)  # perhaps it was, and that ends when it is bridged
        return True

    def resume_video(self, line: LegId, address: HostPort) -> bool:
        """See `softswitch.ports.takeover.Takeover`."""
        number = self._number_at(address)
        return number is not None and self.pictures.resume(line, number)

    def _number_at(self, address: HostPort) -> int | None:
        return next((number for number, ours in enumerate(self._addresses) if ours.port == address.port), None)

    def resumed(self) -> None:
        """See `softswitch.ports.takeover.Takeover`."""
        if self._link is None:
            return
        for number in self._slots.release():
            self._order(MediaCommand.Close(leg=number))
        for number in self._mixes.release():
            self._order(MediaCommand.CloseMix(mix=number))
        for number, _ in self._link.recordings():
            if number >= FIRST_NUMBER:  # nobody waits for what callers said to a switch that has died
                self._order(MediaCommand.StopRecord(recording=number))
        for stream in self._link.streams():
            self._order(MediaCommand.StopStream(stream=stream))

    # softswitch.ports.media.Player ------------------------------------------------------------------------------

    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """See `softswitch.ports.media.Player`."""
        items = [self._item(sound) for sound in sounds]
        slot = self._slots.of(leg)
        if over:
            operation = self._over.begin(leg, ended)
        else:
            self._over.forget(leg)
            operation = self._playing.begin(leg, ended)
        self._order_play(MediaCommand.Play(leg=slot.number, items=items, operation=operation, looped=loop, over=over))

    async def prepare(self, sounds: Sequence[Sound]) -> None:
        """See `softswitch.ports.media.Player`."""
        for sound in sounds:
            if isinstance(sound, SoundFile):
                await self._prompts.prepare(sound.name, self._engine.add_prompt)

    def stop_list(self, leg: LegId) -> None:
        """See `softswitch.ports.media.Player`."""
        self._forget(leg)
        self._order(MediaCommand.StopPlay(leg=self._slots.of(leg).number))

    def pause_list(self, leg: LegId, paused: bool) -> None:
        """See `softswitch.ports.media.Player`."""
        self._order(MediaCommand.PausePlay(leg=self._slots.of(leg).number, paused=paused))

    def seek_list(self, leg: LegId, ms: int) -> None:
        """See `softswitch.ports.media.Player`."""
        self._order(MediaCommand.SeekPlay(leg=self._slots.of(leg).number, ms=ms))

    def send_digits(
        self, leg: LegId, digits: str, *, press_ms: int = 100, pause_ms: int = 100, in_band: bool = False
    ) -> None:
        """See `softswitch.ports.media.Player`."""
        number = self._slots.of(leg).number
        by: Literal["agreed", "inband"] = "inband" if in_band else "agreed"
        self._order(MediaCommand.SendDigits(leg=number, digits=digits, press_ms=press_ms, pause_ms=pause_ms, by=by))

    # softswitch.ports.media.Recorder ----------------------------------------------------------------------------

    def record_said(self, leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
        """See `softswitch.ports.media.Recorder`."""
        self._must_pass(leg)
        number, file = self._takes.begin(name, ended)
        self.record(leg, number, file, layout="said", format="wav")
        return number

    # softswitch.ports.mixes.Mixer -------------------------------------------------------------------------------

    def open_mix(
        self,
        mix: MixId,
        *,
        rate: int = 16_000,
        loudest: int = 0,
        keys: bool = False,
        speaking: Callable[[LegId], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        slot = self._mixes.take(mix)
        if slot is None:
            raise Rejected(Cause.SWITCH_CONGESTION, "there are too many mixes")
        self._mix_hearers[mix] = _MixHearers(speaking, failed)
        self._order(MediaCommand.OpenMix(mix=slot.number, epoch=slot.epoch, rate=rate, loudest=loudest, keys=keys))

    def join(self, mix: MixId, leg: LegId) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        self._forget(leg)
        self._order(MediaCommand.Join(mix=self._mixes.of(mix).number, leg=self._slots.of(leg).number))

    def set_level(self, mix: MixId, leg: LegId, *, gain: float = 0.0, muted: bool = False, deaf: bool = False) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        numbers = self._mixes.of(mix).number, self._slots.of(leg).number
        self._order(MediaCommand.Level(mix=numbers[0], leg=numbers[1], gain=gain, muted=muted, deaf=deaf))

    def set_hearing(self, mix: MixId, listener: LegId, speaker: LegId, gain: float | None) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        who = self._slots.of(listener).number, self._slots.of(speaker).number
        self._order(MediaCommand.Hear(mix=self._mixes.of(mix).number, listener=who[0], speaker=who[1], gain=gain))

    def play_to_mix(
        self, mix: MixId, sounds: Sequence[Sound], *, loop: bool = False, ended: Callable[[], None] | None = None
    ) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        items = [self._item(sound) for sound in sounds]
        number = self._mixes.of(mix).number
        operation = self._to_mix.begin(mix, ended)
        self._order_play(MediaCommand.Play(mix=number, items=items, operation=operation, looped=loop))

    def stop_mix_list(self, mix: MixId) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        self._to_mix.forget(mix)
        self._order(MediaCommand.StopPlay(mix=self._mixes.of(mix).number))

    def record_all(self, mix: MixId, name: str, *, format: str, ended: Callable[[int, int, str], None]) -> int:
        """See `softswitch.ports.mixes.Mixer`."""
        number, file = self._takes.begin(name, ended)
        self.record_mix(mix, number, file, format=format)
        return number

    def close_mix(self, mix: MixId) -> None:
        """See `softswitch.ports.mixes.Mixer`."""
        slot = self._mixes.give_back(mix)
        if slot is not None:
            self._to_mix.forget(mix)
            del self._mix_hearers[mix]
            self._order(MediaCommand.CloseMix(mix=slot.number))

    def _item(self, sound: Sound) -> MediaItem:
        match sound:
            case Prompt(name, from_ms):
                return MediaItem.Prompt(prompt=self._prompts.number(name), from_ms=from_ms)
            case SoundFile(name, from_ms):
                return MediaItem.Prompt(prompt=self._prompts.number_of_file(name), from_ms=from_ms)
            case Tone(parts, ms, cadence):
                return MediaItem.Tone(parts=parts, ms=ms, cadence=cadence)
            case Silence(ms):
                return MediaItem.Silence(ms=ms)

    def _forget(self, leg: LegId) -> None:
        """Nobody waits for the end of what was played to a leg."""
        self._playing.forget(leg)
        self._over.forget(leg)

    # What the feature `recording` needs -------------------------------------------------------------------

    def record(self, leg: LegId, recording: int, file: Path, *, layout: str, format: str) -> None:
        """Record a leg from now on until `stop_recording`, or its end.

        Raises Conflict when its sound does not pass through us.
        """
        self._must_pass(leg)
        number, path = self._slots.of(leg).number, file.absolute()
        self._order(MediaCommand.Record(leg=number, recording=recording, path=path, container=format, layout=layout))

    def record_mix(self, mix: MixId, recording: int, file: Path, *, format: str) -> None:
        """Record what all members of a mix say, and what is played to it, until `stop_recording` or its end."""
        number, path = self._mixes.of(mix).number, file.absolute()
        self._order(MediaCommand.Record(mix=number, recording=recording, path=path, container=format, layout="said"))

    def _must_pass(self, leg: LegId) -> None:
        if leg not in self._slots:
            raise Conflict("not-through-us", f"the sound of {leg} does not pass through the switch")

    def pause_recording(self, recording: int, mask: str) -> None:
        """Leave out what comes: `silence` or `tone` stands for it, or nothing (`cut`)."""
        self._order(MediaCommand.PauseRecord(recording=recording, mask=mask))

    def resume_recording(self, recording: int) -> None:
        self._order(MediaCommand.ResumeRecord(recording=recording))

    def stop_recording(self, recording: int) -> None:
        self._order(MediaCommand.StopRecord(recording=recording))

    def kept_recordings(self) -> Mapping[Path, int]:
        """See `softswitch.features.recording.needs.Studio`."""
        recordings = [] if self._link is None else self._link.recordings()
        return {file: number for number, file in recordings if number < FIRST_NUMBER}

    def beep(self, leg: LegId) -> None:
        """Let a party hear that it is recorded, over all else, if its sound passes through us."""
        if leg in self._slots:
            self.play_list(leg, [BEEP], over=True)

    # To and from the engine -------------------------------------------------------------------------------

    def _order(self, command: MediaCommand) -> None:
        """Orders of one turn of the loop go together: waking the engine's thread costs more than the orders."""
        if not self._orders and self._loop is not None:
            self._loop.call_soon(self._submit)
        self._orders.append(command)

    def _load_prompt(self, samples: bytes, rate: int) -> int:
        # One that was just dropped may come back.
        self._submit()
        return self._engine.add_prompt(samples, rate)

    def _order_play(self, command: MediaCommand) -> None:
        self._order(command)
        for prompt in self._prompts.unused():
            self._order(MediaCommand.DropPrompt(prompt=prompt))

    def _submit(self) -> None:
        orders, self._orders = self._orders, []
        self._engine.submit(orders)

    def _drain(self) -> None:
        for event in self._engine.drain():
            try:
                self._tell(event)
            except Exception:
                # One hearer's fault must not lose the events of other calls.
                log.exception("a media event was not taken", kind=type(event).__name__)

    # When the engine dies ----------------------------------------------------------------------------------

    def _drain_link(self) -> None:
        self._drain()
        if self._link is not None and self._link.lost is not None:
            self._lose(self._link)

    def _lose(self, link: MediaEngineLink) -> None:
        """What the engine carried is over; nothing can be opened until there is another."""
        assert self._loop is not None and self._events is not None and self._process is not None
        reason = "the media engine has died"
        log.error(reason, why=link.lost)
        self._loop.remove_reader(link.fileno())
        self._link = None
        self._orders.clear()
        lines = self.pictures.lose()
        legs, mixes = [leg for leg in self._slots.holders() if leg not in lines], self._mixes.holders()
        self._last_figures = {leg: self.figures(leg) for leg in legs}
        self._slots.lose()
        self._mixes.lose()
        self._listened_to.clear()
        hearers, self._mix_hearers = self._mix_hearers, {}
        told: list[Callable[[], None]] = [partial(self._events.sound_lost, leg) for leg in legs]
        told += [partial(playing.end, leg) for leg in legs for playing in (self._playing, self._over)]
        told += [partial(self._to_mix.end, mix) for mix in mixes]
        told += [partial(hearer.failed, reason) for hearer in hearers.values() if hearer.failed is not None]
        told += [partial(self._takes.lose, reason), partial(self.streams.lose, reason)]
        if self._recording_events is not None:
            told.append(partial(self._recording_events.recordings_lost, reason))
        for tell in told:
            try:
                tell()
            except Exception:
                log.exception("the death of the media engine was not taken")
        self._revival = self._loop.create_task(self._revive(self._process, link.ends_alone))

    async def _revive(self, process: EngineProcess, ours: bool) -> None:
        link = await revive(process, begins=ours)
        prompts = self._new_prompts(link.add_prompt)
        await asyncio.to_thread(prompts.load_all)
        prompts.load_by(self._load_prompt)
        self._engine, self._link, self._prompts = link, link, prompts
        self._addresses = [HostPort(self._advertised_host, port) for port in link.ports()]
        above = link.owner << 32
        # What a link that broke, rather than an engine that died, has left open is closed below.
        self._slots.renew(len(self._addresses), above=above, kept=dict(link.open_legs()))
        self._mixes.renew(len(self._addresses), above=above, kept=dict(link.open_mixes()))
        self.resumed()
        self.pictures.revive()
        assert self._loop is not None
        self._loop.add_reader(link.fileno(), self._drain_link)
        log.info("there is a media engine again")

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
                if leg is not None:
                    self._playing.end(leg, operation)
                    self._over.end(leg, operation)
            case MediaEvent.RecordingTroubled(recording, reason):
                if self._takes.trouble(recording, reason):
                    self.stop_recording(recording)
                elif self._recording_events is not None:
                    self._recording_events.recording_troubled(recording, reason)
            case MediaEvent.RecordingEnded(recording, milliseconds, size, lost_ms, reason):
                if not self._takes.end(recording, milliseconds, size, reason) and self._recording_events is not None:
                    self._recording_events.recording_ended(recording, milliseconds, size, lost_ms, reason)
            case _ if self.pictures.tell(event):
                pass
            case MediaEvent.StreamOpened(stream):
                self.streams.tell_opened(stream)
            case MediaEvent.StreamEnded(stream, lost_ms, reason):
                self.streams.tell_ended(stream, lost_ms, reason)
            case MediaEvent.Failed(number, epoch, reason):
                leg = self._slots.holder(number, epoch)
                log.warning("the media engine could not do as told", leg=leg, reason=reason)
                if leg is not None:
                    # Whoever waits for the end of something is not to wait for ever.
                    self._playing.end(leg)
                    self._over.end(leg)
            case MediaEvent.MixPlayEnded(number, epoch, operation):
                mix = self._mixes.holder(number, epoch)
                if mix is not None:
                    self._to_mix.end(mix, operation)
            case MediaEvent.Speaking(number, epoch, speaker):
                mix = self._mixes.holder(number, epoch)
                leg = self._slots.at(speaker)
                if mix is not None and leg is not None and (speaking := self._mix_hearers[mix].speaking):
                    speaking(leg)
            case MediaEvent.MixFailed(number, epoch, reason):
                mix = self._mixes.holder(number, epoch)
                log.warning("the media engine could not do as told", mix=mix, reason=reason)
                if mix is not None:
                    self._to_mix.end(mix)
                    if failed := self._mix_hearers[mix].failed:
                        failed(reason)

    def _played(self, leg: LegId) -> None:
        assert self._events is not None, "nobody listens"
        self._events.played(leg)
