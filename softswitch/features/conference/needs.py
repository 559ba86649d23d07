"""What rooms ask of others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from softswitch.calls.leg import OurVideo
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Confirmation
from softswitch.events import Fact
from softswitch.events.rooms import MemberTerminal
from softswitch.features.conference.model.scene import Scene
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId, MixId
from softswitch.kernel.opening import Opening
from softswitch.kernel.sound import Sound, SoundFile
from softswitch.platform.event_log import Rows


class Sounds(Protocol):
    """What is asked of the media engine (`softswitch.ports`: `Mixer`, `Player`, `Media`, `Recorder`)."""

    def serves(self, leg: LegId) -> bool:
        """Whether a leg is there still: one whose phone has hung up ends before its application has noticed."""
        ...

    def open_mix(
        self,
        mix: MixId,
        *,
        rate: int = 16_000,
        loudest: int = 0,
        keys: bool = False,
        speaking: Callable[[LegId], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None: ...
    def join(self, mix: MixId, leg: LegId) -> None: ...
    def set_level(
        self, mix: MixId, leg: LegId, *, gain: float = 0.0, muted: bool = False, deaf: bool = False
    ) -> None: ...
    def set_hearing(self, mix: MixId, listener: LegId, speaker: LegId, gain: float | None) -> None: ...
    def play_to_mix(
        self, mix: MixId, sounds: Sequence[Sound], *, loop: bool = False, ended: Callable[[], None] | None = None
    ) -> None: ...
    def stop_mix_list(self, mix: MixId) -> None: ...
    def record_all(self, mix: MixId, name: str, *, format: str, ended: Callable[[int, int, str], None]) -> int: ...
    def pause_recording(self, recording: int, mask: str) -> None: ...
    def resume_recording(self, recording: int) -> None: ...
    def stop_recording(self, recording: int) -> None: ...
    def close_mix(self, mix: MixId) -> None: ...
    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None: ...
    def silence(self, leg: LegId) -> None: ...
    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None: ...
    async def prepare(self, sounds: Sequence[SoundFile]) -> None: ...


class Switchboard(Protocol):
    """What is done with calls (`softswitch.engine.switch.Switch`)."""

    def invite(
        self,
        origin: Origin,
        from_: Party,
        number: str,
        destination: Destination,
        home: Destination,
        *,
        ring_seconds: float,
        rang: Callable[[], None],
        over: Callable[[Cause], None],
        confirm: Confirmation | None = None,
        video: Sequence[OurVideo] = (),
    ) -> CallId:
        """Call somebody; who answers is handed to `home`."""
        ...

    def disperse(self, call: CallId, destination: Destination) -> None:
        """Let the parties of a call go to a destination, each by itself. Raises NotFound and Conflict."""
        ...

    def hang_up(self, call: CallId) -> bool: ...


class Parties(Protocol):
    """Who is in a call that lives."""

    def account_of(self, call: CallId, leg: LegId) -> str:
        """Whose phone a leg is; empty: no account's."""
        ...

    def account_name(self, account: str) -> str:
        """How an account is called in the directory; empty: it says none."""
        ...


class Files(Protocol):
    """Files by their names below the data folder (`softswitch.features.conference.files.MeetingFiles`)."""

    async def forget(self, names: Sequence[str]) -> None:
        """Delete them."""
        ...

    async def milliseconds(self, name: str) -> int | None:
        """How long a sound file is; None: there is none."""
        ...


class Bus(Protocol):
    """Where facts are heard (`softswitch.engine.bus.Bus`)."""

    def subscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None: ...
    def unsubscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None: ...


class WriteBehind(Protocol):
    """What stores rows behind, in the transactions of facts (`softswitch.platform.event_log.EventLog`)."""

    def derive(self, rows: Callable[[], Sequence[tuple[Rows, tuple[object, ...]]]]) -> None: ...
    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...
    def ring(self) -> None: ...
    async def last_at(self) -> int | None: ...


class Post(Protocol):
    """Sends e-mails behind everything else."""

    def mail(self, to: str, subject: str, text: str) -> bool:
        """False: it is not sent, because nothing sends mail here or the address is none."""
        ...


class Calendars(Protocol):
    """When somebody is there."""

    def exists(self, name: str) -> bool: ...
    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Whether it is open at a moment, wall milliseconds, and why. Raises NotFound."""
        ...


class Floors(Protocol):
    """Floor control on the wire (`gateways.bfcp.gateway.BfcpGateway`)."""

    @property
    def address(self) -> HostPort:
        """Where phones reach it."""
        ...

    def open_floor(self, conference: int, may_have: Callable[[int], bool], holds: Callable[[int | None], None]) -> None:
        """Make a conference's floor. `may_have` tells whether a user may have it now, `holds` is told who has it; None:
        nobody."""
        ...

    def add_user(self, conference: int, user: int) -> None: ...
    def remove_user(self, conference: int, user: int) -> None: ...
    def close_floor(self, conference: int) -> None: ...


class Pictures(Protocol):
    """What members with video see. Legs are those of their sound; who has none gets none, and is named all the same."""

    def terminal(self, leg: LegId) -> MemberTerminal:
        """Whether a member sends and takes pictures."""
        ...

    def show(self, viewer: LegId, source: LegId | None, content: LegId | None = None) -> None:
        """Let a member see what another sends, from its next key frame on; None: nothing new. `content`: slides, by
        their line, in the place of that."""
        ...

    def show_content(self, viewer: LegId, source: LegId | None) -> None:
        """Let a line of slides show what another line of slides sends; None: nothing."""
        ...

    def compose(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> bool:
        """Let all members of a room see one picture of many, or change it; `legs` are those of members, `content` is a
        line of slides that is to be seen there, too. False: that cannot be had now, and pictures are to be switched."""
        ...

    def end(self, room: MixId) -> None:
        """A room needs no pictures any more."""
        ...

    def record(self, room: MixId, name: str, to: Literal["on", "paused", "off"]) -> None:
        """Write what is to be seen, as `compose` or `follow` tells it, to a recording: a name below the data folder,
        without an ending."""
        ...

    def follow(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> None:
        """Members of a room see one another; this is to be seen in its recording, if there is one."""
        ...

    def must_compose(self, room: MixId) -> bool:
        """Whether something is shown that only a composed picture can have."""
        ...

    async def present(self, room: MixId, document: bytes, page: int) -> int:
        """Show a page of a document, and give how many it has. Raises Invalid and Unavailable."""
        ...

    async def turn(self, room: MixId, page: int) -> int:
        """Show another page of it. Raises NotFound and Invalid."""
        ...

    def take_away(self, room: MixId) -> None:
        """Show it no more."""
        ...

    async def check_camera(self, url: str) -> None:
        """Raises Invalid and NotPermitted for one that cannot be fetched."""
        ...

    async def add_camera(
        self, room: MixId, member: int, url: str, sound: bool, lost: Callable[[str], None]
    ) -> LegId | None:
        """Fetch a camera, to be seen as a member. Gives the leg that says what it says, until it is removed; None: it
        says nothing. `lost` is told why it gives no pictures, and nothing when it does. Raises Invalid and
        NotPermitted."""
        ...

    def remove_camera(self, room: MixId, member: int) -> None:
        """Fetch it no more."""
        ...

    def keep(self, name: str, sound: str, began: float, kept: Callable[[str, int, str], None]) -> None:
        """A recording is over, and so is its sound, a file below the data folder (empty: there is none) that began at a
        moment of the monotonic clock: make one of them. `kept` is told its name (empty: none), its length in
        milliseconds and why it failed; where no pictures were recorded, nothing."""
        ...
