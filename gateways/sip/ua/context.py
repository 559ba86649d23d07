"""What every session of the user agent stands on: the engine, the clock's last word, and the tables."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import count
from typing import TYPE_CHECKING, Protocol

from gateways._native import RequestReceived, ResponseReceived, SipEngine
from gateways.sip.ua.abilities import ALLOW, FORKS, OPTION_TAGS
from gateways.sip.ua.addressing import hop_seen
from gateways.sip.ua.causes import BEYOND, PHRASES
from gateways.sip.ua.dialog import Dialog, Headers
from gateways.sip.ua.farewells import Farewells
from gateways.sip.ua.gruu import Gruus
from gateways.sip.ua.server_location import Hop, Sought
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.timers import Timer, TimerTable
from gateways.sip.ua.tokens import Tokens
from gateways.sip.ua.vicinity import is_in
from softswitch.calls.signals import LegSignal
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId

if TYPE_CHECKING:
    from gateways.sip.ua.refer import Referral
    from gateways.sip.ua.session import Session

Way = tuple[int, tuple[str, int]]
"""A transport and the address to write to on it."""

ResponseHandler = Callable[[ResponseReceived | None, str], None]
"""Takes each response to a request; or None and why there will be none: `timeout` or `transport`."""


class Usage(Protocol):
    """A dialog that carries no call: a subscription, for one (RFC 5057 speaks of dialog usages)."""

    dialog: Dialog

    def requested(self, event: RequestReceived) -> None:
        """A request inside the dialog, in order, with nothing required that is not understood."""
        ...


class Network(Protocol):
    """Whoever moves the bytes: the asyncio endpoint, or a simulation."""

    def transport_to(self, hop: Hop) -> int | None:
        """The transport that reaches an IP address: the UDP socket of its family, or a connection to there. A new
        connection is opened as a transport at once; what is written meanwhile waits, and if it cannot be made the
        transport closes. None: there is no such transport here."""
        ...

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        """Ask the DNS where a request may go, and call `found` later (never before returning), then settle. The hops
        come in the order in which to try them (RFC 3263 section 4.3); none: the name leads nowhere."""
        ...

    def close(self, transport: int) -> None:
        """Close a stream connection once what is being decided has been written."""
        ...

    def wake(self) -> None:
        """Something is to be said outside the user agent's turn: settle soon."""
        ...


class Transport:
    """A UDP socket or a stream connection, by the number that the engine knows it by."""

    __slots__ = ("arrivals", "certified", "contact", "inside_contact", "kind", "number", "registered", "stream")

    def __init__(
        self,
        number: int,
        kind: str,
        advertised: HostPort,
        certified: tuple[str, ...] = (),
        inside: HostPort | None = None,
    ) -> None:
        self.number = number
        self.kind = kind
        self.stream = kind != "udp"
        # RFC 7118 section 5.2: a URI says `ws` for both kinds of WebSocket.
        parameter = f";transport={'ws' if kind == 'wss' else kind}" if self.stream else ""
        self.contact = ("Contact", f"<sip:{advertised}{parameter}>")
        """Our Contact for whoever is reached by it."""
        self.inside_contact = ("Contact", f"<sip:{inside}{parameter}>") if inside not in (None, advertised) else None
        """The one for hosts of our own networks, where it differs. A connection has but one peer, and needs none."""
        self.certified = certified
        """Whom the certificate is for that the peer has shown, verified; empty: none."""
        self.registered = False
        """Whether somebody has registered by it."""
        self.arrivals: set[Session] = set()
        """Calls that came by this connection and are not answered yet: they end with it."""


class Context:
    """Shared by all sessions. `now` is set whenever the user agent is called."""

    __slots__ = (
        "accepts",
        "allow",
        "clients",
        "counts",
        "engine",
        "farewells",
        "gruus",
        "legs",
        "network",
        "now",
        "product",
        "referrals",
        "server_header",
        "servers",
        "session_expires",
        "session_ids",
        "sessions",
        "settings",
        "supported",
        "supported_late",
        "texts",
        "timers",
        "tokens",
        "told",
        "trace",
        "transports",
        "usages",
        "vicinity",
        "without_tcp",
    )

    def __init__(
        self, engine: SipEngine, settings: UserAgentSettings, network: Network, entropy: Callable[[int], bytes]
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.vicinity = settings.vicinity
        self.network = network
        self.tokens = Tokens(entropy)
        self.session_ids = count(int(self.tokens.token(), 16) >> 2)
        """Of session descriptions: no two of ours are alike, nor like those before a restart (RFC 8866 section 5.2)."""
        self.gruus = Gruus(entropy(32))
        self.timers = TimerTable()
        self.farewells = Farewells(self.timers, network.wake)
        self.now = 0.0
        self.transports: dict[int, Transport] = {}
        self.without_tcp: dict[tuple[str, int], float] = {}
        """Addresses that did not take a long request over TCP, and until when that is believed."""
        self.sessions: dict[str, Session] = {}
        """By our tag."""
        self.usages: dict[str, Usage] = {}
        """Dialogs without a call, by our tag."""
        self.referrals: dict[LegId, Referral] = {}
        """REFERs whose final NOTIFY is due, by the leg that they came by, also after its end."""
        self.legs: dict[LegId, Session] = {}
        """Legs that have not ended."""
        self.clients: dict[int, ResponseHandler] = {}
        """Who awaits the responses of a client transaction."""
        self.servers: dict[int, Session] = {}
        """Whose an INVITE server transaction without a final response is."""
        self.texts: dict[int, Timer] = {}
        """Messages inside calls that await what the other party says to them, by their transactions."""
        self.told: deque[tuple[LegId, LegSignal]] = deque()
        """Signals on their way up. They are delivered when no session is at work, so that a command that one of them
        calls forth never finds a session half changed."""
        self.trace: Callable[[LegId, str, str], None] = _untraced
        self.counts = {"rejected": 0, "challenged": 0, "registered": 0, "suspected": 0, "faults": 0}
        """What was counted since the start."""
        self.allow = ("Allow", ALLOW)
        self.accepts = ("Supported", ", ".join(OPTION_TAGS))
        """What our 2xx to an INVITE says (section 13.3.1.4). Without `replaces` there baresip attends no transfer."""
        self.supported = ("Supported", ", ".join((*OPTION_TAGS, FORKS)))
        self.supported_late = ("Supported", ", ".join((*(tag for tag in OPTION_TAGS if tag != "100rel"), FORKS)))
        """Where we let the party offer: an offer in a reliable provisional response could not be answered in time."""
        self.session_expires = [("Session-Expires", str(settings.session_expires))] if settings.session_expires else []
        """What an INVITE of ours asks for (RFC 4028)."""
        self.product = ("User-Agent", settings.product)
        self.server_header = ("Server", settings.product)

    def contact(self, transport: int, peer: str = "") -> tuple[str, str]:
        """Our Contact on a transport for a peer's address, also after it has closed. Without a peer: the one that the
        world is told."""
        known = self.transports.get(transport)
        if known is None:
            # The connection died: any other address of ours will do, and there is always one to listen on.
            known = next(iter(self.transports.values()))
        if known.inside_contact is not None and self.vicinity is not None and is_in(peer, self.vicinity.inside):
            return known.inside_contact
        return known.contact

    def respond(
        self,
        transaction: int,
        status: int,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        reason: str | None = None,
        to_tag: str | None = None,
    ) -> None:
        """Answer a request, as a server that says its name."""
        if reason is None:
            reason = BEYOND.get(status)
        self.engine.respond(
            transaction, status, [*headers, self.server_header], body, self.now, reason=reason, to_tag=to_tag
        )

    def request(
        self,
        way: Way | None,
        method: str,
        uri: str,
        headers: Headers,
        body: bytes,
        handler: ResponseHandler,
        most: int = 0,
        patience: float = 0.0,
    ) -> int:
        """Send a request; its responses go to `handler`, never before this returns. Gives the transaction, 0 if it
        could not be sent (then `handler` hears of a failed transport), and -1 if it is longer than the `most` octets
        that it may have over UDP (then `handler` hears nothing). `patience`: see `SipEngine.request`."""
        if way is None:
            self.timers.set(self.now, partial(handler, None, "transport"))
            return 0
        transaction = self.engine.request(way[0], way[1], method, uri, headers, body, self.now, most, patience)
        if not transaction:
            return -1
        self.clients[transaction] = handler
        return transaction

    def request_in(self, dialog: Dialog, method: str, headers: Headers, body: bytes, handler: ResponseHandler) -> int:
        """Send a request other than INVITE inside a dialog. A challenge that can be answered is, and not told."""
        uri, ours = dialog.request(method, dialog.next_cseq())
        if dialog.auth is not None:
            handler = partial(self._proving, dialog, method, headers, body, handler)
        return self.request(self.way(dialog), method, uri, ours + headers, body, handler)

    def _proving(
        self,
        dialog: Dialog,
        method: str,
        headers: Headers,
        body: bytes,
        handler: ResponseHandler,
        event: ResponseReceived | None,
        failure: str,
    ) -> None:
        if event is not None and dialog.challenged(event.response):
            self.request_in(dialog, method, headers, body, handler)
        else:
            handler(event, failure)

    def let_go(self, transaction: int, *, linger: bool) -> None:
        """Its session is gone, so a 2xx that still comes on this INVITE is a stray answer. It lingers where the ACK
        must hold an answer, which only the session can give, for as long as a 2xx may come or come again."""
        if linger:
            forget = partial(self.let_go, transaction, linger=False)
            self.timers.set(self.now + 64 * self.settings.t1, forget)
        else:
            self.clients.pop(transaction, None)

    def acknowledge(self, dialog: Dialog, cseq: int, body: bytes) -> None:
        """Send the ACK of a 2xx (RFC 3261 section 13.2.2.4)."""
        way = self.way(dialog)
        if way is None:
            return  # the peer's 2xx comes again, and goes unacknowledged until its patience ends
        uri, headers = dialog.request("ACK", cseq)
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self.engine.request(way[0], way[1], "ACK", uri, headers, body, self.now)

    def way(self, dialog: Dialog) -> Way | None:
        """How a request inside a dialog travels. None: by no transport of ours."""
        transport = self.transports.get(dialog.transport)
        if transport is not None and transport.stream:
            # The connection that the peer (or its proxy) uses already: behind NAT there is no other.
            return dialog.transport, dialog.peer
        uri = dialog.first_route() if dialog.route_set else dialog.remote_target
        hop = hop_seen(uri, dialog.peer, routed=bool(dialog.route_set)) if uri is not None else None
        if hop is None:
            return None
        if dialog.pinned and hop.host != dialog.peer[0] and dialog.peer[0]:
            hop = Hop(transport.kind if transport is not None else hop.kind, *dialog.peer)
        if hop.kind == "udp" and transport is not None and (":" in hop.host) == (":" in dialog.peer[0]):
            return dialog.transport, (hop.host, hop.port)
        return self.way_to(hop)

    def way_to(self, hop: Hop) -> Way | None:
        """How an IP address is reached."""
        number = self.network.transport_to(hop)
        return (number, (hop.host, hop.port)) if number is not None else None


@lru_cache(maxsize=1024)
def status_line(status: int, method: str) -> str:
    """A response of ours as the ladder shows it."""
    return f"{status} {PHRASES.get(status, '')} ({method})"


def _untraced(leg: LegId, direction: str, what: str) -> None:
    """Until someone listens."""
