"""A user agent on a real engine in virtual time, and a scripted peer who speaks text.

`story.hears(…)` brings the agent a message; `story.said()` takes what it has sent since the last time; `story.told`
holds the signals to the switch. Addresses are from RFC 5737.
"""

import random
from collections.abc import Callable, Sequence

from gateways._native import SipEngine, SipRequest, SipResponse
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.digest_client import authorization, challenge_of
from gateways.sip.ua.server_location import Hop, Sought
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import (
    Credentials,
    Ended,
    Incoming,
    Invitation,
    LegCommand,
    LegSignal,
    Origin,
    Target,
)
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, Direction, MediaDescription, Srtp
from softswitch.kernel.messages import Taken, TextMessage
from softswitch.kernel.watching import Mailbox, Permission, Presence, Published, Subject, WatchedCall
from softswitch.ports.admission import Sentry

US = HostPort("192.0.2.1", 5060)
PEER = HostPort("192.0.2.9", 5060)
UDP = 1
LEG = LegId("call.2")
CALLER = LegId("call.1")

OURS = MediaDescription(HostPort("192.0.2.1", 40000), (Codec(0, "PCMU"), Codec(8, "PCMA")))
ON_HOLD = MediaDescription(HostPort("192.0.2.1", 40000), (Codec(0, "PCMU"),), Direction.SENDONLY)


def sdp(port: int = 30000, *, direction: str = "sendrecv", version: int = 1, codecs: str = "0 8") -> str:
    """A peer's session description."""
    return (
        f"v=0\r\no=peer 1 {version} IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {codecs}\r\na={direction}\r\n"
    )


def answer_to(
    challenged: SipResponse, method: str, uri: str, *, password: str = "secret", username: str = "1001"
) -> str:
    """What 1001's phone says to a 401: an Authorization value."""
    challenge = challenge_of(challenged.headers("WWW-Authenticate")[0])
    assert challenge is not None
    return authorization(challenge, username=username, password=password, method=method, uri=uri, cnonce="c")


class Switch:
    """SignallingEvents that writes down."""

    def __init__(self) -> None:
        self.incoming_calls: list[Incoming] = []
        self.signals: list[tuple[LegId, LegSignal]] = []
        self.ladder: list[str] = []
        self.on_incoming: LegId = CALLER
        self.slow_record: list[Callable[[], None]] | None = None
        """Where set: who waits for a record that is not kept yet."""

    def incoming(self, incoming: Incoming) -> LegId:
        self.incoming_calls.append(incoming)
        return self.on_incoming

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        self.signals.append((leg, signal))

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        self.ladder.append(f"{direction} {what}")

    def on_record(self, then: Callable[[], None]) -> None:
        if self.slow_record is None:
            then()
        else:
            self.slow_record.append(then)


class Accounts:
    """Gatekeeper, Location and Watched in memory. Anyone from PEER is known, unless `strict`."""

    def __init__(self) -> None:
        self.permissions: dict[str, Permission] = {}
        """By the account that is watched; others do not exist."""
        self.watched: list[tuple[Subject, str]] = []
        self.live: list[WatchedCall] = []
        self.shown = Presence(True)
        self.box = Mailbox()
        self.messages: list[tuple[Origin, TextMessage, int | None, Callable[[Taken], None]]] = []
        self.publications: dict[str, tuple[Published, ...]] = {}
        self.strict = False
        self.pbxs: set[str] = set()
        """Far ends of trunks that register in bulk."""
        self.rules: LegRules | None = None
        """Those of whoever is known by its address."""
        self.srtp = Srtp.OFF
        """Whether the sound of PEER's calls is encrypted."""
        self.video = True
        """Whether PEER may have video."""
        self.barred: set[tuple[str, str]] = set()
        """Accounts and the transports that they may not come by."""
        self.secrets: dict[tuple[str, str], str] = {}
        self.bound: dict[str, tuple[Binding, ...]] = {}
        self.failed: list[int] = []
        """Sockets and connections that were told to be gone."""

    def recognise(self, source: HostPort, from_user: str, to_user: str, line: str = "") -> Origin | None:
        if self.strict or source.host != PEER.host:
            return None
        return Origin("trunk", "peer", "default", rules=self.rules, srtp=self.srtp, video=self.video)

    def certified(self, names: tuple[str, ...]) -> Origin | None:
        return Origin("trunk", "carrier", "default") if "carrier.example" in names else None

    def admits(self, username: str, host: str, transport: str) -> bool:
        return (username, transport) not in self.barred

    def ha1(self, username: str, algorithm: str) -> str | None:
        return self.secrets.get((username, algorithm))

    def registers_in_bulk(self, username: str) -> bool:
        return username in self.pbxs

    def origin(self, username: str) -> Origin:
        return Origin("trunk" if username in self.pbxs else "account", username, "default")

    def bindings(self, aor: str) -> Sequence[Binding]:
        return self.bound.get(aor, ())

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        self.bound[aor] = tuple(bindings)

    def permission(self, subject: Subject, account: str, watcher: str) -> Permission | None:
        return self.permissions.get(account)

    def watching(self, subject: Subject, account: str, watched: bool) -> None:
        if watched:
            self.watched.append((subject, account))
        else:
            self.watched.remove((subject, account))

    def calls(self, account: str) -> Sequence[WatchedCall]:
        return self.live

    def presence(self, account: str) -> Presence:
        return self.shown

    def mailbox(self, account: str) -> Mailbox:
        return self.box

    def received(
        self, origin: Origin, message: TextMessage, lifetime: int | None, decided: Callable[[Taken], None]
    ) -> None:
        self.messages.append((origin, message, lifetime, decided))

    def published(self, account: str, publications: Sequence[Published]) -> None:
        self.publications[account] = tuple(publications)

    def flow_failed(self, connection: int) -> None:
        self.failed.append(connection)


class Story:
    """One agent, its network, and the time."""

    def __init__(
        self, settings: UserAgentSettings | None = None, *, seed: int = 1, sentry: Sentry | None = None
    ) -> None:
        self.now = 1000.0
        self.switch, self.accounts = Switch(), Accounts()
        self.engine = SipEngine(seed=seed)
        self.connections: dict[tuple[str, str, int], int] = {}
        self.names: dict[str, str | None] = {}
        self.lookups: list[tuple[Sought, Callable[[Sequence[Hop]], None]]] = []
        self.closed: list[int] = []
        self.agent = UserAgent(
            self.engine,
            settings or UserAgentSettings(host=US.host),
            network=self,
            gatekeeper=self.accounts,
            location=self.accounts,
            sentry=sentry,
            watched=self.accounts,
            messages=self.accounts,
            entropy=random.Random(seed).randbytes,
            wall_ms=lambda: int(self.now * 1000),
        )
        self.agent.listen(self.switch)
        self.agent.open_transport(UDP, "udp", US)
        self._sent: list[SipRequest | SipResponse] = []
        self.wire: list[tuple[int, tuple[str, int], bytes]] = []
        self._branches = 0

    # Network --------------------------------------------------------------------------------------------

    def transport_to(self, hop: Hop) -> int | None:
        if hop.kind == "udp":
            return UDP
        return self.connections.get((hop.kind, hop.host, hop.port))

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        self.lookups.append((sought, found))

    def close(self, transport: int) -> None:
        self.closed.append(transport)

    def wake(self) -> None:
        """The story settles by itself whenever something is said or time passes."""

    def connect(self, number: int, peer: HostPort = PEER) -> int:
        """A TCP connection comes about."""
        self.connections["tcp", peer.host, peer.port] = number
        self.agent.open_transport(number, "tcp", US)
        return number

    # Time and bytes -------------------------------------------------------------------------------------

    def settle(self) -> None:
        for transmit in self.agent.settle(self.now):
            self.wire.append((transmit.transport, transmit.destination, transmit.data))
            parse = SipResponse.parse if transmit.data.startswith(b"SIP/2.0") else SipRequest.parse
            self._sent.append(parse(transmit.data))

    def hears(self, message: str, *, source: HostPort = PEER, transport: int = UDP) -> None:
        """A message from the peer."""
        self.engine.receive(message.encode(), transport, source, self.now)
        self.settle()

    def passes(self, seconds: float) -> None:
        """Time passes; everything due on the way happens at its time."""
        end = self.now + seconds
        self.settle()
        while (deadline := self.agent.deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.agent.timeout(self.now)
            self.settle()
        self.now = end

    def said(self) -> list[SipRequest | SipResponse]:
        """What the agent has sent since this was last asked."""
        sent, self._sent = self._sent, []
        return sent

    def lines(self) -> list[str]:
        """`said`, each as its method or status with the method of CSeq: `INVITE`, `180 INVITE`."""
        return [m.method if isinstance(m, SipRequest) else f"{m.status} {m.method}" for m in self.said()]

    def only_request(self, method: str) -> SipRequest:
        """The one request of this method among what was said."""
        found = [m for m in self.said() if isinstance(m, SipRequest) and m.method == method]
        assert len(found) == 1, f"{len(found)} {method} requests"
        return found[0]

    def only_response(self, status: int) -> SipResponse:
        """The one response of this status among what was said."""
        sent = self.said()
        found = [m for m in sent if isinstance(m, SipResponse) and m.status == status]
        assert len(found) == 1, f"{len(found)} responses {status} in {[m.raw[:40] for m in sent]}"
        return found[0]

    # The switch -----------------------------------------------------------------------------------------

    @property
    def told(self) -> list[LegSignal]:
        """All signals, in order."""
        return [signal for _, signal in self.switch.signals]

    @property
    def ended(self) -> list[Ended]:
        return [signal for signal in self.told if isinstance(signal, Ended)]

    def dials(
        self,
        offer: MediaDescription | None = OURS,
        *,
        target: Target | None = None,
        leg: LegId = LEG,
        from_: Party = Party("1001", "Ann"),  # noqa: B008
        credentials: Credentials | None = None,
        rules: LegRules | None = None,
        srtp: Srtp = Srtp.OFF,
        video: bool = True,
    ) -> SipRequest:
        """The switch dials; gives the INVITE."""
        invitation = Invitation(
            target or Target("sip:1002@192.0.2.9:5060"),
            from_,
            Party("1002"),
            offer,
            credentials=credentials,
            rules=rules,
            srtp=srtp,
            video=video,
        )
        self.agent.dial(leg, invitation, self.now)
        self.settle()
        return self.only_request("INVITE")

    def commands(self, command: LegCommand, leg: LegId = LEG) -> None:
        """The switch gives a command."""
        self.agent.command(leg, command, self.now)
        self.settle()

    # The peer -------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        *,
        uri: str = "sip:1002@192.0.2.1",
        call_id: str = "c1@peer",
        cseq: int = 1,
        from_: str = "<sip:1001@192.0.2.9>;tag=p1",
        to: str = "<sip:1002@192.0.2.1>",
        branch: str | None = None,
        body: str = "",
        headers: Sequence[str] = (),
        max_forwards: int = 70,
        transport: str = "UDP",
        contact: str | None = "<sip:1001@192.0.2.9:5060>",
    ) -> str:
        """A request of the peer's, as text."""
        self._branches += 1
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{transport} {PEER};branch={branch or f'z9hG4bK-{self._branches}'};rport",
            f"From: {from_}",
            f"To: {to}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            f"Max-Forwards: {max_forwards}",
            *([f"Contact: {contact}"] if contact is not None else []),
            *headers,
        ]
        if body and not any(line.lower().startswith("content-type") for line in headers):
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body.encode())}", "", body]
        return "\r\n".join(lines)

    def calls(self, body: str | None = None, **more: object) -> SipRequest:
        """The peer calls us; gives its INVITE, which has reached the switch."""
        text = self.request("INVITE", body=sdp() if body is None else body, **more)  # type: ignore[arg-type]
        self.hears(text)
        return SipRequest.parse(text.encode())

    def cancels(self, invite: SipRequest) -> None:
        """The peer cancels its INVITE."""
        self.hears(self.request("CANCEL", uri=invite.uri, branch=invite.branch, cseq=invite.cseq, contact=None))

    def in_call(self, method: str, answer: SipResponse, cseq: int, **more: object) -> None:
        """A request of a peer who called us, inside the dialog that `answer` (or a provisional one) made."""
        to = answer.header("To")
        assert to is not None
        self.hears(self.request(method, to=to, cseq=cseq, uri="sip:192.0.2.1:5060", **more))  # type: ignore[arg-type]

    def in_called(self, method: str, invite: SipRequest, cseq: int, *, tag: str = "r1", **more: object) -> None:
        """A request of a peer whom we called with `invite`, and who answered under `tag`."""
        text = self.request(
            method,
            uri="sip:192.0.2.1:5060",
            call_id=invite.call_id,
            from_=f"{invite.header('To')};tag={tag}",
            to=invite.header("From") or "",
            cseq=cseq,
            **more,  # type: ignore[arg-type]
        )
        self.hears(text)

    def replies(
        self,
        request: SipRequest,
        status: int,
        *,
        tag: str | None = "r1",
        body: str = "",
        headers: Sequence[str] = (),
        contact: str | None = "<sip:1002@192.0.2.9:5060>",
        reason: str = "Whatever",
        source: HostPort = PEER,
        transport: int = UDP,
    ) -> None:
        """The peer answers a request of ours."""
        to = request.header("To") or ""
        if tag is not None and "tag=" not in to:
            to += f";tag={tag}"
        lines = [
            f"SIP/2.0 {status} {reason}",
            *[f"Via: {via}" for via in request.headers("Via")],
            f"From: {request.header('From')}",
            f"To: {to}",
            f"Call-ID: {request.call_id}",
            f"CSeq: {request.cseq} {request.method}",
            *([f"Contact: {contact}"] if contact is not None else []),
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
            "",
            body,
        ]
        self.hears("\r\n".join(lines), source=source, transport=transport)

    # Shortcuts ------------------------------------------------------------------------------------------

    def talking_as_caller(self) -> SipRequest:
        """We called, they answered and we acknowledged: gives our INVITE."""
        invite = self.dials()
        self.replies(invite, 200, body=sdp())
        self.only_request("ACK")
        self.switch.signals.clear()
        return invite

    def talking_as_called(self, body: str | None = None) -> SipResponse:
        """They called, we answered and they acknowledged: gives our 200."""
        from softswitch.calls.signals import Answer

        self.calls(body)
        self.commands(Answer(OURS), CALLER)
        answer = self.only_response(200)
        self.in_call("ACK", answer, 1)
        self.said()
        self.switch.signals.clear()
        return answer

    def is_clean(self) -> bool:
        """Whether nothing is left once every timer has run out."""
        self.passes(100.0)
        gauges, stats = self.agent.gauges(), self.engine.stats()
        left = {name: gauges[name] for name in ("sessions", "legs", "client_transactions", "timers", "farewells")}
        left |= {f"engine_{name}": stats[name] for name in ("client_transactions", "server_transactions", "timers")}
        assert not any(left.values()), left
        assert gauges["faults"] == 0
        return True
