"""INVITE sessions: what a leg that called us and a leg that we called have in common.

A session is a table `(state, input) → (action, next state)`. Inputs are the switch's commands, by their type, and
what comes from the wire, by `Input`. An action may choose another next state than the table's where only the
message itself tells; it does so by setting `state`.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, ClassVar

from gateways._native import Cancelled, RequestReceived, ResponseReceived, SessionDescription, SipResponse
from gateways.sip.ua.addressing import escaped_user
from gateways.sip.ua.causes import cause_said, reason_of
from gateways.sip.ua.context import Context, status_line
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.farewells import Farewell
from gateways.sip.ua.offer_exchange import OfferExchange
from gateways.sip.ua.requests import described_body
from gateways.sip.ua.sdes import Sdes
from gateways.sip.ua.sdp import LocalDescription
from gateways.sip.ua.session_timer import SessionTimer, Terms, granted
from softswitch.calls.signals import (
    AcceptOffer,
    AskPicture,
    BecomeFocus,
    Confirm,
    Ended,
    HangUp,
    LegCommand,
    LegSignal,
    Offer,
    OfferRefused,
    RefuseOffer,
    SendDigit,
    SendText,
    TextAnswered,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import LocalProtocolError, RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription, Srtp


class State(IntEnum):
    """How far a session is."""

    RESOLVING = 1
    """Dialling: the next hop's name is being looked up."""
    CALLING = 2
    """Dialling: our INVITE has no final response."""
    CANCELLING = 3
    """We gave up dialling; the final response is still due, and may be a 2xx."""
    UNCONFIRMED = 4
    """Their 2xx holds an offer; the switch has not answered it, so there is no ACK yet."""
    OFFERED = 5
    """Called: we have given no final response."""
    ANSWERED = 6
    """Called: our 2xx awaits its ACK."""
    LEAVING = 7
    """Called: hung up before the ACK, which a BYE must await."""
    ESTABLISHED = 8
    CLEARING = 9
    """Our BYE awaits its response."""
    GONE = 10


class Input(IntEnum):
    """What comes from the wire and the timers."""

    PROVISIONAL = 1
    SUCCESS = 2
    FAILURE = 3
    LOST = 4
    """No final response came, or the transport failed."""
    CANCELLED = 5
    ACK = 6
    BYE = 7
    INVITE = 8
    BYE_DONE = 9
    UNHEARD = 10
    """No ACK came for our 2xx."""
    RESOLVED = 11
    UNRESOLVED = 12
    CUT_OFF = 13
    """The connection that an unanswered call came by is gone."""


Action = Callable[[Any, Any], None] | None
Table = Mapping[tuple[State, type[LegCommand] | Input], tuple[Action, State]]


DTMF_RELAY = "application/dtmf-relay"
MEDIA_CONTROL = "application/media_control+xml"
FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?><media_control><vc_primitive><to_encoder><picture_fast_update/>'
    b"</to_encoder></vc_primitive></media_control>"
)


class Session:
    """One leg's SIP. The subclasses set it up; from then on both are alike."""

    __slots__ = (
        "context",
        "dialog",
        "exchange",
        "focus",
        "leg",
        "owns_call_id",
        "peer_updates",
        "remote_media",
        "sdp",
        "state",
        "timer",
    )

    table: ClassVar[Table]

    def __init__(self, context: Context, dialog: Dialog, state: State, *, owns_call_id: bool) -> None:
        self.context = context
        self.dialog = dialog
        self.state = state
        self.leg: LegId | None = None
        """None before the switch has named it, and after it has ended."""
        self.sdp = LocalDescription(next(context.session_ids))
        if context.vicinity is not None:
            self.sdp.renamed = context.vicinity.media_seen_from(dialog.peer[0])
        self.focus = ""
        """The conference room that the party is in; empty: it is in none."""
        self.exchange: OfferExchange | None = None
        """Made by the first re-INVITE: most calls never have one."""
        self.owns_call_id = owns_call_id
        self.timer: SessionTimer | None = None
        self.peer_updates = False
        """Whether the party is known to take UPDATE."""
        self.remote_media: MediaDescription | None = None
        """What the party last said of itself and was agreed to: an offer of the same again is only a refresh."""
        context.sessions[dialog.local_tag] = self

    def is_dialog(self, call_id: str, remote_tag: str) -> bool:
        """Whether this is the dialog, perhaps an early one, that somebody names (RFC 3891 section 3)."""
        return self.dialog.call_id == call_id and self.dialog.remote_tag == remote_tag

    def command(self, command: LegCommand) -> None:
        """Carry out a command. Raises LocalProtocolError when the state does not allow it."""
        if not self.step(type(command), command):
            raise LocalProtocolError(f"{type(command).__name__} in state {self.state.name.lower()}")

    def step(self, what: type[LegCommand] | Input, argument: object = None) -> bool:
        """One step of the table; False when it has none for this input."""
        entry = self.table.get((self.state, what))
        if entry is None:
            return False
        action, self.state = entry
        if action is not None:
            action(self, argument)
        return True

    @property
    def party_tag(self) -> str:
        """The party's own tag in the dialog; empty before it has told one."""
        return self.dialog.remote_tag

    # What the steps are made of -------------------------------------------------------------------------

    def contact(self) -> tuple[str, str]:
        """Our Contact for the party. RFC 4579 section 5.1: a focus "MUST include the "isfocus" feature parameter",
        and its URI is the conference's."""
        dialog = self.dialog
        contact = self.context.contact(dialog.transport, dialog.peer[0])
        if not self.focus:
            return contact
        return contact[0], f"{contact[1].replace('<sip:', f'<sip:{escaped_user(self.focus)}@', 1)};isfocus"

    def tell(self, signal: LegSignal) -> None:
        """A signal to the switch; nothing is told of a leg that has ended."""
        if self.leg is not None:
            self.context.told.append((self.leg, signal))

    def trace(self, direction: str, what: str) -> None:
        if self.leg is not None:
            self.context.trace(self.leg, direction, what)

    def agreed(self, theirs: MediaDescription | None) -> None:
        """An offer and its answer are done."""
        self.sdp.agreed = self.sdp.said
        if theirs is not None:
            self.remote_media = theirs
        if self.sdp.sdes is not None and self.remote_media is not None:
            self.sdp.sdes.agreed = self.remote_media.security
        if self.sdp.lines is not None and self.remote_media is not None:
            self.sdp.lines.agreed(self.remote_media)

    def protect(self, policy: Srtp) -> None:
        """Whether the leg's sound is to be encrypted."""
        if policy is not Srtp.OFF:
            self.sdp.sdes = Sdes(policy, self.context.tokens.key)

    def described(self, theirs: SessionDescription | None, *, answering: bool = False) -> MediaDescription | None:
        """What the party's description says; None: there is none. Raises RemoteProtocolError as `sdp.described`."""
        return self.sdp.described(theirs, answering=answering) if theirs is not None else None

    def timed(self, terms: Terms | None) -> None:
        """A 2xx to an INVITE or UPDATE has settled the session timer anew; None: there is none (RFC 4028). Before the
        first 2xx to the INVITE there is nothing to time."""
        if self.state not in (State.ESTABLISHED, State.ANSWERED, State.UNCONFIRMED):
            return
        if self.timer is not None:
            if terms is not None:
                self.timer.restart(terms)
            else:
                self.timer.stop()
                self.timer = None
        elif terms is not None and self.leg is not None:
            self.timer = SessionTimer(self, terms)

    @property
    def acknowledges(self) -> int | None:
        """See `OfferExchange.acknowledges`."""
        return self.exchange.acknowledges if self.exchange is not None else None

    @property
    def terms(self) -> Terms | None:
        """The session timer that holds."""
        return self.timer.terms if self.timer is not None else None

    @property
    def early(self) -> bool:
        """Whether the first INVITE has no final response yet."""
        return self.state in (State.CALLING, State.OFFERED)

    def open_offer(self) -> int:
        """Whose offer of the first INVITE is not answered yet, as the status that a new one meets: 500 (theirs), 491
        (ours) or 0 (RFC 3311 section 5.2)."""
        return 0

    def acknowledged_early(self, rack: str | None) -> bool:
        """A PRACK: whether there is a provisional response of ours that it acknowledges (RFC 3262)."""
        return False

    def go_on_early(self) -> None:
        """A PRACK has been answered: what it was awaited for may go on."""

    def end(
        self,
        cause: Cause,
        *,
        by_party: bool,
        status: int | None = None,
        contacts: tuple[str, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        """Tell the switch that the leg is over: once, whatever follows on the wire."""
        if self.timer is not None:
            self.timer.stop()
            self.timer = None
        leg = self.leg
        if leg is not None:
            self.context.told.append((leg, Ended(cause, by_party, status, contacts, retry_after)))
            self.context.legs.pop(leg, None)
            self.leg = None

    def forget(self, _: object = None) -> None:
        """Nothing more can come: leave the tables."""
        self.state = State.GONE
        if self.exchange is not None:
            self.exchange.close()
            self.exchange.forget()
        self.context.sessions.pop(self.dialog.local_tag, None)

    def respond(self, transaction: int, status: int, method: str, *headers: tuple[str, str]) -> None:
        self.trace("out", status_line(status, method))
        if self.dialog.session_id is not None:
            headers = (*headers, self.dialog.session_id)
        self.context.respond(transaction, status, headers, to_tag=self.dialog.local_tag)

    def part(self, transaction: int, status: int, method: str, *headers: tuple[str, str]) -> None:
        """Answer what ends the leg, once its end is on record."""
        self.trace("out", status_line(status, method))
        if self.dialog.session_id is not None:
            headers = (*headers, self.dialog.session_id)
        self.context.farewells.waiting.append(Farewell(transaction, status, headers, self.dialog.local_tag))

    def clear(self, cause: Cause, *, by_party: bool, status: int | None = None) -> None:
        """Something is wrong with an established leg: end it on the wire and above."""
        self.say_bye(cause)
        self.end(cause, by_party=by_party, status=status)

    def say_bye(self, cause: Cause, *, elsewhere: bool = False) -> None:
        """Send BYE (RFC 3261 section 15.1.1) and await its response."""
        dialog, context = self.dialog, self.context
        self.state = State.CLEARING
        if self.exchange is not None:
            self.exchange.close()
        headers = [("Reason", reason_of(cause, elsewhere)), context.product]
        self.trace("out", f"BYE {dialog.remote_target}")
        context.request_in(dialog, "BYE", headers, b"", self.bye_answered)

    def bye_answered(self, event: ResponseReceived | None, failure: str) -> None:
        # "If the response is a 481 or a 408 or no response at all is received, the UAC MUST consider the session and
        # the dialog terminated": as with every other final response.
        if event is None or event.response.status >= 200:
            self.step(Input.BYE_DONE)

    # Actions of the established leg ---------------------------------------------------------------------

    def hang_up(self, command: HangUp) -> None:
        self.say_bye(command.cause, elsewhere=command.elsewhere)
        self.end(command.cause, by_party=False)

    def bye_done(self, _: object) -> None:
        self.forget()

    def cleared(self, event: RequestReceived) -> None:
        """The party's BYE."""
        cause = cause_said(event.request.header("Reason")) or Cause.NORMAL_CLEARING
        self.part(event.transaction, 200, "BYE")
        if self.exchange is not None:
            self.exchange.close()
        self.end(cause, by_party=True)
        self.forget()

    def cleared_twice(self, event: RequestReceived) -> None:
        """Their BYE crossed ours: it is answered, and ours still awaits its response."""
        self.part(event.transaction, 200, "BYE")

    def refuse_invite(self, event: RequestReceived) -> None:
        """An INVITE inside a dialog that is ending."""
        self.context.respond(event.transaction, 481)

    def send_digit(self, command: SendDigit) -> None:
        """A key by INFO."""
        body = f"Signal={command.digit}\r\nDuration={command.duration_ms}\r\n".encode()
        self._inform(DTMF_RELAY, body, command.digit)

    def ask_picture(self, command: AskPicture) -> None:
        """RFC 5168 section 5."""
        self._inform(MEDIA_CONTROL, FAST_UPDATE, "picture fast update")

    def become_focus(self, command: BecomeFocus) -> None:
        """The party is in a conference: what is said next tells it so."""
        self.focus = command.room

    def show_focus(self, command: BecomeFocus) -> None:
        """The party is in a conference, and is told at once, by the Contact of a request that changes nothing else."""
        if self.focus == command.room:
            return
        self.focus = command.room
        if not self.peer_updates:
            self.exchanging().refresh()
        else:
            self.update(self._focus_shown)

    def update(self, answered: Callable[[ResponseReceived | None, str], None]) -> None:
        """An UPDATE without an offer: it says our Contact again, and refreshes the session where that is timed."""
        uri, headers = self.dialog.request("UPDATE", self.dialog.next_cseq())
        headers += [self.contact(), self.context.supported, self.context.product]
        if self.terms is not None:
            headers.append(self.terms.in_request())
        self.trace("out", f"UPDATE {uri}")
        self.context.request(self.context.way(self.dialog), "UPDATE", uri, headers, b"", answered)

    def _focus_shown(self, event: ResponseReceived | None, failure: str) -> None:
        # Whoever refuses it talks on all the same.
        if event is not None and 200 <= event.response.status < 300 and self.leg is not None:
            self.dialog.refresh_target(event.response.header("Contact"))
            self.timed(granted(event.response))

    def _inform(self, kind: str, body: bytes, what: str) -> None:
        self.trace("out", f"INFO ({what})")
        self.context.request_in(self.dialog, "INFO", [("Content-Type", kind), self.context.product], body, _whatever)

    def offer(self, command: Offer) -> None:
        self.exchanging().offer(command.media, at_once=command.at_once)

    def accept_offer(self, command: AcceptOffer) -> None:
        self.exchanging().accept(command.media)

    def refuse_offer(self, command: RefuseOffer) -> None:
        self.exchanging().refuse(command)

    def confirm(self, command: Confirm) -> None:
        self.exchanging().confirm(command.media)

    def reinvited(self, event: RequestReceived) -> None:
        self.exchanging().invited(event)

    def acknowledged_later(self, event: RequestReceived) -> None:
        """An ACK after the first: a re-INVITE's, or the first one's again."""
        if self.exchange is not None:
            self.exchange.acknowledged(event.request)

    def reinvite_withdrawn(self, event: Cancelled) -> None:
        """A CANCEL of a re-INVITE."""
        if self.exchange is not None:
            self.exchange.withdrawn(event.transaction)

    def established(self) -> None:
        """The first exchange of offer and answer is done."""
        if self.exchange is not None:
            self.exchange.established()

    def offer_later(self, command: Offer) -> None:
        """An offer while the first exchange is not done yet waits for that."""
        self.exchanging().hold_back(command.media)

    def declined(self, response: SipResponse) -> bytes:
        """An answer to the offer in a 2xx, for an ACK after which nothing comes but BYE."""
        try:
            return self.sdp.decline(described_body(response))
        except RemoteProtocolError:
            return b""

    def send_text(self, command: SendText) -> None:
        """A message of the other party."""

        def answered(event: ResponseReceived | None, failure: str) -> None:
            if event is None or event.response.status >= 200:
                self.tell(TextAnswered(command.reference, event.response.status if event is not None else 408))

        self.trace("out", "MESSAGE")
        headers = [self.context.product, ("Content-Type", command.content_type)]
        try:
            self.context.request_in(self.dialog, "MESSAGE", headers, command.body, answered)
        except ValueError:
            # The engine prints no line breaks into a header: someone wrote one into the type.
            self.tell(TextAnswered(command.reference, 400))

    def text_too_early(self, command: SendText) -> None:
        """A message before the party has acknowledged its answer, or we have."""
        self.tell(TextAnswered(command.reference, 480))

    def offer_early(self, command: Offer) -> None:
        """An offer before the first INVITE's final response: by UPDATE, where there is an early dialog with a first
        answer and the party takes it; else it is not the time."""
        if self.open_offer() == 0 and self.peer_updates:
            self.exchanging().offer(command.media, at_once=True)
        else:
            self.tell(OfferRefused(Cause.INTERWORKING, 491))

    def exchanging(self) -> OfferExchange:
        if self.exchange is None:
            self.exchange = OfferExchange(self)
        return self.exchange


ESTABLISHED: Table = {
    (State.ESTABLISHED, HangUp): (Session.hang_up, State.CLEARING),
    (State.ESTABLISHED, Offer): (Session.offer, State.ESTABLISHED),
    (State.ESTABLISHED, AcceptOffer): (Session.accept_offer, State.ESTABLISHED),
    (State.ESTABLISHED, RefuseOffer): (Session.refuse_offer, State.ESTABLISHED),
    (State.ESTABLISHED, Confirm): (Session.confirm, State.ESTABLISHED),
    (State.ESTABLISHED, SendDigit): (Session.send_digit, State.ESTABLISHED),
    (State.ESTABLISHED, AskPicture): (Session.ask_picture, State.ESTABLISHED),
    (State.ESTABLISHED, SendText): (Session.send_text, State.ESTABLISHED),
    (State.ESTABLISHED, BecomeFocus): (Session.show_focus, State.ESTABLISHED),
    (State.ESTABLISHED, Input.INVITE): (Session.reinvited, State.ESTABLISHED),
    (State.ESTABLISHED, Input.CANCELLED): (Session.reinvite_withdrawn, State.ESTABLISHED),
    (State.ESTABLISHED, Input.ACK): (Session.acknowledged_later, State.ESTABLISHED),
    (State.ESTABLISHED, Input.BYE): (Session.cleared, State.GONE),
    (State.CLEARING, Input.BYE): (Session.cleared_twice, State.CLEARING),
    (State.CLEARING, Input.INVITE): (Session.refuse_invite, State.CLEARING),
    (State.CLEARING, Input.BYE_DONE): (Session.bye_done, State.GONE),
}
"""The part of the table that both kinds of session share."""


def _whatever(event: ResponseReceived | None, failure: str) -> None:
    """A key that a party does not take is lost, as it would be in the sound."""
