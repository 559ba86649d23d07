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

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from gateways._native import (
    SipEngine,
    Transmit,
)
from gateways.sip.ua import restoring
from gateways.sip.ua.admission import Admission
from gateways.sip.ua.context import Context, Network, Transport
from gateways.sip.ua.dispatch import Dispatch
from gateways.sip.ua.event_packages import Sources
from gateways.sip.ua.in_dialog import answer_text
from gateways.sip.ua.invite_client import InviteClient
from gateways.sip.ua.messages import Messenger
from gateways.sip.ua.publications import Publications
from gateways.sip.ua.reception import Reception
from gateways.sip.ua.refer import refused_outside
from gateways.sip.ua.registration import RegistrationDesk
from gateways.sip.ua.session import Input
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.subscriptions import Subscriptions
from gateways.sip.ua.unsolicited import MailboxTeller
from gateways.sip.ua.uplinks import UplinkDesk
from softswitch.calls.restored import RestoredLeg
from softswitch.calls.signals import AnswerText, HangUp, Invitation, LegCommand, Target, TransferProgress
from softswitch.calls.uplinks import Uplink
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.messages import Delivery, TextMessage
from softswitch.kernel.offence import Offence
from softswitch.kernel.watching import Subject
from softswitch.ports.admission import Gatekeeper, Sentry
from softswitch.ports.location import Location
from softswitch.ports.messages import Messages
from softswitch.ports.signalling import SignallingEvents, UplinkEvents
from softswitch.ports.watching import Rosters, Watched

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
        watched: Watched,
        messages: Messages,
        sentry: Sentry | None = None,
        rosters: Rosters | None = None,
        entropy: Callable[[int], bytes],
        wall_ms: Callable[[], int],
    ) -> None:
        self._context = Context(engine, settings, network, entropy)
        self._engine = engine
        self._location = location
        self._wall_ms = wall_ms
        sentry = sentry if sentry is not None else NoSentry()
        admission = Admission(self._context, gatekeeper, sentry, entropy(32))
        self._reception = Reception(self._context, admission)
        desk = RegistrationDesk(self._context, admission, location, wall_ms)
        self._subscriptions = Subscriptions(
            self._context,
            admission,
            Sources(self._context, watched, location, wall_ms, rosters),
            settings.subscriptions,
            MailboxTeller(self._context, watched, location) if settings.unsolicited_mwi else None,
        )
        self._messenger = Messenger(self._context, admission, messages)
        self._publications = Publications(self._context, admission, watched, settings.publications)
        self._uplinks = UplinkDesk(self._context)
        self._engine_deadline: float | None = None
        self.unsettled = False
        """Whether the last `settle` left events for another turn."""
        self._dispatch = Dispatch(
            self._context,
            sentry,
            {
                "INVITE": self._reception.invited,
                "REGISTER": desk.registering,
                "SUBSCRIBE": self._subscriptions.subscribing,
                "PUBLISH": self._publications.publishing,
                "REFER": partial(refused_outside, self._context),
                "MESSAGE": self._messenger.messaging,
            },
        )

    def listen(self, events: SignallingEvents) -> None:
        """Tell `events` what happens from now on."""
        self._reception.events = events
        self._context.trace = events.traced
        self._context.farewells.on_record = events.on_record

    def listen_to_uplinks(self, events: UplinkEvents) -> None:
        """Tell `events` how registrations of ours and probed gateways fare."""
        self._uplinks.events = events

    def refuse_new_calls(self) -> None:
        """From now on a new call gets 503, because the switch is about to stop."""
        self._reception.draining = True

    # For whoever moves the bytes ------------------------------------------------------------------------

    def open_transport(
        self,
        number: int,
        kind: str,
        advertised: HostPort,
        certified: tuple[str, ...] = (),
        inside: HostPort | None = None,
    ) -> None:
        """A UDP socket or a connection is there. `advertised` is where peers reach us: our Via and Contact; `certified`
        whom the certificate is for that the peer has shown; `inside` where hosts of our own networks reach us."""
        self._engine.open_transport(number, kind, str(advertised))  # type: ignore[arg-type]
        self._context.transports[number] = Transport(number, kind, advertised, certified, inside)

    def close_transport(self, number: int, now: float) -> None:
        """It is gone: requests that await a response on it fail, and calls that came by it unanswered end."""
        self._context.now = now
        self._engine.close_transport(number, now)
        transport = self._context.transports.pop(number, None)
        if transport is not None:
            for session in tuple(transport.arrivals):
                session.step(Input.CUT_OFF)
            if transport.registered:
                self._location.flow_failed(number)

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
                self._context.counts["faults"] += 1
                log.exception("a timer could not be handled")

    def settle(self, now: float, flush: Callable[[], None] | None = None, most: int = sys.maxsize) -> list[Transmit]:
        """Handle all that has come about, tell the switch, and give what must be written.

        `flush`, where given, is called before each look at the engine, so that a UDP socket may take its datagrams
        directly. After about `most` events the rest is left for another turn, which `unsettled` tells.
        """
        context, engine = self._context, self._engine
        context.now = now
        transmits: list[Transmit] = []
        while True:
            if context.told:
                self._deliver()
            if context.farewells.waiting or context.farewells.due:
                self._say_farewell()
            if flush is not None:
                flush()
            drained = engine.drain(now, most)
            transmits += drained.transmits
            events = drained.events
            if not events:
                self._engine_deadline = drained.deadline
                self.unsettled = drained.more
                return transmits
            most -= len(events)
            for event in events:
                self.receive_event(event, now)

    def stop_holding(self) -> None:
        """Let the next `settle` say all that waits for a record."""
        self._context.farewells.release_all()

    def deadline(self) -> float | None:
        """When `timeout` is needed, as of the last `settle`."""
        ours, engines = self._context.timers.deadline(), self._engine_deadline
        if ours is None or engines is None:
            return engines if ours is None else ours
        return min(ours, engines)

    def receive_event(self, event: "SipEvent", now: float) -> None:
        """Handle one event of the engine. A fault of ours in it ends one call, and not the switch."""
        context = self._context
        context.now = now
        try:
            self._dispatch.handle(event)
            if context.told:
                self._deliver()
        except Exception:
            self._context.counts["faults"] += 1
            log.exception("an event could not be handled", event_type=type(event).__name__)
            self._dispatch.contain(event)
            self._deliver()

    # For the switch -------------------------------------------------------------------------------------

    def dial(self, leg: LegId, invitation: Invitation, now: float) -> None:
        """Invite a party (`Signalling.dial`)."""
        self._context.now = now
        InviteClient(self._context, leg, invitation).dial()

    def command(self, leg: LegId, command: LegCommand, now: float) -> None:
        """Carry out a command (`Signalling.send`)."""
        context = self._context
        context.now = now
        if type(command) is TransferProgress:
            referral = context.referrals.get(leg)
            if referral is not None:
                referral.progress(command)
            return
        if type(command) is AnswerText:
            answer_text(context, command.reference, command.status)
            return
        if context.referrals and type(command) is HangUp:
            referral = context.referrals.get(leg)
            if referral is not None and referral.hangs_up(command):
                return
        session = context.legs.get(leg)
        if session is None:
            arriving = self._reception.arriving
            if arriving is None or arriving.leg is not None:
                return
            # Commands for a new leg may come before the switch has returned its id.
            session = arriving
            session.named(leg)
        session.command(command)

    def remembered(self, leg: LegId, now: float) -> bytes | None:
        """See `Memory.remembered`."""
        self._context.now = now
        session = self._context.legs.get(leg)
        return restoring.remembered(session, self._wall_ms()) if session is not None else None

    def restore(self, leg: LegId, written: bytes, now: float) -> RestoredLeg:
        """See `Memory.restore`. To be called when the sockets are open."""
        self._context.now = now
        return restoring.restore(self._context, leg, written, self._wall_ms())

    def changed(self, subject: Subject, account: str, now: float) -> None:
        """See `Watchers.changed`."""
        self._context.now = now
        self._subscriptions.changed(subject, account)

    def reachable(self, account: str, now: float) -> None:
        """See `Watchers.reachable`."""
        self._context.now = now
        self._subscriptions.reachable(account)

    def review(self, account: str, now: float) -> None:
        """See `Watchers.review`."""
        self._context.now = now
        self._subscriptions.review(account)

    def unwatch(self, account: str, now: float) -> None:
        """See `Watchers.unwatch`."""
        self._context.now = now
        self._subscriptions.end(account, "noresource")
        self._publications.end(account)

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None], now: float) -> None:
        """See `Courier.deliver`."""
        self._context.now = now
        self._messenger.deliver(target, message, done)

    def dismiss_watchers(self, now: float) -> None:
        """The switch is about to stop: every subscription ends, to be made anew."""
        self._context.now = now
        self._subscriptions.end_all("probation;retry-after=5")

    def keep(self, uplinks: Sequence[Uplink], now: float) -> None:
        """Keep these uplinks up, and no others (`Uplinks.keep`)."""
        self._context.now = now
        self._uplinks.keep(uplinks)

    def gauges(self) -> dict[str, int]:
        """What is held now, and what was counted since the start."""
        context = self._context
        return {
            "sessions": len(context.sessions),
            "subscriptions": len(self._subscriptions),
            "publications": len(self._publications),
            "legs": len(context.legs),
            "referrals": len(context.referrals),
            "client_transactions": len(context.clients),
            "farewells": len(context.farewells),
            "timers": len(context.timers),
            "transports": len(context.transports),
            **context.counts,
        }

    # Inside ---------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        told, events = self._context.told, self._reception.events
        while told:
            leg, signal = told.popleft()
            if events is None:
                continue
            try:
                events.signalled(leg, signal)
            except Exception:
                # The switch's own fault is its own affair: the other legs' signals must still arrive.
                log.exception("a signal could not be handled", leg=leg, signal=type(signal).__name__)

    def _say_farewell(self) -> None:
        context = self._context
        farewells = context.farewells
        if farewells.waiting:
            farewells.hold(context.now)
        if farewells.due:
            due, farewells.due = farewells.due, []
            for transaction, status, headers, to_tag in due:
                context.respond(transaction, status, headers, to_tag=to_tag)


class NoSentry:
    """Nobody keeps an eye on sources."""

    def offended(self, host: str, offence: Offence, detail: str) -> None:
        """See `Sentry`."""

    def challenged(self, host: str, name: str) -> None:
        """See `Sentry`."""

    def proved(self, host: str, name: str) -> None:
        """See `Sentry`."""
