"""The user agent: events of the `SipEngine` in, signals to the switch out. No sockets, no clock, no randomness.

Whoever moves the bytes (`endpoint.py` with asyncio, or a simulation with a virtual network) drives it like this:

    engine = SipEngine(seed=…)
    agent = UserAgent(engine, settings, network=…, gatekeeper=…, location=…, entropy=…, wall_ms=…)
    agent.listen(events)                                   # the switch: SignallingEvents

    agent.open_transport(1, "udp", HostPort("10.0.0.1", 5060))     # one UDP socket, or one stream connection
    engine.receive(data, 1, source, now)                           # bytes that came
    agent.timeout(now)                                             # when `deadline()` has come
    agent.close_transport(2, now)                                  # a connection is gone
    for transmit in agent.settle(now): ...                         # after any of these, and after commands: write
    agent.deadline()                                               # when `timeout` is needed next; None: never

Commands (`dial`, `command`) may be given at any time, also from inside the switch's handlers; the signals they cause
are told by the next `settle`, never before the command returns. `network` is `context.Network`: it names the
transport that reaches an address (opening a connection if need be: it then calls `open_transport` before it returns
the number) and resolves names. `entropy(n)` gives n random bytes; `wall_ms()` is for registrations, which live by the
wall clock. All other times are monotonic seconds.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from gateways._native import (
    Cancelled,
    RequestReceived,
    ResponseReceived,
    SipEngine,
    SipRequest,
    TransactionFailed,
    Transmit,
)
from gateways._native import Rejected as Unreadable
from gateways.sip.ua import in_dialog
from gateways.sip.ua.addressing import contact_uri, parsed, user_of
from gateways.sip.ua.admission import Admission, incoming
from gateways.sip.ua.context import ALLOW, Context, Network, Transport
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.invite_client import InviteClient
from gateways.sip.ua.invite_server import InviteServer, MergeKey
from gateways.sip.ua.registrar import register
from gateways.sip.ua.requests import Refusal, method_refusal, require_refusal, retry_after, scheme_refusal, sdp_refusal
from gateways.sip.ua.session import Input, Session
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.stray_answer import turn_away
from softswitch.calls.signals import HangUp, Incoming, Invitation, LegCommand
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected, RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.ports import Gatekeeper, Location, SignallingEvents

if TYPE_CHECKING:
    from gateways._native import SipEvent

log = structlog.get_logger(__name__)


class UserAgent:
    """All SIP sessions of the switch, and its registrar."""

    def __init__(
        self,
        engine: SipEngine,
        settings: UserAgentSettings,
        *,
        network: Network,
        gatekeeper: Gatekeeper,
        location: Location,
        entropy: Callable[[int], bytes],
        wall_ms: Callable[[], int],
    ) -> None:
        self._context = Context(engine, settings, network, entropy)
        self._engine = engine
        self._settings = settings
        self._location = location
        self._wall_ms = wall_ms
        self._admission = Admission(self._context, gatekeeper, entropy(32))
        self._events: SignallingEvents | None = None
        self._arriving: InviteServer | None = None
        """A call that the switch is being told of and has not named yet."""
        self._merging: dict[MergeKey, InviteServer] = {}
        self._engine_deadline: float | None = None
        self._counts = {"rejected": 0, "challenged": 0, "registered": 0, "faults": 0}
        self.draining = False
        """Whether new calls are refused with 503, because the switch is about to stop."""
        self._dispatch: dict[type, Callable[[SipEvent], None]] = {
            RequestReceived: self._request_received,  # type: ignore[dict-item]
            ResponseReceived: self._response_received,  # type: ignore[dict-item]
            Cancelled: self._cancelled,  # type: ignore[dict-item]
            TransactionFailed: self._transaction_failed,  # type: ignore[dict-item]
            Unreadable: self._rejected,  # type: ignore[dict-item]
        }

    def listen(self, events: SignallingEvents) -> None:
        """Tell `events` what happens from now on."""
        self._events = events
        self._context.trace = events.traced

    # For whoever moves the bytes ------------------------------------------------------------------------

    def open_transport(self, number: int, kind: str, advertised: HostPort) -> None:
        """A UDP socket or a stream connection is there. `advertised` is where peers reach us: our Via and Contact."""
        self._engine.open_transport(number, kind, str(advertised))  # type: ignore[arg-type]
        self._context.transports[number] = Transport(number, kind, advertised)

    def close_transport(self, number: int, now: float) -> None:
        """It is gone: requests that await a response on it fail, and calls that came by it unanswered end."""
        self._context.now = now
        self._engine.close_transport(number, now)
        transport = self._context.transports.pop(number, None)
        if transport is not None:
            for session in tuple(transport.arrivals):
                session.step(Input.CUT_OFF)

    def timeout(self, now: float) -> None:
        """Run what is due, the engine's timers and our own."""
        self._context.now = now
        self._engine.timeout(now)
        while True:
            try:
                self._context.timers.run(now)
                return
            except Exception:
                # The timer that failed is off the table; those after it still run.
                self._counts["faults"] += 1
                log.exception("a timer could not be handled")

    def settle(self, now: float, flush: Callable[[], None] | None = None) -> list[Transmit]:
        """Handle all that has come about, tell the switch, and give what must be written.

        `flush`, where given, is called before each look at the engine, so that a UDP socket may take its datagrams
        directly.
        """
        self._context.now = now
        engine = self._engine
        transmits: list[Transmit] = []
        while True:
            self._deliver()
            if flush is not None:
                flush()
            drained = engine.drain()
            transmits += drained.transmits
            events = drained.events
            if not events:
                self._engine_deadline = drained.deadline
                return transmits
            for event in events:
                self.receive_event(event, now)

    def deadline(self) -> float | None:
        """When `timeout` is needed, as of the last `settle`."""
        ours, engines = self._context.timers.deadline(), self._engine_deadline
        if ours is None or engines is None:
            return engines if ours is None else ours
        return min(ours, engines)

    def receive_event(self, event: "SipEvent", now: float) -> None:
        """Handle one event of the engine. A fault of ours in it ends one call, and not the switch."""
        self._context.now = now
        try:
            self._dispatch[type(event)](event)
            self._deliver()
        except Exception:
            self._counts["faults"] += 1
            log.exception("an event could not be handled", event_type=type(event).__name__)
            self._contain(event)

    # For the switch -------------------------------------------------------------------------------------

    def dial(self, leg: LegId, invitation: Invitation, now: float) -> None:
        """Invite a party (`Signalling.dial`)."""
        self._context.now = now
        InviteClient(self._context, leg, invitation).dial()

    def command(self, leg: LegId, command: LegCommand, now: float) -> None:
        """Carry out a command (`Signalling.send`)."""
        context = self._context
        context.now = now
        session = context.legs.get(leg)
        if session is None:
            if self._arriving is None or self._arriving.leg is not None:
                return
            # Commands for a new leg may come before the switch has returned its id.
            session = self._arriving
            session.named(leg)
        session.command(command)

    def gauges(self) -> dict[str, int]:
        """What is held now, and what was counted since the start."""
        context = self._context
        return {
            "sessions": len(context.sessions),
            "legs": len(context.legs),
            "client_transactions": len(context.clients),
            "timers": len(context.timers),
            "transports": len(context.transports),
            **self._counts,
        }

    # Events ---------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        told, events = self._context.told, self._events
        while told:
            leg, signal = told.popleft()
            if events is None:
                continue
            try:
                events.signalled(leg, signal)
            except Exception:
                # The switch's own fault is its own affair: the other legs' signals must still arrive.
                log.exception("a signal could not be handled", leg=leg, signal=type(signal).__name__)

    def _response_received(self, event: ResponseReceived) -> None:
        context = self._context
        handler = context.clients.get(event.transaction)
        status = event.response.status
        if handler is not None:
            # The transaction of an INVITE lives on after a 2xx, because more may come (RFC 6026).
            if status >= 300 or (status >= 200 and event.response.method != "INVITE"):
                del context.clients[event.transaction]
            handler(event, "")
        elif 200 <= status < 300 and event.response.method == "INVITE":
            session = context.sessions.get(event.response.from_tag)
            if session is not None and session.dialog.remote_tag == event.response.to_tag:
                # Of a re-INVITE before the last one.
                cseq = event.response.cseq
                body = session.exchange.said_in_ack(cseq) if session.exchange is not None else b""
                context.acknowledge(session.dialog, cseq, body)
            else:
                turn_away(context, event)

    def _transaction_failed(self, event: TransactionFailed) -> None:
        handler = self._context.clients.pop(event.transaction, None)
        if handler is not None:
            handler(None, event.reason)

    def _cancelled(self, event: Cancelled) -> None:
        session = self._context.servers.get(event.transaction)
        if session is not None:
            session.trace("in", "CANCEL")
            session.step(Input.CANCELLED, event)

    def _rejected(self, event: Unreadable) -> None:
        self._counts["rejected"] += 1
        if event.close:
            self._context.network.close(event.transport)

    def _request_received(self, event: RequestReceived) -> None:
        request = event.request
        if request.to_tag:
            self._request_in_dialog(event)
            return
        method = request.method
        if method == "ACK":
            return
        refusal = method_refusal(method, ALLOW)
        if refusal is None and method != "CANCEL":
            refusal = scheme_refusal(request) or require_refusal(request)
        if refusal is not None:
            self._context.respond(event.transaction, *refusal)
        elif method == "INVITE":
            self._invited(event)
        elif method == "REGISTER":
            self._registering(event)
        elif method == "OPTIONS":
            self._context.respond(event.transaction, 200, in_dialog.abilities(self._context))
        else:
            # BYE, INFO and CANCEL speak of what is; without a dialog or a transaction there is nothing.
            self._context.respond(event.transaction, 481)

    # Inside a dialog ------------------------------------------------------------------------------------

    def _request_in_dialog(self, event: RequestReceived) -> None:
        request, context = event.request, self._context
        method = request.method
        session = context.sessions.get(request.to_tag)
        if session is None or not session.dialog.matches(request):
            if method == "REGISTER":
                self._registering(event)  # a To tag means nothing there
            elif method != "ACK":
                status, headers = method_refusal(method, ALLOW) or (481, [])
                context.respond(event.transaction, status, headers)
            return
        if method == "ACK":
            session.step(Input.ACK, event)
            return
        refusal = require_refusal(request)
        if refusal is not None:
            session.respond(event.transaction, refusal[0], method, *refusal[1])
            return
        if not session.dialog.in_order(request.cseq):
            # RFC 3261 section 12.2.2: "out of order [...] MUST be rejected with a 500"
            session.respond(event.transaction, 500, method, retry_after(context))
            return
        # The party may have come to another address, or its connection be a new one.
        session.dialog.transport, session.dialog.peer = event.transport, event.source
        if method == "BYE":
            session.trace("in", "BYE")
            if not session.step(Input.BYE, event):
                context.respond(event.transaction, 481)
        elif method == "INVITE":
            if not session.step(Input.INVITE, event):
                context.respond(event.transaction, 481)
        else:
            in_dialog.answer(context, session, event)

    # Outside --------------------------------------------------------------------------------------------

    def _invited(self, event: RequestReceived) -> None:
        """An INVITE that asks for a new call (RFC 3261 section 8.2, in its order)."""
        request, context = event.request, self._context
        source = HostPort(*event.source)
        refusal = self._unfit(request)
        if refusal is not None:
            context.respond(event.transaction, *refusal)
            return
        origin = self._admission.caller(request, source)
        if isinstance(origin, tuple):
            self._counts["challenged"] += 1
            context.respond(event.transaction, *origin)
            return
        refusal = sdp_refusal(request)
        if refusal is not None:
            context.respond(event.transaction, *refusal)
            return
        contact = request.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        if target is None:
            # Section 12.1.1: it "MUST contain" one; without it no request could ever go back.
            context.respond(event.transaction, 400, reason="Missing Contact")
            return
        try:
            asked, offer = incoming(event, origin, source)
        except RemoteProtocolError as error:
            context.respond(
                event.transaction, error.status_hint, reason=None if error.status_hint == 488 else str(error)
            )
            return
        key = (request.call_id, request.from_tag, request.cseq)
        dialog = Dialog.called(request, context.tokens.token(), target, event.transport, event.source)
        session = InviteServer(context, dialog, event, offer, key, self._merging)
        self._tell_incoming(session, asked)

    def _unfit(self, request: SipRequest) -> Refusal | None:
        context = self._context
        if request.max_forwards == 0:
            # A B2BUA goes on with one hop fewer, as a proxy does (section 16.3).
            return 483, []
        if (request.call_id, request.from_tag, request.cseq) in self._merging:
            # Section 8.2.2.2: the same request by another way.
            return 482, []
        if self.draining or self._events is None or len(context.sessions) >= self._settings.max_sessions:
            return 503, [retry_after(context)]
        return None

    def _tell_incoming(self, session: InviteServer, asked: Incoming) -> None:
        assert self._events is not None
        self._arriving = session
        try:
            session.named(self._events.incoming(asked))
        except Rejected as rejection:
            session.step(HangUp, HangUp(rejection.cause))
        except Exception:
            log.exception("an incoming call could not be handled")
            session.step(HangUp, HangUp(Cause.TEMPORARY_FAILURE, 500))
        finally:
            self._arriving = None

    def _registering(self, event: RequestReceived) -> None:
        """REGISTER (RFC 3261 section 10.3)."""
        request, context = event.request, self._context
        if parsed(request.to_uri) is None:
            # Step 5: no address of record of any account, whoever asks.
            context.respond(event.transaction, 404)
            return
        user = self._admission.user(request)
        if not isinstance(user, str):
            self._counts["challenged"] += 1
            context.respond(event.transaction, *user)
            return
        if user_of(request.to_uri) != user:
            # Step 3: may this user change the bindings of this address of record? Only its own.
            context.respond(event.transaction, 403)
            return
        transport = context.transports.get(event.transport)
        stream = transport is not None and transport.stream
        outcome = register(
            self._settings.registrar,
            user,
            request,
            self._location.bindings(user),
            wall_ms=self._wall_ms(),
            source=HostPort(*event.source),
            transport=transport.kind if transport is not None else "udp",
            connection=event.transport if stream else None,
        )
        if outcome.bindings is not None:
            self._counts["registered"] += 1
            self._location.replace(user, outcome.bindings)
        context.respond(event.transaction, outcome.status, outcome.headers, reason=outcome.reason)

    # Faults ---------------------------------------------------------------------------------------------

    def _contain(self, event: "SipEvent") -> None:
        """A bug met an event: its sender gets an answer, its call ends, and nobody else notices."""
        context = self._context
        session: Session | None = None
        try:
            if isinstance(event, RequestReceived):
                session = context.sessions.get(event.request.to_tag)
                if event.transaction:
                    context.respond(event.transaction, 500)
            elif isinstance(event, ResponseReceived):
                session = context.sessions.get(event.response.from_tag)
            if session is not None:
                session.end(Cause.TEMPORARY_FAILURE, by_party=False)
                session.forget()
            self._deliver()
        except Exception:
            log.exception("the call of a faulty event could not be ended")
