"""REFER (RFC 3515): a party of a call asks for a transfer, and is told by NOTIFY what becomes of it.

The machine of one REFER is its subscription (section 2.4.4): made by our 202, told of each step, and ended by the final
status. It outlives its call: who has sent REFER may hang up at once, and is still told (RFC 5057 section 4.1).
"""

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from gateways._native import NameAddr, RequestReceived, ResponseReceived, SipRequest, SipUri
from gateways.sip.ua.addressing import host_text
from gateways.sip.ua.causes import PHRASES, status_of
from gateways.sip.ua.replaces import Replaces, matched
from gateways.sip.ua.session import Session, State
from softswitch.calls.signals import HangUp, TransferAsked, TransferProgress
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.ids import LegId

if TYPE_CHECKING:
    from gateways.sip.ua.context import Context

SIPFRAG = "message/sipfrag;version=2.0"
LIFETIME = 180
"""Seconds that the subscription is said to last; a ring takes less."""


class Target(NamedTuple):
    """What a Refer-To asks for."""

    number: str
    replaces: Replaces | None


class Referral:
    """One REFER that was taken, until its last NOTIFY."""

    __slots__ = (
        "_context",
        "_event",
        "_farewell",
        "_leg",
        "_sending",
        "_session",
        "_silent",
        "_told",
        "_waiting",
        "over",
    )

    def __init__(self, context: "Context", session: Session, leg: LegId, cseq: int, *, silent: bool) -> None:
        """`silent`: nothing is told (RFC 4488)."""
        self._context = context
        self._session = session
        self._leg = leg
        # Section 2.4.6: the id tells several REFERs of one dialog apart; it is the CSeq number of the REFER.
        self._event = f"refer;id={cseq}"
        self._silent = silent
        self._sending = False
        self._told = 0
        self._waiting = 0
        self._farewell: HangUp | None = None
        """How the switch has hung up, while a NOTIFY awaits its response: the BYE must not overtake it."""
        self.over = False
        context.referrals[leg] = self

    def progress(self, progress: TransferProgress) -> None:
        """The switch tells how it goes. After a final status there is nothing more."""
        status = progress.status or status_of(progress.cause)
        if self.over:
            return
        if status >= 200:
            self.over = True
        if not self._silent and status > max(self._told, self._waiting):
            self._waiting = status
            if not self._sending:
                self._notify()
        self._rest()

    def hangs_up(self, command: HangUp) -> bool:
        """The switch hangs up: whether that waits, because a NOTIFY is on its way."""
        if self._sending:
            self._farewell = command
        return self._sending

    def _rest(self) -> None:
        """Leave the table when all is told."""
        context, leg = self._context, self._leg
        if self._sending:
            return
        if self.over and context.referrals.get(leg) is self:
            del context.referrals[leg]
        farewell, self._farewell = self._farewell, None
        session = context.legs.get(leg)
        if farewell is not None and session is not None:
            session.command(farewell)

    def _notify(self) -> None:
        """Send what waits; one at a time, so that they arrive in order."""
        status, self._waiting = self._waiting, 0
        self._told, self._sending = status, True
        state = f"active;expires={LIFETIME}"
        if status >= 200:
            # Section 2.4.7: "the notifier MUST [...] terminate the subscription"; `noresource`: there is no more.
            state = "terminated;reason=noresource"
        dialog, context = self._session.dialog, self._context
        headers = [
            ("Event", self._event),
            ("Subscription-State", state),
            self._session.contact(),
            ("Content-Type", SIPFRAG),
            context.product,
        ]
        line = f"{status} {PHRASES.get(status, 'Unknown')}"
        context.trace(self._leg, "out", f"NOTIFY (refer: {line})")
        context.request_in(dialog, "NOTIFY", headers, f"SIP/2.0 {line}\r\n".encode(), self._notified)

    def _notified(self, event: ResponseReceived | None, failure: str) -> None:
        if event is not None and event.response.status < 200:
            return
        self._sending = False
        if event is None or event.response.status >= 300:
            # RFC 6665 section 4.2.2: a NOTIFY that is refused or unanswered ends the subscription.
            self._silent = True
            self._waiting = 0
        if self._waiting:
            self._notify()
        self._rest()


def refer(context: "Context", session: Session, event: RequestReceived) -> None:
    """A REFER inside a call's dialog; its sequence number is in order."""
    request, leg = event.request, session.leg
    if leg is None or session.state not in (State.ESTABLISHED, State.ANSWERED):
        session.respond(event.transaction, 481, "REFER")
        return
    if leg in context.referrals:
        session.respond(event.transaction, 491, "REFER")
        return
    try:
        target = _target(context, session, request)
    except RemoteProtocolError as error:
        context.respond(event.transaction, error.status_hint, reason=str(error), to_tag=session.dialog.local_tag)
        return
    replaced = None
    if target.replaces is not None:
        other = matched(context, target.replaces)
        replaced = other.leg if other is not None else None
        if replaced is None:
            session.respond(event.transaction, 481, "REFER")
            return
    # RFC 4488 section 4: with "Refer-Sub: false" there is no subscription, and our 2xx says that we do so.
    wanted = request.header("Refer-Sub")
    silent = wanted is not None and wanted.partition(";")[0].strip().lower() == "false"
    headers = [session.contact()]
    if silent:
        headers.append(("Refer-Sub", "false"))
    session.respond(event.transaction, 202, "REFER", *headers)
    referral = Referral(context, session, leg, request.cseq, silent=silent)
    # Section 2.4.4: "[...] MUST immediately send a NOTIFY".
    referral.progress(TransferProgress(100))
    # Its Referred-By (RFC 3892) is not read: the target is told the account that the dialog is of, which is proved.
    session.tell(TransferAsked(target.number, replaced))


def refused_outside(context: "Context", event: RequestReceived) -> None:
    """A REFER outside a dialog would have us call somebody for nobody's call."""
    context.respond(event.transaction, 403, reason="REFER only inside a call")


def _target(context: "Context", session: Session, request: SipRequest) -> Target:
    """What the one Refer-To asks for. Raises RemoteProtocolError."""
    values = request.headers("Refer-To")
    if len(values) != 1:
        # Section 2.4.2: "a REFER request containing zero or more than one Refer-To [...] 400"
        raise RemoteProtocolError("One Refer-To is needed", 400)
    address = NameAddr.parse(values[0])
    # A Refer-To without angle brackets cannot hold a question mark (RFC 3261 section 20), and some write it so.
    text, _, asked = (address.uri if address is not None else "").partition("?")
    uri = SipUri.parse(text)
    if uri is None:
        raise RemoteProtocolError("Bad Refer-To", 400)
    if (uri.param("method") or "INVITE").upper() != "INVITE":
        raise RemoteProtocolError("Refer-To with another method than INVITE", 403)
    replaces = None
    for header in asked.split("&") if asked else ():
        name, _, value = header.partition("=")
        if name.lower() == "replaces":
            replaces = Replaces.parse(unquote(value))
            if replaces is None:
                raise RemoteProtocolError("Bad Replaces in Refer-To", 400)
    if replaces is None:
        if not uri.user:
            raise RemoteProtocolError("Refer-To names no number", 404)
        if uri.scheme != "tel" and host_text(uri.host).lower() not in _our_hosts(context, session):
            raise RemoteProtocolError("Refer-To leads to another domain", 403)
    return Target(uri.user or "", replaces)


def _our_hosts(context: "Context", session: Session) -> set[str]:
    """The hosts that mean us: our own names, and what the party calls us in this call."""
    hosts = {context.settings.host.lower(), context.settings.realm.lower()}
    own = [transport.contact[1] for transport in context.transports.values()]
    for value in (*own, session.dialog.local):
        address = NameAddr.parse(value)
        uri = SipUri.parse(address.uri) if address is not None else None
        if uri is not None:
            hosts.add(host_text(uri.host).lower())
    return hosts
