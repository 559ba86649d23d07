"""What the switch needs from outside, as Protocols. Gateways and features provide them; `app.py` ties the ends."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from softswitch.calls.restored import RestoredLeg
from softswitch.calls.signals import Incoming, Invitation, LegCommand, LegSignal, Origin, Target
from softswitch.calls.uplinks import Enrolled, Probed, Uplink
from softswitch.events import MediaFigures, VideoFigures
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding, PushTarget
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.mail import Mail
from softswitch.kernel.media import Codec, MediaDescription, VideoLine
from softswitch.kernel.messages import Delivery, Taken, TextMessage
from softswitch.kernel.offence import Offence
from softswitch.kernel.roster import Roster
from softswitch.kernel.sound import Sound, SoundFile
from softswitch.kernel.speech import Heard
from softswitch.kernel.watching import Mailbox, Permission, Presence, Published, Subject, WatchedCall


class Signalling(Protocol):
    """A gateway that carries legs to and from parties (SIP today; a browser or a PSTN line would be another)."""

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        """Invite a party; what comes of it arrives as signals, the last of which is `Ended`.

        Never raises for what the network does: an unreachable target ends the leg by a signal.
        """
        ...

    def send(self, leg: LegId, command: LegCommand) -> None:
        """Carry out a command on a leg. On a leg that has ended it does nothing.

        Raises LocalProtocolError when the leg's state does not allow it: a bug of ours, never the peer's doing.
        """
        ...


class Uplinks(Protocol):
    """A gateway that keeps us registered at carriers, and asks their gateways whether they live."""

    def keep(self, uplinks: Sequence[Uplink]) -> None:
        """Keep these from now on, and no others: what is new is registered, what is gone unregistered."""
        ...


class UplinkEvents(Protocol):
    """What such a gateway tells."""

    def enrolled(self, uplink: str, how: Enrolled) -> None:
        """A REGISTER was answered, or was not."""
        ...

    def probed(self, uplink: str, how: Probed) -> None:
        """A gateway was asked whether it lives."""
        ...


class SignallingEvents(Protocol):
    """What a signalling gateway tells the switch. Calls come from the event loop, one at a time, in order."""

    def incoming(self, incoming: Incoming) -> LegId:
        """A party asks for a call: gives the new leg's id. Commands for it may come before this returns."""
        ...

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        """A party did something."""
        ...

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        """One ladder line: `direction` is `in` or `out`, `what` is short, such as `INVITE sip:1002@…` or
        `200 OK (INVITE)`. Never holds a credential."""
        ...

    def on_record(self, then: Callable[[], None]) -> None:
        """Call `then` once all that was told so far will be found in the records, even if the process is killed; at
        once where it already will."""
        ...


class Gatekeeper(Protocol):
    """Who may call. Answered from memory: nothing on the path of a call waits for the database."""

    def recognise(self, source: HostPort, from_user: str, to_user: str, line: str = "") -> Origin | None:
        """Whom a request is from by its source address, or because it came to a Contact that only one carrier knows
        (by its user, or its `line` parameter); None: it must prove itself by digest."""
        ...

    def certified(self, names: tuple[str, ...]) -> Origin | None:
        """Whom a request is from that came by a TLS connection whose peer has proved one of these names by its
        certificate; None: it must prove itself by digest."""
        ...

    def ha1(self, username: str, algorithm: str) -> str | None:
        """The stored H(A1) of an account in this switch's realm, hexadecimal, for `MD5` or `SHA-256`."""
        ...

    def registers_in_bulk(self, username: str) -> bool:
        """Whether a user is a PBX that may register one Contact for all its numbers (RFC 6140)."""
        ...

    def admits(self, username: str, host: str, transport: str) -> bool:
        """Whether an account that has proved itself may come from an address by a transport (`udp`, `tls` …)."""
        ...

    def origin(self, username: str) -> Origin:
        """Whom a request is from once `username` has proved itself."""
        ...


class Sentry(Protocol):
    """Who keeps an eye on where requests come from. Answered from memory; `host` is an IP address."""

    def offended(self, host: str, offence: Offence, detail: str) -> None:
        """A source did what no honest one does."""
        ...

    def challenged(self, host: str, name: str) -> None:
        """A request in somebody's name had no credentials, and was answered by a challenge: no offence by itself."""
        ...

    def proved(self, host: str, name: str) -> None:
        """A request has proved to be from an account."""
        ...


class Location(Protocol):
    """Where accounts are now (RFC 3261 section 10.3). Answered from memory, stored behind."""

    def bindings(self, aor: str) -> Sequence[Binding]:
        """The bindings of an account that have not expired, in order of preference (q, then newest)."""
        ...

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        """Make these the account's bindings."""
        ...

    def flow_failed(self, connection: int) -> None:
        """A socket or connection is gone: bindings that came by it are reached another way, or not at all."""
        ...


class PushNotifier(Protocol):
    """Wakes phones that sleep (RFC 8599)."""

    def wake(self, target: PushTarget, account: str, caller: Party, why: str) -> None:
        """Ask a push service to wake a phone, because of a `call` or a `message` for `account` from `caller`, or
        because its `mailbox` is another. Never waits, never raises: the phone comes back, or it does not."""
        ...


class Watched(Protocol):
    """What may be watched of accounts. Answered from memory."""

    def permission(self, subject: Subject, account: str, watcher: str) -> Permission | None:
        """How much one account may know of another; None: there is no such account."""
        ...

    def watching(self, subject: Subject, account: str, watched: bool) -> None:
        """Somebody watches this now, or nobody any more: only what is watched need be kept up to date."""
        ...

    def calls(self, account: str) -> Sequence[WatchedCall]:
        """The account's legs that have not ended."""
        ...

    def presence(self, account: str) -> Presence: ...

    def mailbox(self, account: str) -> Mailbox: ...

    def published(self, account: str, publications: Sequence[Published]) -> None:
        """What the account's devices say of their person now, newest first."""
        ...


class Rosters(Protocol):
    """Who is in conference rooms. Answered from memory."""

    def permission(self, room: str, watcher: str) -> Permission | None:
        """Whether an account may know who is in a room; None: there is no such room."""
        ...

    def roster(self, room: str) -> Roster | None:
        """A room's members now; None: there is no meeting in it."""
        ...


class Watchers(Protocol):
    """Who watches: told of changes by those who make them."""

    def changed(self, subject: Subject, account: str) -> None:
        """What is watched may be other than it was: those who watch it are told soon what `Watched` then says."""
        ...

    def reachable(self, account: str) -> None:
        """A phone of an account may have a new connection: try again what could not be told."""
        ...

    def review(self, account: str) -> None:
        """Who may see an account may have changed: end what is not permitted any more."""
        ...

    def unwatch(self, account: str) -> None:
        """An account is gone: end what it watches, and what is watched of it."""
        ...


class Messages(Protocol):
    """Who takes the messages that accounts send."""

    def received(
        self, origin: Origin, message: TextMessage, lifetime: int | None, decided: Callable[[Taken], None]
    ) -> None:
        """An account sends a message. `lifetime`: seconds after which it is worth nothing, where the sender said so.
        `decided` is told, once, what became of it; that may be later."""
        ...


class Courier(Protocol):
    """A gateway that carries messages to devices."""

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        """Give a message to one device; `done` is told, once and later, what the device said."""
        ...


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


class Video(Protocol):
    """Pictures. Each video line of a leg is a leg of its own here, named by `IdSource.video`, with one local RTP
    address from `open_video` to `close_video`. A line does one of: nothing, a bridge, an echo."""

    def open_video(self, line: LegId) -> HostPort:
        """Take a local RTP port for a line: the address to describe to its party.

        Raises Rejected(SWITCH_CONGESTION) when no port is left.
        """
        ...

    def connect_video(self, line: LegId, local: VideoLine, remote: VideoLine) -> None:
        """Tell what was agreed: where the party receives and in which codecs, and what we said we receive. May be
        called again after each new offer and answer; a line that either side has refused or ended (`live` is false) is
        neither sent to nor heard until then."""
        ...

    def bridge_video(self, a: LegId, b: LegId) -> None:
        """Let two lines see each other: packets pass as they are, under the payload types that each party was told, and
        so does what is asked by RTCP. Lines bridged with each other already stay so."""
        ...

    def echo_video(self, line: LegId) -> None:
        """Send a party's pictures back to it."""
        ...

    def silence_video(self, line: LegId) -> None:
        """End whatever the line is doing, and whatever another does with it."""
        ...

    def refresh_video(self, line: LegId) -> None:
        """The party of a line has said by signalling that it needs a whole picture of what it sees: whoever sends that
        is asked by PLI or FIR as agreed, once in half a second at the most. Who has agreed to neither is to be asked by
        signalling: `VideoEvents.key_frame_wanted` says so."""
        ...

    def video_figures(self, line: LegId) -> VideoFigures:
        """The line's counters so far."""
        ...

    def close_video(self, line: LegId) -> None:
        """Give the port back. Closing twice does nothing."""
        ...

    @property
    def video_codecs(self) -> Sequence[Codec]:
        """What the engine itself understands, best first (a bridged line may use others)."""
        ...


class VideoEvents(Protocol):
    """What the media engine tells of pictures."""

    def key_frame_wanted(self, line: LegId) -> None:
        """Somebody who sees a line needs a whole picture of it, and its party takes no such wish by RTCP: it is to be
        asked by signalling (RFC 5168)."""
        ...


class VideoSwitch(Protocol):
    """Who sees what, beyond two who see each other. A line is one that `Video` has opened; a source is a line, or what
    the composer makes. Besides what it shows and is shown, a line does nothing."""

    def taken(self, line: LegId) -> Codec | None:
        """What the party of a line takes that the engine can show to many, as the party said it; None: nothing, or
        there is no such line."""
        ...

    def takes_kbps(self, line: LegId) -> int | None:
        """The most that it takes, as it said in its description; None: it has not."""
        ...

    def show(self, viewer: LegId, source: LegId | None) -> None:
        """Show a line what another sends, from its next whole picture on; until then, what it has been shown. The
        viewer keeps one stream: it sees no more of a change than another picture. None, and when the source is closed:
        nothing more comes, and the last picture stays.

        Sources whose codec (packetization mode) the viewer has not agreed to are not shown, which is logged.
        """
        ...

    def limit_video(self, line: LegId, kbps: int | None) -> None:
        """The most that a line's party is to send, where it agreed to be told (TMMBR, REMB); None: what its viewers
        take."""
        ...

    def composer(self, path: Path | None) -> None:
        """Go to the composer that listens at a socket, or to none any more. To be said again when it was lost and is
        back."""
        ...

    def feed(self, line: LegId, member: int | None) -> None:
        """Give a line's pictures to the composer under a number that the caller and the composer know; None: no
        more."""
        ...

    def open_source(self, source: LegId, number: int, codec: Codec) -> None:
        """Take what the composer makes under a number as a source, until `close_video`. The codec is `H264`, whose
        parameters say its packetization mode and profile, or `VP8`.

        Raises Rejected(SWITCH_CONGESTION) when there are too many.
        """
        ...

    def close_video(self, line: LegId) -> None:
        """See `Video`."""
        ...


class VideoSwitchEvents(Protocol):
    """What a `VideoSwitch` tells."""

    def video_flows(self, line: LegId, flows: bool) -> None:
        """The first packet of a line has come, or one after a stall; False: nothing has come for two seconds."""
        ...

    def shown(self, viewer: LegId, source: LegId) -> None:
        """A viewer sees a source from now on."""
        ...

    def composer_ready(self) -> None:
        """The composer is there: it gets the pictures of all that are fed to it, from whole ones on."""
        ...

    def composer_lost(self, reason: str) -> None:
        """The composer has gone, or could not be reached: who is shown what it made keeps the last picture."""
        ...


class Memory(Protocol):
    """A signalling gateway's legs, as they are written down for the process after this one."""

    def remembered(self, leg: LegId) -> bytes | None:
        """All that is needed to go on with a leg, in JSON; it may hold keys and passwords, so whoever stores it seals
        it. None: the leg is not established."""
        ...

    def restore(self, leg: LegId, written: bytes) -> RestoredLeg:
        """Go on with a leg that an earlier process has written down: from now on it is as any other. Raises ValueError
        for what is no such writing."""
        ...


class Takeover(Protocol):
    """Legs that a media engine in a process of its own has kept open since the call control before us died. All of it
    comes before the first call."""

    def resume(self, leg: LegId, address: HostPort, local: MediaDescription, remote: MediaDescription | None) -> bool:
        """Take over a leg that a media engine in a process of its own has kept open since call control died: the one
        at the local address that its party was told. What was agreed with the party goes on, and so does what the leg
        does. False: its sound is gone."""
        ...

    def resume_video(self, line: LegId, address: HostPort) -> bool:
        """The same of a video line; what it does is said again. False: its pictures are gone."""
        ...

    def resumed(self) -> None:
        """All is taken over that will be: the engine ends what else it has kept."""
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


class Synthesiser(Protocol):
    """Says texts."""

    async def synthesise(self, text: str, language: str, voice: str = "") -> SoundFile:
        """A sound that says the text in a language (`en`, `zh`), in a voice of that name or the language's usual one.
        The same text is worked on once; its file stays as long as it is asked for now and then.

        Raises Invalid for a text that cannot be said, NotFound for an unknown voice or language, and Unavailable where
        the voice is not installed, has too much to do, or takes too long.
        """
        ...

    def why_silent(self, language: str) -> str | None:
        """Why nobody here speaks a language, with what is to be installed; None: somebody does."""
        ...


class Recogniser(Protocol):
    """Understands what is said."""

    async def recognise(self, sound: Path, language: str, phrases: Sequence[str] = ()) -> Heard:
        """What is said in a sound file (WAV or Ogg Opus), in a language (`en`, `zh`). `phrases`: what is expected,
        which helps; `Heard.phrase` is the one of them that it is.

        Raises Invalid for a file that is no sound or too long, NotFound for an unknown language, and Unavailable where
        no recogniser is installed, it has too much to do, or takes too long.
        """
        ...


class Mailer(Protocol):
    """Sends e-mail."""

    async def send(self, mail: Mail) -> None:
        """Hand it to a mail server, which may have it twice where it was told so in the middle of a fault.

        Raises Conflict when the server will never take it, and Unavailable when it may take it later.
        """
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


class Mixer(Protocol):
    """Mixes: any number of legs that hear each other. Listening, whispering and barging in are mixes, too, in which
    not everybody hears everybody."""

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
        """Make a mix of 8000, 16000 or 48000 samples a second, in which at most `loudest` are heard at once (0: all).

        `keys`: those that a member presses are sent to all who hear it. `speaking` is told when another member speaks,
        `failed` the reason when the mix is gone by a fault: then it is still to be closed.
        Raises Rejected(SWITCH_CONGESTION) when there are too many.
        """
        ...

    def join(self, mix: MixId, leg: LegId) -> None:
        """Let a leg hear all others, and be heard by them. `Media.silence`, or anything else that it is to do, takes
        it out again."""
        ...

    def set_level(self, mix: MixId, leg: LegId, *, gain: float = 0.0, muted: bool = False, deaf: bool = False) -> None:
        """How loud a member is, in dB; whether it is not heard, and does not hear."""
        ...

    def set_hearing(self, mix: MixId, listener: LegId, speaker: LegId, gain: float | None) -> None:
        """Let a member hear another otherwise than all do: with a gain in dB, although that is muted; or not at all
        (None)."""
        ...

    def play_to_mix(
        self, mix: MixId, sounds: Sequence[Sound], *, loop: bool = False, ended: Callable[[], None] | None = None
    ) -> None:
        """Play to all members; see `Player.play_list`."""
        ...

    def stop_mix_list(self, mix: MixId) -> None:
        """End what is played to all members."""
        ...

    def record_all(self, mix: MixId, name: str, *, format: str, ended: Callable[[int, int, str], None]) -> int:
        """Write what all members say, and what is played to them, to a file of `wav` or `opus`, until the mix's end or
        `Recorder.stop_recording`; see `Recorder.record_said`."""
        ...

    def close_mix(self, mix: MixId) -> None:
        """End a mix; its members are silent then. Closing twice does nothing."""
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
