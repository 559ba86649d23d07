"""Pictures on the media engine: `Video` and `VideoSwitch` of `softswitch.ports`. Its slots are those of sound, too."""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from gateways._native import MediaCommand, MediaEngine, MediaEngineLink, MediaEvent
from gateways.media import agreement
from gateways.media.slots import NOWHERE, Slots
from softswitch.events import VideoFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, VideoLine
from softswitch.ports.video import VideoEvents, VideoSwitchEvents

log = structlog.get_logger(__name__)

_PICTURES = {codec.name for codec in agreement.VIDEO}


class Pictures:
    """Video lines, and sources that the composer makes, in slots of the engine.

    `order` gives a command to the engine, `engine` is the one that there is now, `address` that of a slot, and `reach`
    the address that the engine is bound to.
    """

    def __init__(
        self,
        order: Callable[[MediaCommand], None],
        engine: Callable[[], MediaEngine | MediaEngineLink],
        slots: Slots[LegId],
        address: Callable[[int], HostPort],
        reach: str | None,
    ) -> None:
        self._order = order
        self._engine = engine
        self._slots = slots
        self._address = address
        self._reach = reach
        self._lines: set[LegId] = set()
        self._voices: set[LegId] = set()
        """Legs of sound that speak for the composer."""
        self._last_figures: dict[LegId, VideoFigures] = {}
        """Of lines whose engine has died."""
        self._events: VideoEvents | None = None
        self._switch_events: VideoSwitchEvents | None = None
        self._composer: Path | None = None
        self._agreed: dict[LegId, VideoLine] = {}
        """What the parties of lines said last, of what both sides have."""

    def listen(self, events: VideoEvents) -> None:
        """Tell `events` of wishes for whole pictures."""
        self._events = events

    def listen_to_switch(self, events: VideoSwitchEvents) -> None:
        """Tell `events` who is seen, and what becomes of the composer."""
        self._switch_events = events

    def __contains__(self, line: LegId) -> bool:
        return line in self._lines

    # softswitch.ports.video.Video -------------------------------------------------------------------------------

    @property
    def video_codecs(self) -> Sequence[Codec]:
        """See `softswitch.ports.video.Video`."""
        return agreement.VIDEO

    def open_video(self, line: LegId) -> HostPort:
        """See `softswitch.ports.video.Video`."""
        number, epoch = self._take(line, self._lines)
        self._order(MediaCommand.OpenVideo(leg=number, epoch=epoch))
        return self._address(number)

    def connect_video(self, line: LegId, local: VideoLine, remote: VideoLine) -> None:
        """See `softswitch.ports.video.Video`."""
        if local.live and remote.live:
            self._agreed[line] = agreement.common_video(local, remote)
        else:
            self._agreed.pop(line, None)
        self._order(agreement.connect_video(self._slots.of(line).number, local, remote, self._reach))

    def bridge_video(self, a: LegId, b: LegId) -> None:
        """See `softswitch.ports.video.Video`."""
        self._order(MediaCommand.Bridge(a=self._slots.of(a).number, b=self._slots.of(b).number))

    def echo_video(self, line: LegId) -> None:
        """See `softswitch.ports.video.Video`."""
        self._order(MediaCommand.Echo(leg=self._slots.of(line).number))

    def silence_video(self, line: LegId) -> None:
        """See `softswitch.ports.video.Video`."""
        self._order(MediaCommand.Silence(leg=self._slots.of(line).number))

    def refresh_video(self, line: LegId) -> None:
        """See `softswitch.ports.video.Video`."""
        self._order(MediaCommand.Refresh(leg=self._slots.of(line).number))

    def video_figures(self, line: LegId) -> VideoFigures:
        """See `softswitch.ports.video.Video`."""
        number = self._slots.of(line).number
        return VideoFigures(*self._engine().video_stats(number)) if number != NOWHERE else self._last_figures[line]

    def close_video(self, line: LegId) -> None:
        """See `softswitch.ports.video.Video`."""
        self._lines.discard(line)
        self._last_figures.pop(line, None)
        self._agreed.pop(line, None)
        slot = self._slots.give_back(line)
        if slot is not None:
            self._order(MediaCommand.Close(leg=slot.number))

    # softswitch.ports.video.VideoSwitch -------------------------------------------------------------------------

    def taken(self, line: LegId) -> Codec | None:
        """See `softswitch.ports.video.VideoSwitch`."""
        agreed = self._agreed.get(line)
        return _picture(agreed) if agreed is not None and agreed.direction.receives else None

    def sent(self, line: LegId) -> Codec | None:
        """See `softswitch.ports.VideoSwitch`."""
        agreed = self._agreed.get(line)
        return _picture(agreed) if agreed is not None and agreed.direction.sends else None

    def takes_kbps(self, line: LegId) -> int | None:
        """See `softswitch.ports.video.VideoSwitch`."""
        agreed = self._agreed.get(line)
        return None if agreed is None else agreed.bandwidth_kbps

    def show(self, viewer: LegId, source: LegId | None) -> None:
        """See `softswitch.ports.video.VideoSwitch`."""
        number = None if source is None else self._slots.of(source).number
        self._order(MediaCommand.Show(viewer=self._slots.of(viewer).number, source=number))

    def limit_video(self, line: LegId, kbps: int | None) -> None:
        """See `softswitch.ports.video.VideoSwitch`."""
        self._order(MediaCommand.LimitVideo(leg=self._slots.of(line).number, kbps=kbps))

    def composer(self, path: Path | None) -> None:
        """See `softswitch.ports.video.VideoSwitch`."""
        self._composer = path
        self._order(MediaCommand.Composer(path=path))

    def feed(self, line: LegId, member: int | None) -> None:
        """See `softswitch.ports.video.VideoSwitch`."""
        self._order(MediaCommand.FeedComposer(leg=self._slots.of(line).number, member=member))

    def open_source(self, source: LegId, number: int, codec: Codec) -> None:
        """See `softswitch.ports.video.VideoSwitch`."""
        leg, epoch = self._take(source, self._lines)
        self._order(
            MediaCommand.OpenSource(leg=leg, epoch=epoch, source=number, name=codec.name, parameters=codec.parameters)
        )

    def open_voice(self, leg: LegId, number: int) -> None:
        """See `softswitch.ports.VideoSwitch`."""
        slot, epoch = self._take(leg, self._voices)
        self._order(MediaCommand.Open(leg=slot, epoch=epoch))
        self._order(MediaCommand.HearComposer(leg=slot, member=number))

    def close_voice(self, leg: LegId) -> None:
        """See `softswitch.ports.VideoSwitch`."""
        self._voices.discard(leg)
        slot = self._slots.give_back(leg)
        if slot is not None:
            self._order(MediaCommand.Close(leg=slot.number))

    def _take(self, leg: LegId, among: set[LegId]) -> tuple[int, int]:
        slot = self._slots.take(leg)
        if slot is None:
            raise Rejected(Cause.SWITCH_CONGESTION, "no media port is left")
        among.add(leg)
        return slot.number, slot.epoch

    # Of the media gateway ---------------------------------------------------------------------------------

    def resume(self, line: LegId, number: int) -> bool:
        """Go on with a line that the engine has kept."""
        if not self._slots.resume(line, number):
            return False
        self._lines.add(line)
        return True

    def lose(self) -> set[LegId]:
        """The engine has died: what it knew of each line is kept, while the slots still have their numbers. Gives all
        that are no leg of a call's sound."""
        self._last_figures = {line: self.video_figures(line) for line in self._lines if line in self._slots}
        if self._composer is not None and self._switch_events is not None:
            self._switch_events.composer_lost("the media engine has died")
        return self._lines | self._voices

    def revive(self) -> None:
        """There is an engine again."""
        if self._composer is not None:
            self._order(MediaCommand.Composer(path=self._composer))

    def tell(self, event: MediaEvent) -> bool:
        """Take an event; False: it is not of pictures."""
        match event:
            case MediaEvent.PictureWanted(number, epoch):
                line = self._slots.holder(number, epoch)
                if line is not None and self._events is not None:
                    self._events.key_frame_wanted(line)
            case MediaEvent.VideoStarted(number, epoch) | MediaEvent.VideoStalled(number, epoch):
                line = self._slots.holder(number, epoch)
                if line is not None and self._switch_events is not None:
                    self._switch_events.video_flows(line, isinstance(event, MediaEvent.VideoStarted))
            case MediaEvent.Shown(number, epoch, shown):
                viewer, source = self._slots.holder(number, epoch), self._slots.at(shown)
                if viewer is not None and source is not None and self._switch_events is not None:
                    self._switch_events.shown(viewer, source)
            case MediaEvent.ComposerReady():
                if self._switch_events is not None:
                    self._switch_events.composer_ready()
            case MediaEvent.ComposerLost(reason):
                log.warning("there is no composer", reason=reason)
                if self._switch_events is not None:
                    self._switch_events.composer_lost(reason)
            case _:
                return False
        return True


def _picture(agreed: VideoLine) -> Codec | None:
    return next((each for each in agreed.codecs if each.name in _PICTURES), None)
