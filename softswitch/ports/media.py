"""The sound of legs: what they hear, what is kept of them, and what is sent elsewhere."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.events import MediaFigures
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, MediaDescription
from softswitch.kernel.sound import Sound


class Media(Protocol):
    """Sound. Each leg has one local RTP address from `open` to `close`. No packet ever meets Python."""

    def open(self, leg: LegId) -> HostPort:
        """Take a local RTP port for a leg: the address to describe to its party.

        Raises Rejected(SWITCH_CONGESTION) when no port is left.
        """
        ...

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        """Tell what was agreed: where the party receives and in which codecs, and what we said we receive.

        May be called again after each new offer and answer.
        """
        ...

    def bridge(self, a: LegId, b: LegId) -> None:
        """Let two legs hear each other: packets that both understand pass as they are, all else is converted."""
        ...

    def echo(self, leg: LegId) -> None:
        """Send a party's sound back to it."""
        ...

    def tone(self, leg: LegId, frequency: float) -> None:
        """Send a steady tone in Hz."""
        ...

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        """Play a prompt once; `MediaEvents.played` tells its end. With `loop` it begins anew until something else is
        ordered. Raises NotFound for an unknown prompt."""
        ...

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
        """Listen to the party's sound for these things, and for nothing else any more, until it is bridged.

        `keys` as tones come as `MediaEvents.digit`, as long as the party sends none as events; the others as
        `MediaEvents.detected`: fax machines, who answered (person or machine), the beep of an answering machine, and
        the call progress tones of a country (ISO 3166). With `pause_ms`: when the party begins to speak (`speech`), and
        when it has said nothing for so long, from now or from its last word on (`pause`); each in turn, the first is
        either.
        """
        ...

    def silence(self, leg: LegId) -> None:
        """End whatever the leg is doing: bridge, echo, mix, and what is played or sent to it."""
        ...

    def figures(self, leg: LegId) -> MediaFigures:
        """The leg's counters so far."""
        ...

    def heard(self, leg: LegId) -> int:
        """How many packets of sound have come from the leg's party."""
        ...

    def close(self, leg: LegId) -> None:
        """Give the port back. Closing twice does nothing."""
        ...

    @property
    def codecs(self) -> Sequence[Codec]:
        """What the engine itself can speak and hear, best first (a relayed leg may use others)."""
        ...

    @property
    def converts(self) -> tuple[Codec, ...]:
        """The codecs between any two of which the engine converts the sound of a bridge, cheapest first."""
        ...


class MediaEvents(Protocol):
    """What the media engine tells the switch."""

    def played(self, leg: LegId) -> None:
        """The prompt of a leg came to its end (not after `silence`)."""
        ...

    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None:
        """A party pressed a key (RFC 4733, or a tone that was listened for), told once however often it was repeated on
        the wire."""
        ...

    def detected(self, leg: LegId, what: str) -> None:
        """Something that was listened for: `fax-calling`, `fax-answering`, `person`, `machine`, `nobody`, `beep`,
        `ring-back`, `busy`, `congestion`, `special-information`, `speech`, `pause`."""
        ...

    def sound_lost(self, leg: LegId) -> None:
        """The media engine has died, and the leg's sound with it. Its figures are still known until it is closed."""
        ...


class Player(Protocol):
    """More that a media engine can say to a leg's party. A leg is one that `Media` has opened."""

    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Play one sound after the other, in place of what the leg does, or `over` what it hears: beside a party it is
        bridged with, or a mix. `ended` is told once when the last one is over or nothing can be played; not when
        something else takes its place. With `loop` it begins anew for ever.

        Raises NotFound for an unknown prompt or sound file, and Invalid for a file that is no sound.
        """
        ...

    async def prepare(self, sounds: Sequence[Sound]) -> None:
        """Read the sound files among some sounds beforehand, so that nothing waits for that when they are played: one
        of a minute takes the time of many calls. Raises as `play_list`."""
        ...

    def stop_list(self, leg: LegId) -> None:
        """End what is played, and nothing else."""
        ...

    def pause_list(self, leg: LegId, paused: bool) -> None:
        """Hold what is played, or let it go on."""
        ...

    def seek_list(self, leg: LegId, ms: int) -> None:
        """Go to a time from the beginning of what is played."""
        ...

    def send_digits(
        self, leg: LegId, digits: str, *, press_ms: int = 100, pause_ms: int = 100, in_band: bool = False
    ) -> None:
        """Press keys (0 to 9, *, #, A to D) towards the party: by RFC 4733 where it was agreed, else as tones;
        `in_band` always as tones."""
        ...


class Recorder(Protocol):
    """Keeps what a leg's party says. A leg is one that `Media` has opened."""

    def record_said(self, leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
        """Write what the party says from now on to a WAV file, until `stop_recording` or the leg's end: gives the
        recording's number.

        `name` is a path below the data folder; folders that are not there are made. `ended` is told once, when the file
        is complete and on the disk: its length in milliseconds, its size in bytes (0: it could not be made), and why it
        ended by itself: where the disk takes no more, it does so at once. Raises Invalid for a name that leads out of
        the folder.
        """
        ...

    def stop_recording(self, recording: int) -> None:
        """End a recording, which is then told; one that has ended is left alone."""
        ...


class Streamer(Protocol):
    """Sends the sound of legs to WebSocket servers, and plays what comes from there, as
    docs/reference/media-websocket.md says."""

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
        """Connect to a server (`ws://`) for a leg, until `stop_stream`, the leg's end or the server's: gives the
        stream's number.

        `rate`: 8000 or 16000 samples a second. `direction`: `said` (what the party says), `heard` (what it hears of
        others), `mixed` or `stereo` (both). `play`: whether what the server says is played to the party: `none`, `over`
        what it hears, or `instead`. `about`: names and values for the first message. `opened` is told once the server
        is there; `ended` once, milliseconds of sound that the server was too slow for, and why it ended.
        Raises Conflict when the leg's sound does not pass through us.
        """
        ...

    def stop_stream(self, stream: int) -> None:
        """End a stream, which is then told; one that has ended is left alone."""
        ...
