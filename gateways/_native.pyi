"""Everything Python may ask of Rust, on one page (checked by `mypy.stubtest`).

Bytes and values in, values out. Python calls Rust; Rust never calls Python. Bad bytes are an event, never an
exception: what raises here is a mistake of ours. `now` is always monotonic seconds, passed in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, final

from typing_extensions import disjoint_base

__all__ = [
    "AudioStream",
    "Cancelled",
    "Drained",
    "MediaCommand",
    "MediaEngine",
    "MediaEngineLink",
    "MediaEvent",
    "MediaFormats",
    "MediaItem",
    "NameAddr",
    "Netem",
    "Rejected",
    "RequestReceived",
    "ResponseReceived",
    "SessionDescription",
    "SipEngine",
    "SipEvent",
    "SipRequest",
    "SipResponse",
    "SipUri",
    "Suspected",
    "TransactionFailed",
    "Transmit",
    "UdpSocket",
    "VideoStream",
    "offer",
    "parse_credentials",
    "read_ogg_opus",
    "sdp_panics",
    "serve_media_engine",
]

# --- SIP messages ---------------------------------------------------------------------------------------

@final
class SipUri:
    """A parsed `sip:`, `sips:` or `tel:` URI (RFC 3261 section 19.1, RFC 3966)."""

    @staticmethod
    def parse(text: str) -> SipUri | None:
        """None when the text is no URI of a known scheme, or is broken."""

    @property
    def scheme(self) -> str: ...
    @property
    def user(self) -> str | None:
        """Unescaped; None when there is none. For `tel:` the number."""

    @property
    def password(self) -> str | None: ...
    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 reference; empty for `tel:`."""

    @property
    def port(self) -> int | None: ...
    def param(self, name: str) -> str | None:
        """A URI parameter, name compared without case; `""` for one without a value (`;lr`)."""

    @property
    def params(self) -> list[tuple[str, str | None]]: ...
    def equivalent(self, other: SipUri) -> bool:
        """RFC 3261 section 19.1.4."""

    def __str__(self) -> str: ...

@final
class NameAddr:
    """A parsed From, To, Contact, Route ... value."""

    @staticmethod
    def parse(text: str) -> NameAddr | None: ...
    @property
    def display_name(self) -> str:
        """Unquoted and unescaped; empty when there is none."""

    @property
    def uri(self) -> str:
        """As written, without angle brackets."""

    def param(self, name: str) -> str | None:
        """A header parameter (`tag`, `q`, `expires`), not one of the URI's."""

    @property
    def params(self) -> list[tuple[str, str | None]]: ...

def parse_credentials(value: str) -> tuple[str, dict[str, str]] | None:
    """An Authorization or WWW-Authenticate value: the scheme, lower case, and its parameters, names in lower
    case and values unquoted. None when it is broken."""

@final
class SipRequest:
    """A received request: checked, indexed, and read only where asked. Immutable.

    What `SipEngine` passes on has exactly one each of From, To, Call-ID, CSeq and Max-Forwards (70 where the sender
    left it out), at least one Via, and a body as long as Content-Length says.
    """

    @staticmethod
    def parse(data: bytes) -> SipRequest:
        """For tests and tools. Raises ValueError with the reason that would have gone into the 400."""

    @property
    def method(self) -> str: ...
    @property
    def uri(self) -> str: ...
    @property
    def call_id(self) -> str: ...
    @property
    def cseq(self) -> int: ...
    @property
    def from_tag(self) -> str: ...
    @property
    def to_tag(self) -> str: ...
    @property
    def from_uri(self) -> str: ...
    @property
    def to_uri(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def max_forwards(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str:
        """`type/subtype` in lower case, without parameters; empty when there is none."""

    def header(self, name: str) -> str | None:
        """The first value of a header: long or compact name, any case, unfolded, trimmed."""

    def headers(self, name: str) -> list[str]:
        """Every value of a header in order; comma-separated lists are split where the header is a list."""

    @property
    def raw(self) -> bytes: ...

@final
class SipResponse:
    """A received response, read as lazily as a request."""

    @staticmethod
    def parse(data: bytes) -> SipResponse: ...
    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def method(self) -> str:
        """From CSeq."""

    @property
    def call_id(self) -> str: ...
    @property
    def cseq(self) -> int: ...
    @property
    def from_tag(self) -> str: ...
    @property
    def to_tag(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    def header(self, name: str) -> str | None: ...
    def headers(self, name: str) -> list[str]: ...
    @property
    def raw(self) -> bytes: ...

# --- The SIP engine: RFC 3261 section 17 and RFC 6026, sans-IO --------------------------------------------

@final
class RequestReceived:
    """A new request. Also an ACK that belongs to no transaction: then `transaction` is 0 and cannot be answered.

    Retransmissions are absorbed. An INVITE has been given its 100 if none of our responses comes within 200 ms.
    """

    __match_args__ = ("transaction", "request")
    @property
    def transaction(self) -> int: ...
    @property
    def request(self) -> SipRequest: ...
    @property
    def transport(self) -> int: ...
    @property
    def source(self) -> tuple[str, int]: ...

@final
class ResponseReceived:
    """A response to a request of ours, except 100. Every 2xx to an INVITE comes up, retransmitted ones too
    (RFC 6026): the transaction user acknowledges each."""

    __match_args__ = ("transaction", "response")
    @property
    def transaction(self) -> int: ...
    @property
    def response(self) -> SipResponse: ...
    @property
    def transport(self) -> int: ...
    @property
    def source(self) -> tuple[str, int]: ...

@final
class Cancelled:
    """A CANCEL matched a server INVITE transaction that has no final response. The CANCEL has been answered 200;
    the transaction user answers the INVITE (487)."""

    __match_args__ = ("transaction", "request")
    @property
    def transaction(self) -> int: ...
    @property
    def request(self) -> SipRequest: ...

@final
class TransactionFailed:
    """No final response came in time (`timeout`), or the transport failed (`transport`). For a server INVITE
    transaction: no ACK came for our final non-2xx response. The transaction is gone."""

    __match_args__ = ("transaction", "reason")
    @property
    def transaction(self) -> int: ...
    @property
    def reason(self) -> Literal["timeout", "transport"]: ...

@final
class Rejected:
    """Bytes that are no SIP message we can take. Where it could be answered it has been, with `status`."""

    __match_args__ = ("reason", "status")
    @property
    def reason(self) -> str: ...
    @property
    def status(self) -> int | None:
        """The status it was answered with; None when it was dropped."""

    @property
    def transport(self) -> int: ...
    @property
    def source(self) -> tuple[str, int]: ...
    @property
    def close(self) -> bool:
        """The stream cannot be read on: close the connection once the answer is written (RFC 3261 section 18.3)."""

@final
class Suspected:
    """A source does what no honest one does: `agent` (its User-Agent, `detail`, is a scanner's; it got no answer) or
    `flood` (it sends more than it may: requests of the method `detail`, or of all kinds together where that is empty).
    Told once in ten seconds of each source."""

    __match_args__ = ("reason", "detail")
    @property
    def reason(self) -> Literal["agent", "flood"]: ...
    @property
    def detail(self) -> str: ...
    @property
    def transport(self) -> int: ...
    @property
    def source(self) -> tuple[str, int]: ...

SipEvent = RequestReceived | ResponseReceived | Cancelled | TransactionFailed | Rejected | Suspected

@final
class Transmit:
    """Bytes to be written."""

    __match_args__ = ("transport", "destination", "data")
    @property
    def transport(self) -> int: ...
    @property
    def destination(self) -> tuple[str, int]: ...
    @property
    def data(self) -> bytes: ...

@final
class Drained:
    @property
    def events(self) -> list[SipEvent]: ...
    @property
    def transmits(self) -> list[Transmit]: ...
    @property
    def deadline(self) -> float | None:
        """When `timeout` must be called next; None: not needed."""

    @property
    def more(self) -> bool:
        """Whether events are left, because `most` were taken."""

@final
class SipEngine:
    """Parses, prints, and keeps transactions. No sockets, no clock, no randomness but the seed.

    A *transport* is a number of the caller's choice: one for a UDP socket, one for each stream connection.
    """

    def __new__(cls, *, seed: int, t1: float = 0.5, t2: float = 4.0, t4: float = 5.0) -> SipEngine: ...
    def open_transport(self, transport: int, kind: Literal["udp", "tcp", "tls", "ws", "wss"], sent_by: str) -> None:
        """`sent_by` is the host:port of our Via on it. Anything but UDP is reliable and framed as a stream."""

    def close_transport(self, transport: int, now: float) -> None:
        """Its client transactions that await a response fail with `transport`."""

    def receive(self, data: bytes, transport: int, source: tuple[str, int], now: float) -> None:
        """One datagram, or any piece of a stream. CRLF keep-alives are answered (RFC 5626 section 3.5.1)."""

    def request(
        self,
        transport: int,
        destination: tuple[str, int],
        method: str,
        uri: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        now: float,
        most: int = 0,
        patience: float = 0.0,
    ) -> int:
        """Send a request in a new client transaction and give its number (> 0).

        `most`, unless 0: octets that it may have over UDP; a longer one is not sent, and 0 given. `patience`, unless 0:
        seconds within which an INVITE must have its first response, a 100 at least; else it fails with `timeout`, and
        is cancelled should the peer speak up later (a 2xx that comes all the same is told).

        Via, Content-Length and, unless given, Max-Forwards are added. An ACK (for a 2xx) is sent without a transaction
        and gives 0. Raises ValueError when a header holds a line break, or the transport is unknown.
        """

    def cancel(self, transaction: int, headers: Sequence[tuple[str, str]], now: float) -> None:
        """CANCEL a client INVITE transaction, as soon as a provisional response allows (RFC 3261 section 9.1); does
        nothing once it has a final response. `headers` are extra ones, such as Reason. Its response is absorbed. When
        no final response follows within 64*T1, the INVITE fails with `timeout`."""

    def respond(
        self,
        transaction: int,
        status: int,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        now: float,
        *,
        reason: str | None = None,
        to_tag: str | None = None,
    ) -> None:
        """Answer a request: Via, From, To, Call-ID, CSeq and, below 300, Record-Route are copied from it.

        `to_tag` is added where the request's To has none; if None, one is made from the transaction for statuses above
        100. Does nothing on a transaction that has ended or has its final response. A 2xx to an INVITE may be given
        again: it is sent again (the transaction user retransmits it until the ACK, RFC 6026)."""

    def timeout(self, now: float) -> None:
        """Run the timers that are due."""

    def drain(self, now: float = ..., most: int = ...) -> Drained:
        """Take what has come about since the last call: at most so many events, of what has begun first and then new
        requests. Those that have waited too long by `now` get a 503 instead (see `set_patience`). The transmits of a
        transport that a `UdpSocket` serves are left to its `flush`."""

    def shed(self, level: int) -> None:
        """Answer new requests outside dialogs with a stateless 503 and a Retry-After: of a hundred INVITE and REGISTER
        `level` (0 to 100), twice as many of what nobody waits for (OPTIONS, SUBSCRIBE and the like), and from level 50
        on those that answer a challenge or refresh a registration; never an emergency call, and nothing that has begun.
        """

    def set_patience(self, seconds: float) -> None:
        """How long new requests may pile up (1.0 until this is called; `math.inf`: for ever) before those that have
        waited for more than 0.1 s get a stateless 503."""

    def tell_load(self, level: int, sequence: float) -> None:
        """A peer that asks for it in its Via is told this level of overload, 0 to 100 (RFC 7339); `sequence` must rise
        from call to call."""

    def set_emergency(self, numbers: Sequence[str]) -> None:
        """User parts of Request-URIs that are never shed nor limited. `urn:service:sos` never is."""

    def set_agents(self, agents: Sequence[str]) -> None:
        """Requests outside dialogs whose User-Agent holds one of these texts, in any case, get no answer."""

    def set_limits(
        self,
        *,
        messages: tuple[float, float],
        invite: tuple[float, float],
        register: tuple[float, float],
        other: tuple[float, float],
        known_factor: float,
    ) -> None:
        """What one source address (of IPv6: one /64) may send, each as (per second, burst): messages of all kinds, more
        are dropped unread; and requests outside dialogs, more are answered 503. A source from which a phone has
        registered within two hours may send `known_factor` times as much. Until this is called nothing is limited."""

    def exempt(self, allowed: Sequence[str]) -> None:
        """Networks that are neither limited nor banned. Raises ValueError for what is no network."""

    def do_not_limit(self, trusted: Sequence[str]) -> None:
        """Networks that are not limited, but can be banned."""

    def ban(self, banned: str, until: float) -> None:
        """Drop unread what comes from a network, until a time. Streams from there are closed."""

    def lift(self, banned: str) -> None:
        """End a ban, named as it was made."""

    def know(self, host: str, until: float, now: float) -> None:
        """A source is known to be good until a time, as if a phone had registered from it."""

    def knows(self, host: str, now: float) -> bool:
        """Whether a source is known to be good."""

    def stats(self) -> dict[str, int]:
        """Counters since the start: `received`, `sent`, `rejected`, `retransmissions_absorbed`,
        `retransmissions_sent`, `stray_responses`, `shed` (new requests that got a stateless 503 under overload),
        `admitted` (new requests that were passed on), `limited` (messages beyond what their source may send), `banned`
        (what banned sources and scanners sent), `dropped` (transmits that did not fit into a transport's queue),
        `panics`, and gauges `client_transactions`, `server_transactions`, `timers`."""

@final
class UdpSocket:
    """A bound UDP socket whose datagrams go to and from a `SipEngine` in batches, never through Python."""

    def __new__(cls, host: str, port: int) -> UdpSocket:
        """Raises OSError as bind does."""

    @property
    def address(self) -> tuple[str, int]: ...
    def fileno(self) -> int: ...
    def receive(self, engine: SipEngine, transport: int, now: float) -> int:
        """Feed what has arrived, until the socket is empty or 8,192 datagrams were read; gives how many."""

    def flush(self, engine: SipEngine, transport: int) -> int:
        """Send the engine's waiting transmits of this transport; gives how many still wait because the socket is
        full. A datagram that the kernel refuses (unreachable, too long) fails its client transaction."""

    def close(self) -> None: ...

# --- Session descriptions -------------------------------------------------------------------------------

@final
class AudioStream:
    """The audio of a session description. `codecs` are (payload type, NAME, clock rate, channels, fmtp)."""

    def __new__(
        cls,
        host: str,
        port: int,
        codecs: Sequence[tuple[int, str, int, int, str]],
        *,
        direction: Literal["sendrecv", "sendonly", "recvonly", "inactive"] = "sendrecv",
        ptime: int | None = None,
        rtcp: tuple[str, int] | None = None,
        rtcp_mux: bool = False,
        secure: bool = False,
        crypto: Sequence[tuple[int, str, bytes, bytes]] | None = None,
    ) -> AudioStream:
        """`secure`: over RTP/SAVP. `crypto` are (tag, suite, master key with its salt, MKI), RFC 4568. Raises
        ValueError for what could not be printed."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def codecs(self) -> tuple[tuple[int, str, int, int, str], ...]: ...
    @property
    def direction(self) -> Literal["sendrecv", "sendonly", "recvonly", "inactive"]: ...
    @property
    def ptime(self) -> int | None: ...
    @property
    def rtcp(self) -> tuple[str, int] | None: ...
    @property
    def rtcp_mux(self) -> bool: ...
    @property
    def secure(self) -> bool: ...
    @property
    def crypto(self) -> tuple[tuple[int, str, bytes, bytes], ...]:
        """The ways of it that we can use, in the order of preference."""

@final
class VideoStream:
    """One video line of a session description. Port 0: it is refused, has ended, or cannot be used; then nothing else
    of it counts. All that is as of `AudioStream` is so."""

    def __new__(
        cls,
        host: str,
        port: int,
        codecs: Sequence[tuple[int, str, int, int, str]],
        *,
        direction: Literal["sendrecv", "sendonly", "recvonly", "inactive"] = "sendrecv",
        content: str = ...,
        bandwidth_kbps: int | None = None,
        rtcp: tuple[str, int] | None = None,
        rtcp_mux: bool = False,
        secure: bool = False,
        avpf: bool = False,
        crypto: Sequence[tuple[int, str, bytes, bytes]] | None = None,
        feedback: Sequence[str] = ...,
        label: str = ...,
    ) -> VideoStream:
        """`feedback`: of `nack`, `nack pli`, `ccm fir`, `ccm tmmbr`. Raises ValueError for what could not be
        printed."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def codecs(self) -> tuple[tuple[int, str, int, int, str], ...]: ...
    @property
    def direction(self) -> Literal["sendrecv", "sendonly", "recvonly", "inactive"]: ...
    @property
    def content(self) -> str:
        """RFC 4796, the first that was said."""

    @property
    def bandwidth_kbps(self) -> int | None:
        """`b=TIAS`, or else `b=AS`."""

    @property
    def rtcp(self) -> tuple[str, int] | None: ...
    @property
    def rtcp_mux(self) -> bool: ...
    @property
    def secure(self) -> bool: ...
    @property
    def avpf(self) -> bool: ...
    @property
    def crypto(self) -> tuple[tuple[int, str, bytes, bytes], ...]: ...
    @property
    def feedback(self) -> tuple[str, ...]:
        """What was said by `a=rtcp-fb` for any payload type."""

    @property
    def label(self) -> str: ...

@final
class SessionDescription:
    """A parsed SDP body (RFC 8866)."""

    @staticmethod
    def parse(data: bytes) -> SessionDescription:
        """Raises ValueError naming the line."""

    @property
    def origin_id(self) -> str: ...
    @property
    def origin_version(self) -> str: ...
    @property
    def audio(self) -> AudioStream | None:
        """The first audio stream over RTP/AVP or RTP/AVPF that is not refused (port 0); static payload types without
        rtpmap are named by RFC 3551. `c=0.0.0.0` reads as direction `sendonly` (RFC 2543 hold)."""

    @property
    def secure_audio(self) -> AudioStream | None:
        """The first audio stream over RTP/SAVP or RTP/SAVPF that is not refused."""

    @property
    def media(self) -> list[tuple[str, int, str]]:
        """Every m-line: type, port, protocol."""

    @property
    def lines(self) -> int:
        """How many m-lines there are."""

    @property
    def video(self) -> list[tuple[int, VideoStream]]:
        """Every m-line of video, with its place among all m-lines."""

    @property
    def floor(self) -> tuple[int, tuple[str, int, str, list[str]]] | None:
        """The first line of floor control (RFC 8856): its place among all m-lines, its host, port, protocol (`UDP/BFCP`
        or `TCP/BFCP`), and what is said of it (`floorctrl:c-s`, ...)."""

    def answer(
        self,
        ours: AudioStream,
        *,
        session_id: int,
        version: int,
        video: Sequence[tuple[int, VideoStream]] = ...,
        floor: tuple[int, tuple[str, int, str, Sequence[str]]] | None = None,
    ) -> bytes:
        """Our answer to this offer (RFC 3264 section 6): the same m-lines in the same order, all refused but the one
        that `audio` (or `secure_audio`, where ours is `secure`) describes and those of `video`; our codecs in our
        order, under the offer's payload types where both name the same codec, codecs that were not offered left out;
        the direction no wider than the offer allows. Raises ValueError when no codec is common.

        `video` are what we take, by their places among the m-lines, with codecs as they were offered; codecs that were
        not are left out, and a line that then has none is refused. `floor` is our line of floor control, as `floor`
        gives theirs: refused where none of its protocol was offered there."""

    def print(self) -> bytes: ...

def offer(
    ours: AudioStream,
    *,
    session_id: int,
    version: int,
    lines: Sequence[VideoStream | tuple[str, int, str, Sequence[str]] | tuple[str, str] | None] | None = None,
) -> bytes:
    """An SDP offer of one audio stream, and of video. `lines`, where there are others beside the audio: every m-line in
    its order, None for the audio, floor control as `SessionDescription.floor` gives it, (type, protocol) for a line
    that was refused or has ended."""

def sdp_panics() -> int:
    """How often a bug of ours was caught while a description was read or made (each raised ValueError)."""

# --- The seeded bad network ------------------------------------------------------------------------------

@final
class Netem:
    """One direction of a network between two points. Same seed, same fate for every packet."""

    def __new__(
        cls,
        seed: int,
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        delay: float = 0.0,
        jitter: float = 0.0,
    ) -> Netem:
        """Probabilities 0..1; delay and jitter in seconds. A reordered packet is held back behind later ones."""

    def send(self, now: float) -> list[float]:
        """When a packet that is sent now arrives: no times (lost), one, or more (duplicated)."""

# --- Media ------------------------------------------------------------------------------------------------

@final
class MediaFormats:
    """What two descriptions agree on: each is a sequence of payload type, name, clock rate, channels and `a=fmtp`, best
    first. `ours` is what we said that we receive, `theirs` what the party said."""

    def __new__(
        cls,
        ours: Sequence[tuple[int, str, int, int, str]],
        theirs: Sequence[tuple[int, str, int, int, str]],
    ) -> MediaFormats: ...
    @property
    def speaks(self) -> tuple[str, int] | None:
        """What the engine itself speaks to the party, and under which payload type; None: sound is only passed on."""

    def hears(self, payload_type: int) -> str | None:
        """What a packet of the party's means; None: that was never agreed, and is not heard."""

@disjoint_base
class MediaItem:
    """One thing to be played."""

    @final
    class Prompt(MediaItem):
        """From a time on."""

        __match_args__ = ("prompt", "from_ms")
        def __new__(cls, *, prompt: int, from_ms: int = 0) -> MediaItem.Prompt: ...
        @property
        def prompt(self) -> int: ...
        @property
        def from_ms(self) -> int: ...

    @final
    class Tone(MediaItem):
        """`parts`: Hz and dBm0 of each, heard together. `ms`: None for ever. `cadence`: milliseconds of sound and of
        silence, in turn."""

        __match_args__ = ("parts", "ms", "cadence")
        def __new__(
            cls, *, parts: Sequence[tuple[float, float]], ms: int | None = None, cadence: Sequence[int] = ...
        ) -> MediaItem.Tone: ...
        @property
        def parts(self) -> list[tuple[float, float]]: ...
        @property
        def ms(self) -> int | None: ...
        @property
        def cadence(self) -> list[int]: ...

    @final
    class Silence(MediaItem):
        __match_args__ = ("ms",)
        def __new__(cls, *, ms: int) -> MediaItem.Silence: ...
        @property
        def ms(self) -> int: ...

@disjoint_base
class MediaCommand:
    """An order to the media engine: plain records, carried out in order. `leg` is a slot: its local port is
    `MediaEngine.ports()[leg]`; `epoch` is a number of the caller's that tells apart the users of one slot."""

    @final
    class Open(MediaCommand):
        __match_args__ = ("leg", "epoch")
        def __new__(cls, *, leg: int, epoch: int) -> MediaCommand.Open: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...

    @final
    class Connect(MediaCommand):
        """Where the party receives, and what was agreed with it; a second one re-arms the latch. `send`/`receive`:
        whether sound may go to / is taken from the party. `ptime`: milliseconds of sound it wants in a packet of
        ours."""

        __match_args__ = (
            "leg",
            "host",
            "port",
            "rtcp_host",
            "rtcp_port",
            "rtcp_mux",
            "formats",
            "ptime",
            "send",
            "receive",
            "keys",
        )
        def __new__(
            cls,
            *,
            leg: int,
            host: str,
            port: int,
            rtcp_host: str,
            rtcp_port: int,
            rtcp_mux: bool,
            formats: MediaFormats,
            ptime: int,
            send: bool,
            receive: bool,
            keys: tuple[str, bytes, bytes, bytes] | None = None,
        ) -> MediaCommand.Connect: ...
        @property
        def leg(self) -> int: ...
        @property
        def host(self) -> str: ...
        @property
        def port(self) -> int: ...
        @property
        def rtcp_host(self) -> str: ...
        @property
        def rtcp_port(self) -> int: ...
        @property
        def rtcp_mux(self) -> bool: ...
        @property
        def formats(self) -> MediaFormats: ...
        @property
        def ptime(self) -> int: ...
        @property
        def send(self) -> bool: ...
        @property
        def receive(self) -> bool: ...
        @property
        def keys(self) -> tuple[str, bytes, bytes, bytes] | None:
            """SRTP: suite, our master key with its salt, the party's, and the MKI of that; None: in the clear."""

    @final
    class Bridge(MediaCommand):
        """Let two parties hear each other: what both understand passes as it is, RTCP too; all else is converted."""

        __match_args__ = ("a", "b")
        def __new__(cls, *, a: int, b: int) -> MediaCommand.Bridge: ...
        @property
        def a(self) -> int: ...
        @property
        def b(self) -> int: ...

    @final
    class Echo(MediaCommand):
        __match_args__ = ("leg",)
        def __new__(cls, *, leg: int) -> MediaCommand.Echo: ...
        @property
        def leg(self) -> int: ...

    @final
    class Play(MediaCommand):
        """Play a list to a leg or a mix; `operation` comes back in `PlayEnded` or `MixPlayEnded`. `looped`: it begins
        anew for ever. `over`: over what a leg hears already, and not in its place, as in a mix always."""

        __match_args__ = ("items", "operation", "leg", "mix", "looped", "over")
        def __new__(
            cls,
            *,
            items: Sequence[MediaItem],
            operation: int,
            leg: int | None = None,
            mix: int | None = None,
            looped: bool = False,
            over: bool = False,
        ) -> MediaCommand.Play: ...
        @property
        def items(self) -> list[MediaItem]: ...
        @property
        def operation(self) -> int: ...
        @property
        def leg(self) -> int | None: ...
        @property
        def mix(self) -> int | None: ...
        @property
        def looped(self) -> bool: ...
        @property
        def over(self) -> bool: ...

    @final
    class StopPlay(MediaCommand):
        """End what is played, and nothing else. There is no `PlayEnded`."""

        __match_args__ = ("leg", "mix")
        def __new__(cls, *, leg: int | None = None, mix: int | None = None) -> MediaCommand.StopPlay: ...
        @property
        def leg(self) -> int | None: ...
        @property
        def mix(self) -> int | None: ...

    @final
    class DropPrompt(MediaCommand):
        """Forget a prompt, whose number is given to no other. What plays it goes on."""

        __match_args__ = ("prompt",)
        def __new__(cls, *, prompt: int) -> MediaCommand.DropPrompt: ...
        @property
        def prompt(self) -> int: ...

    @final
    class PausePlay(MediaCommand):
        """Hold what is played, or let it go on."""

        __match_args__ = ("paused", "leg", "mix")
        def __new__(cls, *, paused: bool, leg: int | None = None, mix: int | None = None) -> MediaCommand.PausePlay: ...
        @property
        def paused(self) -> bool: ...
        @property
        def leg(self) -> int | None: ...
        @property
        def mix(self) -> int | None: ...

    @final
    class SeekPlay(MediaCommand):
        """Go to a time from the beginning of what is played."""

        __match_args__ = ("ms", "leg", "mix")
        def __new__(cls, *, ms: int, leg: int | None = None, mix: int | None = None) -> MediaCommand.SeekPlay: ...
        @property
        def ms(self) -> int: ...
        @property
        def leg(self) -> int | None: ...
        @property
        def mix(self) -> int | None: ...

    @final
    class SendDigits(MediaCommand):
        """Send keys to the party, one after another; what it would hear else waits. `agreed`: as events (RFC 4733)
        where it takes them, as tones where not."""

        __match_args__ = ("leg", "digits", "press_ms", "pause_ms", "by")
        def __new__(
            cls,
            *,
            leg: int,
            digits: str,
            press_ms: int = 100,
            pause_ms: int = 100,
            by: Literal["agreed", "event", "inband"] = ...,
        ) -> MediaCommand.SendDigits: ...
        @property
        def leg(self) -> int: ...
        @property
        def digits(self) -> str: ...
        @property
        def press_ms(self) -> int: ...
        @property
        def pause_ms(self) -> int: ...
        @property
        def by(self) -> str: ...

    @final
    class OpenMix(MediaCommand):
        """Take a mix into use, at 8000, 16000 or 48000 samples a second; there are as many as legs. At most `loudest`
        are heard at once; 0: all. `keys`: those that a member presses are sent to all who hear it."""

        __match_args__ = ("mix", "epoch", "rate", "loudest", "keys")
        def __new__(
            cls, *, mix: int, epoch: int, rate: int, loudest: int = 0, keys: bool = False
        ) -> MediaCommand.OpenMix: ...
        @property
        def mix(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def rate(self) -> int: ...
        @property
        def loudest(self) -> int: ...
        @property
        def keys(self) -> bool: ...

    @final
    class Join(MediaCommand):
        """Let a leg hear all others of a mix, and be heard by them. `Silence` takes it out again."""

        __match_args__ = ("mix", "leg")
        def __new__(cls, *, mix: int, leg: int) -> MediaCommand.Join: ...
        @property
        def mix(self) -> int: ...
        @property
        def leg(self) -> int: ...

    @final
    class Level(MediaCommand):
        """How loud a member is in its mix, in dB; whether it is not heard, and does not hear."""

        __match_args__ = ("mix", "leg", "gain", "muted", "deaf")
        def __new__(
            cls, *, mix: int, leg: int, gain: float = 0.0, muted: bool = False, deaf: bool = False
        ) -> MediaCommand.Level: ...
        @property
        def mix(self) -> int: ...
        @property
        def leg(self) -> int: ...
        @property
        def gain(self) -> float: ...
        @property
        def muted(self) -> bool: ...
        @property
        def deaf(self) -> bool: ...

    @final
    class Hear(MediaCommand):
        """Let a member hear another otherwise than all do: with a gain in dB, although that is muted; or not at all
        (None)."""

        __match_args__ = ("mix", "listener", "speaker", "gain")
        def __new__(cls, *, mix: int, listener: int, speaker: int, gain: float | None) -> MediaCommand.Hear: ...
        @property
        def mix(self) -> int: ...
        @property
        def listener(self) -> int: ...
        @property
        def speaker(self) -> int: ...
        @property
        def gain(self) -> float | None: ...

    @final
    class CloseMix(MediaCommand):
        """Its members are silent then. Closing a mix that is not open does nothing."""

        __match_args__ = ("mix",)
        def __new__(cls, *, mix: int) -> MediaCommand.CloseMix: ...
        @property
        def mix(self) -> int: ...

    @final
    class Detect(MediaCommand):
        """Listen to a party for these things, and for nothing else any more: keys as tones (while none come as events),
        fax machines, who answered, the beep of an answering machine, call progress tones of a country (ISO 3166), when
        it begins to speak and when it has said nothing for `pause_ms`."""

        __match_args__ = ("leg", "keys", "fax", "answerer", "beep", "progress", "pause_ms")
        def __new__(
            cls,
            *,
            leg: int,
            keys: bool = False,
            fax: bool = False,
            answerer: bool = False,
            beep: bool = False,
            progress: str | None = None,
            pause_ms: int | None = None,
        ) -> MediaCommand.Detect: ...
        @property
        def leg(self) -> int: ...
        @property
        def keys(self) -> bool: ...
        @property
        def fax(self) -> bool: ...
        @property
        def answerer(self) -> bool: ...
        @property
        def beep(self) -> bool: ...
        @property
        def progress(self) -> str | None: ...
        @property
        def pause_ms(self) -> int | None: ...

    @final
    class Record(MediaCommand):
        """Record a leg or a mix until `StopRecord` or its end. `container`: `wav` or `opus`. `layout`: of a leg `said`
        (what its party says), `mixed` or `stereo` (and what it hears; left and right); of a mix `said`. `recording` is
        a number of the caller's, which comes back in events. The file has `.part` behind its name until it is complete,
        and can be played at any time."""

        __match_args__ = ("recording", "path", "container", "layout", "leg", "mix")
        def __new__(
            cls,
            *,
            recording: int,
            path: Path,
            container: str,
            layout: str,
            leg: int | None = None,
            mix: int | None = None,
        ) -> MediaCommand.Record: ...
        @property
        def recording(self) -> int: ...
        @property
        def path(self) -> Path: ...
        @property
        def container(self) -> str: ...
        @property
        def layout(self) -> str: ...
        @property
        def leg(self) -> int | None: ...
        @property
        def mix(self) -> int | None: ...

    @final
    class PauseRecord(MediaCommand):
        """Leave out what comes from now on; `mask` stands for it: `silence`, `tone`, or nothing (`cut`)."""

        __match_args__ = ("recording", "mask")
        def __new__(cls, *, recording: int, mask: str) -> MediaCommand.PauseRecord: ...
        @property
        def recording(self) -> int: ...
        @property
        def mask(self) -> str: ...

    @final
    class ResumeRecord(MediaCommand):
        __match_args__ = ("recording",)
        def __new__(cls, *, recording: int) -> MediaCommand.ResumeRecord: ...
        @property
        def recording(self) -> int: ...

    @final
    class StopRecord(MediaCommand):
        __match_args__ = ("recording",)
        def __new__(cls, *, recording: int) -> MediaCommand.StopRecord: ...
        @property
        def recording(self) -> int: ...

    @final
    class OpenVideo(MediaCommand):
        """Take a leg's slot into use for pictures. It can be bridged with another of its kind, echoed, silenced and
        closed as one of sound is."""

        __match_args__ = ("leg", "epoch")
        def __new__(cls, *, leg: int, epoch: int) -> MediaCommand.OpenVideo: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...

    @final
    class ConnectVideo(MediaCommand):
        """What was agreed about pictures; a second one re-arms the latch. `ours` and `theirs`: what each side receives,
        best first, as `MediaFormats` takes it. `feedback`: what the party takes by RTCP, in the words of `a=rtcp-fb`.
        `kbps`: the most that it takes. `sets`: H.264 parameter sets that it said by signalling. Other fields: see
        `Connect`."""

        __match_args__ = (
            "leg",
            "host",
            "port",
            "rtcp_host",
            "rtcp_port",
            "rtcp_mux",
            "ours",
            "theirs",
            "feedback",
            "send",
            "receive",
            "kbps",
            "sets",
            "keys",
        )
        def __new__(
            cls,
            *,
            leg: int,
            host: str,
            port: int,
            rtcp_host: str,
            rtcp_port: int,
            rtcp_mux: bool,
            ours: Sequence[tuple[int, str, int, int, str]],
            theirs: Sequence[tuple[int, str, int, int, str]],
            feedback: Sequence[str],
            send: bool,
            receive: bool,
            kbps: int | None = None,
            sets: Sequence[bytes] = ...,
            keys: tuple[str, bytes, bytes, bytes] | None = None,
        ) -> MediaCommand.ConnectVideo: ...
        @property
        def leg(self) -> int: ...
        @property
        def host(self) -> str: ...
        @property
        def port(self) -> int: ...
        @property
        def rtcp_host(self) -> str: ...
        @property
        def rtcp_port(self) -> int: ...
        @property
        def rtcp_mux(self) -> bool: ...
        @property
        def ours(self) -> list[tuple[int, str, int, int, str]]: ...
        @property
        def theirs(self) -> list[tuple[int, str, int, int, str]]: ...
        @property
        def feedback(self) -> list[str]: ...
        @property
        def send(self) -> bool: ...
        @property
        def receive(self) -> bool: ...
        @property
        def kbps(self) -> int | None: ...
        @property
        def sets(self) -> list[bytes]: ...
        @property
        def keys(self) -> tuple[str, bytes, bytes, bytes] | None: ...

    @final
    class Show(MediaCommand):
        """Show a party what another sends, from its next key frame on; until then, what it has been shown. None:
        nothing."""

        __match_args__ = ("viewer", "source")
        def __new__(cls, *, viewer: int, source: int | None) -> MediaCommand.Show: ...
        @property
        def viewer(self) -> int: ...
        @property
        def source(self) -> int | None: ...

    @final
    class Refresh(MediaCommand):
        """A party has said by signalling that it needs a key frame of what it sees: whoever sends that is asked."""

        __match_args__ = ("leg",)
        def __new__(cls, *, leg: int) -> MediaCommand.Refresh: ...
        @property
        def leg(self) -> int: ...

    @final
    class LimitVideo(MediaCommand):
        """The most that a party is to send; None: what its viewers take."""

        __match_args__ = ("leg", "kbps")
        def __new__(cls, *, leg: int, kbps: int | None) -> MediaCommand.LimitVideo: ...
        @property
        def leg(self) -> int: ...
        @property
        def kbps(self) -> int | None: ...

    @final
    class Composer(MediaCommand):
        """Let go of the composer that there is, and go to the one that listens there, if there is one."""

        __match_args__ = ("path",)
        def __new__(cls, *, path: Path | None) -> MediaCommand.Composer: ...
        @property
        def path(self) -> Path | None: ...

    @final
    class FeedComposer(MediaCommand):
        """Give a party's pictures to the composer under a number of its; None: no more."""

        __match_args__ = ("leg", "member")
        def __new__(cls, *, leg: int, member: int | None) -> MediaCommand.FeedComposer: ...
        @property
        def leg(self) -> int: ...
        @property
        def member(self) -> int | None: ...

    @final
    class HearComposer(MediaCommand):
        """Let a leg that has no party say what the composer sends of a member's sound, until its end."""

        __match_args__ = ("leg", "member")
        def __new__(cls, *, leg: int, member: int) -> MediaCommand.HearComposer: ...
        @property
        def leg(self) -> int: ...
        @property
        def member(self) -> int: ...

    @final
    class OpenSource(MediaCommand):
        """Take a leg's slot into use for what the composer makes under a number: it can be shown as a party's pictures.
        `name` and `parameters`: of its codec, as in SDP."""

        __match_args__ = ("leg", "epoch", "source", "name", "parameters")
        def __new__(
            cls, *, leg: int, epoch: int, source: int, name: str, parameters: str = ...
        ) -> MediaCommand.OpenSource: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def source(self) -> int: ...
        @property
        def name(self) -> str: ...
        @property
        def parameters(self) -> str: ...

    @final
    class Stream(MediaCommand):
        """Connect to a WebSocket server (`ws://`), and send it the sound of a leg until `StopStream`, the leg's end or
        the server's, at 8000 or 16000 samples a second. `direction`: `said` (what the party says), `heard` (what it
        hears of others), `mixed` or `stereo` (both). `play`: whether what comes back is played to the party: `none`,
        `over` what it hears, or `instead`. `about`: names and values for the first message. `stream` is a number of the
        caller's, which comes back in events."""

        __match_args__ = ("stream", "leg", "url", "rate", "direction", "play", "about")
        def __new__(
            cls,
            *,
            stream: int,
            leg: int,
            url: str,
            rate: int,
            direction: str,
            play: str,
            about: Sequence[tuple[str, str]],
        ) -> MediaCommand.Stream: ...
        @property
        def stream(self) -> int: ...
        @property
        def leg(self) -> int: ...
        @property
        def url(self) -> str: ...
        @property
        def rate(self) -> int: ...
        @property
        def direction(self) -> str: ...
        @property
        def play(self) -> str: ...
        @property
        def about(self) -> list[tuple[str, str]]: ...

    @final
    class StopStream(MediaCommand):
        __match_args__ = ("stream",)
        def __new__(cls, *, stream: int) -> MediaCommand.StopStream: ...
        @property
        def stream(self) -> int: ...

    @final
    class Silence(MediaCommand):
        """End bridge, echo, mix and whatever is played."""

        __match_args__ = ("leg",)
        def __new__(cls, *, leg: int) -> MediaCommand.Silence: ...
        @property
        def leg(self) -> int: ...

    @final
    class Close(MediaCommand):
        """Closing a leg that is not open does nothing."""

        __match_args__ = ("leg",)
        def __new__(cls, *, leg: int) -> MediaCommand.Close: ...
        @property
        def leg(self) -> int: ...

@disjoint_base
class MediaEvent:
    """What happened to a leg or a mix. Made here for tests only."""

    @final
    class PlayEnded(MediaEvent):
        __match_args__ = ("leg", "epoch", "operation")
        def __new__(cls, *, leg: int, epoch: int, operation: int) -> MediaEvent.PlayEnded: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def operation(self) -> int: ...

    @final
    class Detected(MediaEvent):
        """Something that was listened for: `fax-calling`, `fax-answering`, `person`, `machine`, `nobody`, `beep`,
        `ring-back`, `busy`, `congestion`, `special-information`, `speech`, `pause`."""

        __match_args__ = ("leg", "epoch", "what")
        def __new__(cls, *, leg: int, epoch: int, what: str) -> MediaEvent.Detected: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def what(self) -> str: ...

    @final
    class Digit(MediaEvent):
        """RFC 4733, or in the sound where that is listened for; once a key."""

        __match_args__ = ("leg", "epoch", "digit", "duration_ms")
        def __new__(cls, *, leg: int, epoch: int, digit: str, duration_ms: int) -> MediaEvent.Digit: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def digit(self) -> str: ...
        @property
        def duration_ms(self) -> int: ...

    @final
    class Failed(MediaEvent):
        """A command could not be carried out, or the leg's work panicked: the leg is silent now."""

        __match_args__ = ("leg", "epoch", "reason")
        def __new__(cls, *, leg: int, epoch: int, reason: str) -> MediaEvent.Failed: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def reason(self) -> str: ...

    @final
    class MixPlayEnded(MediaEvent):
        __match_args__ = ("mix", "epoch", "operation")
        def __new__(cls, *, mix: int, epoch: int, operation: int) -> MediaEvent.MixPlayEnded: ...
        @property
        def mix(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def operation(self) -> int: ...

    @final
    class Speaking(MediaEvent):
        """Another member of a mix speaks now."""

        __match_args__ = ("mix", "epoch", "leg")
        def __new__(cls, *, mix: int, epoch: int, leg: int) -> MediaEvent.Speaking: ...
        @property
        def mix(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def leg(self) -> int: ...

    @final
    class MixFailed(MediaEvent):
        """A command about a mix could not be carried out, or its work panicked: it is silent now."""

        __match_args__ = ("mix", "epoch", "reason")
        def __new__(cls, *, mix: int, epoch: int, reason: str) -> MediaEvent.MixFailed: ...
        @property
        def mix(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def reason(self) -> str: ...

    @final
    class RecordingTroubled(MediaEvent):
        """Sound of a recording is being lost (a full or slow disk); told once until some could be written again."""

        __match_args__ = ("recording", "reason")
        def __new__(cls, *, recording: int, reason: str) -> MediaEvent.RecordingTroubled: ...
        @property
        def recording(self) -> int: ...
        @property
        def reason(self) -> str: ...

    @final
    class RecordingEnded(MediaEvent):
        """A recording's file is complete, and on the disk; of 0 bytes: it could not be made. `reason`: why it ended by
        itself, or what went wrong at its end; empty where nothing did."""

        __match_args__ = ("recording", "milliseconds", "size", "lost_ms", "reason")
        def __new__(
            cls, *, recording: int, milliseconds: int, size: int, lost_ms: int, reason: str
        ) -> MediaEvent.RecordingEnded: ...
        @property
        def recording(self) -> int: ...
        @property
        def milliseconds(self) -> int: ...
        @property
        def size(self) -> int: ...
        @property
        def lost_ms(self) -> int: ...
        @property
        def reason(self) -> str: ...

    @final
    class VideoStarted(MediaEvent):
        """The first packet of a party's pictures has come, or one after a stall."""

        __match_args__ = ("leg", "epoch")
        def __new__(cls, *, leg: int, epoch: int) -> MediaEvent.VideoStarted: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...

    @final
    class VideoStalled(MediaEvent):
        """No packet of a party that has sent pictures has come for two seconds."""

        __match_args__ = ("leg", "epoch")
        def __new__(cls, *, leg: int, epoch: int) -> MediaEvent.VideoStalled: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...

    @final
    class PictureWanted(MediaEvent):
        """Somebody needs a key frame of a party's, which takes no such wish by RTCP: signalling is to ask it (RFC
        5168)."""

        __match_args__ = ("leg", "epoch")
        def __new__(cls, *, leg: int, epoch: int) -> MediaEvent.PictureWanted: ...
        @property
        def leg(self) -> int: ...
        @property
        def epoch(self) -> int: ...

    @final
    class Shown(MediaEvent):
        """A viewer sees a source from now on."""

        __match_args__ = ("viewer", "epoch", "source")
        def __new__(cls, *, viewer: int, epoch: int, source: int) -> MediaEvent.Shown: ...
        @property
        def viewer(self) -> int: ...
        @property
        def epoch(self) -> int: ...
        @property
        def source(self) -> int: ...

    @final
    class ComposerReady(MediaEvent):
        """The composer is there."""

        __match_args__ = ()
        def __new__(cls) -> MediaEvent.ComposerReady: ...

    @final
    class ComposerLost(MediaEvent):
        """The composer has gone, or could not be reached."""

        __match_args__ = ("reason",)
        def __new__(cls, *, reason: str) -> MediaEvent.ComposerLost: ...
        @property
        def reason(self) -> str: ...

    @final
    class StreamOpened(MediaEvent):
        """The server of a stream is there."""

        __match_args__ = ("stream",)
        def __new__(cls, *, stream: int) -> MediaEvent.StreamOpened: ...
        @property
        def stream(self) -> int: ...

    @final
    class StreamEnded(MediaEvent):
        """A stream is over, or could not begin. `lost_ms`: sound that its server was too slow for."""

        __match_args__ = ("stream", "lost_ms", "reason")
        def __new__(cls, *, stream: int, lost_ms: int, reason: str) -> MediaEvent.StreamEnded: ...
        @property
        def stream(self) -> int: ...
        @property
        def lost_ms(self) -> int: ...
        @property
        def reason(self) -> str: ...

def read_ogg_opus(file: bytes) -> tuple[bytes, int]:
    """The sound of an Ogg Opus file (RFC 7845) of one or two channels: 16-bit mono little-endian samples, and their
    rate. Raises ValueError with the reason when it is none."""

@final
class MediaEngine:
    """Sound in threads of its own, which never touch the GIL."""

    def __new__(
        cls,
        *,
        host: str,
        first_port: int,
        legs: int,
        threads: int = 1,
        io: Literal["auto", "epoll", "io_uring"] = "auto",
        prompts: Path | None = None,
    ) -> MediaEngine:
        """Bind `legs` RTP ports (even; RTCP on the next odd one) beforehand, from `first_port` upwards, leaving out
        pairs in use; `first_port=0` lets the kernel choose. `prompts`: the folder where encoded prompts are kept for
        the next start, made where it is not there. Raises OSError when there are not enough ports, or the folder cannot
        be used."""

    @property
    def io(self) -> str:
        """Which kind of I/O was chosen."""

    def ports(self) -> list[int]:
        """The RTP port of each slot."""

    def add_prompt(self, samples: bytes, rate: int) -> int:
        """16-bit mono little-endian samples; resampled now, and encoded once for each codec and packet length when
        first played so. Gives the prompt's number."""

    def submit(self, commands: Sequence[MediaCommand]) -> None: ...
    def fileno(self) -> int:
        """Readable when events wait."""

    def drain(self, limit: int = 256) -> list[MediaEvent]: ...
    def ratings(self) -> dict[str, int]:
        """Legs that ended since the start, by what users say of such sound (ITU-T G.107, table B.1)."""

    def leg_stats(
        self, leg: int
    ) -> tuple[
        int,
        int,
        int,
        float,
        int | None,
        str,
        int,
        int,
        tuple[int, ...],
        int,
        int,
        int,
        int,
        float,
        float,
        float,
        int,
        int,
        float | None,
        float | None,
        float | None,
        float | None,
        float | None,
        float | None,
    ]:
        """A leg's counters: packets received, sent and lost, jitter and the first packet's delay in milliseconds, the
        address that the last packet came from (empty: none came), packets discarded, packets of telephone-events among
        those received, the payload types that were received; packets refused because their SRTP tag was wrong, or
        because they had been there before, and packets that look plain on a leg with keys, or protected on one
        without. Then, as measured: bursts of loss, percent lost within
        bursts and outside, milliseconds of the mean burst, packets too late, milliseconds concealed; and where it is
        known, milliseconds in the jitter buffer, of the round trip, percent that the party lost of late, percent of its
        packets that were more than silence, and R and MOS by ITU-T G.107."""

    def video_stats(self, leg: int) -> tuple[int, int, int, int, int, float, int | None, int, int, int, int, int]:
        """Of a leg of pictures: packets received, sent and lost, pictures that came whole and in their order, key
        frames that began to come, jitter and the first packet's delay in milliseconds, times that the party asked for a
        key frame by RTCP and was asked for one, packets sent again to it, and the width and height of its newest
        pictures (0: not yet known)."""

    def stats(self) -> dict[str, int]:
        """`legs_open`, `packets_received`, `packets_sent`, `packets_discarded`, `panics`, `late_ticks` (done more
        than 5 ms after their time), of legs that ended `packets_lost` and `packets_late`, and `recordings_live`,
        `recording_bytes`, `recording_lost_ms`, `recording_troubles`. Of prompts in a format:
        `prompts_encoded` and `prompts_loaded` from the folder, its files that were damaged (`prompts_damaged`), and
        times that it could not be read or written (`prompts_failed`)."""

    def close(self) -> None:
        """End the threads and close the sockets."""

@final
class MediaEngineLink:
    """A media engine in a process of its own, whose owner this is until `close`, or until one of both dies: all that
    `MediaEngine` can be asked, and what it had open when we came. One that is `lost` takes orders and does nothing."""

    def __new__(cls, socket: Path) -> MediaEngineLink:
        """Raises OSError: FileNotFoundError or ConnectionRefusedError where nobody listens, ConnectionAbortedError when
        the engine has another owner, ConnectionError when something else is there, or one of another version."""

    @property
    def io(self) -> str: ...
    @property
    def host(self) -> str:
        """The address that sound is received on."""

    @property
    def owner(self) -> int:
        """How many owners the engine has had, with us."""

    @property
    def ends_alone(self) -> bool:
        """Whether it was begun to end with its owner."""

    @property
    def lost(self) -> str | None:
        """Why there is no engine any more. `fileno` is readable when that becomes so, and `drain` then gives what it
        still said."""

    def ports(self) -> list[int]: ...
    def open_legs(self) -> list[tuple[int, int]]:
        """The slots that were in use when we came, and the epochs of their users."""

    def open_mixes(self) -> list[tuple[int, int]]: ...
    def recordings(self) -> list[tuple[int, Path]]:
        """Recordings whose end no owner was told when we came: the last owner's numbers, and the files."""

    def streams(self) -> list[int]: ...
    def add_prompt(self, samples: bytes, rate: int) -> int:
        """See `MediaEngine`; the same samples have the same number. Waits for the engine."""

    def submit(self, commands: Sequence[MediaCommand]) -> None: ...
    def fileno(self) -> int: ...
    def drain(self, limit: int = 256) -> list[MediaEvent]: ...
    def ratings(self) -> dict[str, int]:
        """Waits for the engine; all 0 when it is lost."""

    def leg_stats(
        self, leg: int
    ) -> tuple[
        int,
        int,
        int,
        float,
        int | None,
        str,
        int,
        int,
        tuple[int, ...],
        int,
        int,
        int,
        int,
        float,
        float,
        float,
        int,
        int,
        float | None,
        float | None,
        float | None,
        float | None,
        float | None,
        float | None,
    ]:
        """See `MediaEngine`. Read from memory that both share: it waits for nothing, and is still known when the engine
        is lost."""

    def video_stats(self, leg: int) -> tuple[int, int, int, int, int, float, int | None, int, int, int, int, int]:
        """See `MediaEngine`."""

    def stats(self) -> dict[str, int]:
        """Waits for the engine; all 0 when it is lost."""

    def close(self) -> None:
        """End all that is open, and wait until the files of recordings are complete. An engine that was begun to end
        alone ends."""

    def abandon(self) -> None:
        """Let go of the engine as if we had died."""

def serve_media_engine(
    *,
    socket: Path,
    host: str,
    first_port: int,
    legs: int,
    threads: int = 1,
    io: Literal["auto", "epoll", "io_uring"] = "auto",
    prompts: Path | None = None,
    orphan_seconds: float = 60.0,
    ends_alone: bool = False,
) -> None:
    """Be a media engine that is spoken to at a Unix socket, until SIGTERM or SIGINT. What is open stays so for
    `orphan_seconds` without an owner; `ends_alone`: then it returns, as it does when its owner closes it.

    Raises OSError when the socket's folder could be written to by others, when another engine is there, and as
    `MediaEngine` does.
    """
