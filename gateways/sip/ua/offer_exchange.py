"""Offers and answers after the first: by re-INVITE (RFC 3261 section 14) and by UPDATE (RFC 3311), both ways."""

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from gateways._native import RequestReceived, ResponseReceived, SessionDescription, SipRequest, SipResponse
from gateways.sip.ua import sdp
from gateways.sip.ua.asked import Asked, read
from gateways.sip.ua.causes import cause_of, offer_refusal
from gateways.sip.ua.context import status_line
from gateways.sip.ua.pending_answer import PendingAnswer
from gateways.sip.ua.requests import described_body, retry_after
from gateways.sip.ua.session_timer import granted
from gateways.sip.ua.timers import Timer
from softswitch.calls.signals import Confirmed, OfferAnswered, Offered, OfferRefused, OfferWithdrawn, RefuseOffer
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import LocalProtocolError, RemoteProtocolError
from softswitch.kernel.media import MediaDescription

if TYPE_CHECKING:
    from gateways.sip.ua.session import Session


class Turn(IntEnum):
    """Whose offer is open."""

    NONE = 1
    OURS = 2
    """Our INVITE has no final response."""
    TO_CONFIRM = 3
    """Their 2xx holds the offer that our INVITE asked for; the switch owes the answer, which goes in the ACK."""
    THEIRS = 4
    """Their INVITE awaits the switch's reply."""
    ACCEPTED = 5
    """Our 2xx awaits its ACK."""


class Wanted(NamedTuple):
    """An offer of ours."""

    media: MediaDescription | None
    """None: the party is to offer."""
    at_once: bool = False
    """By UPDATE where the party takes it, since whoever asked for it will not wait for long."""
    refresh: bool = False
    """Ours alone, to keep the session timer going: the switch knows nothing of it."""


class OfferExchange:
    """One exchange at a time on one session. A failure leaves the session as it was."""

    __slots__ = (
        "_ack",
        "_answer",
        "_asked",
        "_backoff",
        "_cseq",
        "_offered",
        "_offering",
        "_ours",
        "_session",
        "_turn",
        "_unanswered",
        "_waiting",
    )

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._turn = Turn.NONE
        self._cseq = 0
        """Of our request under way, or of the last one."""
        self._ours = 0
        """The transaction of our request."""
        self._asked: Asked | None = None
        """Theirs."""
        self._offering: SessionDescription | None = None
        """The offer that their 2xx brought."""
        self._offered = Wanted(None)
        """What our request under way offers."""
        self._ack: tuple[int, bytes] | None = None
        """The last ACK of ours, for when its 2xx comes again."""
        self._answer: PendingAnswer | None = None
        self._waiting: Wanted | None = None
        """An offer of ours that must wait: for their exchange to end, or after a glare."""
        self._backoff: Timer | None = None
        self._unanswered = False
        """Whether the session ended while our INVITE had no final response."""

    # Our offers -----------------------------------------------------------------------------------------

    def offer(self, media: MediaDescription | None, *, at_once: bool = False) -> None:
        """The switch wants to change the sound."""
        busy = self._turn in (Turn.OURS, Turn.TO_CONFIRM) and not self._offered.refresh
        if busy or (self._waiting is not None and not self._waiting.refresh):
            raise LocalProtocolError("an offer while one of ours is open")
        self._waiting = Wanted(media, at_once)
        self._go_on()

    def refresh(self) -> None:
        """Repeat what was agreed, for the session timer. An exchange under way is a refresh itself."""
        if self._turn is Turn.NONE and self._waiting is None:
            self._waiting = Wanted(self._session.sdp.agreed, refresh=True)
            self._go_on()

    def hold_back(self, media: MediaDescription | None) -> None:
        """Keep an offer until the session is established; then `established` sends it."""
        if self._waiting is not None:
            raise LocalProtocolError("an offer while one of ours is open")
        self._waiting = Wanted(media)

    def established(self) -> None:
        """The first offer and answer are done."""
        self._go_on()

    def confirm(self, media: MediaDescription) -> None:
        """The switch answers the offer that their 2xx brought."""
        session, theirs = self._session, self._offering
        if self._turn is not Turn.TO_CONFIRM or theirs is None:
            raise LocalProtocolError("Confirm without an offer to answer")
        try:
            body = session.sdp.answer(theirs, media)
        except ValueError:
            self._acknowledge(session.sdp.decline(theirs))
            self._turn = Turn.NONE
            session.clear(Cause.INCOMPATIBLE_DESTINATION, by_party=False)
            return
        self._acknowledge(body)
        session.agreed(session.described(theirs))
        self._rest()

    def _go_on(self) -> None:
        """Send the offer that waits, if nothing stands against it."""
        if self._waiting is None or self._turn is not Turn.NONE or self._backoff is not None:
            return
        wanted, self._waiting = self._waiting, None
        if wanted.media is not None and self._session.sdp.forbids(wanted.media):
            self._session.tell(OfferRefused(Cause.INCOMPATIBLE_DESTINATION, 488))
            return
        self._turn, self._offered = Turn.OURS, wanted
        self._send()

    def _send(self) -> None:
        """Send the offer of the turn that is ours."""
        session, wanted = self._session, self._offered
        context, dialog = session.context, session.dialog
        quick = session.peer_updates and wanted.media is not None and (wanted.at_once or session.early)
        method = "UPDATE" if quick else "INVITE"
        self._cseq = dialog.next_cseq()
        uri, headers = dialog.request(method, self._cseq)
        headers += [
            session.contact(),
            context.allow,
            context.supported,
            context.product,
        ]
        if session.terms is not None:
            headers.append(session.terms.in_request())
        body = b""
        if wanted.media is not None:
            body = session.sdp.offer(wanted.media)
            headers.append(("Content-Type", sdp.MIME))
        session.trace("out", f"{method} {uri}")
        context.clients.pop(self._ours, None)
        self._ours = context.request(context.way(dialog), method, uri, headers, body, self._answered)

    def _answered(self, event: ResponseReceived | None, failure: str) -> None:
        session = self._session
        if event is None:
            if self._turn is Turn.OURS:
                # RFC 3261 section 8.1.3.1: as if 408 or 503 had come.
                self._refused(408 if failure == "timeout" else 503, None)
            return
        response = event.response
        status, method = response.status, response.method
        if status < 200:
            return
        if response.cseq != self._cseq or self._turn is not Turn.OURS:
            if method == "INVITE" and status < 300:
                self._acknowledge_late(response)
            return
        session.trace("in", f"{status} {response.reason} ({method})")
        if status >= 300:
            if session.dialog.challenged(response):
                self._send()
            else:
                self._refused(status, response)
            return
        session.dialog.refresh_target(response.header("Contact"))
        session.timed(granted(response))
        try:
            theirs = described_body(response)
            media = session.described(theirs, answering=self._offered.media is not None)
        except RemoteProtocolError:
            self._acknowledge(b"", method)
            session.clear(Cause.PROTOCOL_ERROR, by_party=True, status=status)
            return
        if self._offered.media is not None:
            self._acknowledge(b"", method)
            self._answered_with(media)
            self._rest()
        elif media is None:
            # We asked for an offer and there is none: nothing can be answered.
            self._acknowledge(b"")
            session.clear(Cause.PROTOCOL_ERROR, by_party=True, status=status)
        else:
            self._turn, self._offering = Turn.TO_CONFIRM, theirs
            session.tell(OfferAnswered(media))

    def _answered_with(self, media: MediaDescription | None) -> None:
        """An offer of ours is accepted."""
        session = self._session
        known = session.remote_media
        session.agreed(media)
        if not self._offered.refresh:
            session.tell(OfferAnswered(media))
        elif media is not None and media != known and self._waiting is None:
            # Nothing was to change, and it answers otherwise than before: sound must follow all the same.
            session.tell(OfferAnswered(media))

    def _acknowledge_late(self, response: SipResponse) -> None:
        """A 2xx that comes again, or after its session has ended."""
        session = self._session
        if self._ack is not None and self._ack[0] == response.cseq:
            session.context.acknowledge(session.dialog, *self._ack)
        elif session.leg is None:
            # It crossed our BYE: acknowledged all the same, so that it is not sent for half a minute.
            self._cseq = response.cseq
            self._acknowledge(b"" if self._offered.media is not None else session.declined(response))

    @property
    def ours_is_open(self) -> bool:
        """Whether the party may have taken an offer of ours that nobody else knows to be agreed."""
        return self._turn in (Turn.OURS, Turn.TO_CONFIRM) and not self._offered.refresh

    @property
    def acknowledges(self) -> int | None:
        """The number of our last INVITE that may have to be acknowledged, without a word, by who comes after us; None:
        there is none."""
        if self._turn is Turn.OURS:
            return self._cseq if self._offered.media is not None else None
        return self._ack[0] if self._ack is not None and not self._ack[1] else None

    @property
    def theirs_is_open(self) -> bool:
        """Whether an offer of theirs has no answer yet."""
        return self._turn is Turn.THEIRS

    def said_in_ack(self, cseq: int) -> bytes:
        """The body of our ACK to the 2xx of an earlier re-INVITE, as far back as it is remembered: the same ACK goes
        out whenever that 2xx comes again (RFC 3261 section 13.2.2.4)."""
        return self._ack[1] if self._ack is not None and self._ack[0] == cseq else b""

    def _acknowledge(self, body: bytes, method: str = "INVITE") -> None:
        if method != "INVITE":
            return
        self._ack = (self._cseq, body)
        self._session.trace("out", "ACK")
        self._session.context.acknowledge(self._session.dialog, self._cseq, body)

    def _refused(self, status: int, response: SipResponse | None) -> None:
        session = self._session
        offered = self._offered
        self._turn = Turn.NONE
        if status in (408, 481) and not session.early:
            # Section 12.2.1.2: the dialog is gone, "the UAC SHOULD terminate the dialog": by BYE.
            session.clear(cause_of(status), by_party=status == 481, status=status)
        elif status == 491:
            # Section 14.1: who owns the Call-ID waits longer, so that the two do not meet again.
            low, high = (2.1, 4.0) if session.owns_call_id else (0.0, 2.0)
            self._waiting = self._waiting or offered
            context = session.context
            self._backoff = context.timers.set(context.now + context.tokens.between(low, high), self._try_again)
        elif offered.refresh:
            if session.timer is not None:
                session.timer.refused(response)
            self._go_on()
        else:
            session.tell(OfferRefused(cause_of(status), status))
            self._go_on()

    def _try_again(self) -> None:
        self._backoff = None
        self._go_on()

    # Their offers ---------------------------------------------------------------------------------------

    def invited(self, event: RequestReceived) -> None:
        """Their re-INVITE; its sequence number is in order."""
        if self._stands_against(event, "INVITE"):
            return
        if self._answer is not None:
            # It can only know of our answer from the 2xx whose ACK went missing.
            self._answer.acknowledged()
            self._answer = None
        self._turn = Turn.NONE
        self._ask(event)

    def updated(self, event: RequestReceived) -> None:
        """Their UPDATE with an offer; its sequence number is in order."""
        if not self._stands_against(event, "UPDATE"):
            self._ask(event)

    def _stands_against(self, event: RequestReceived, method: str) -> bool:
        """Refuse an offer that meets one which is not answered yet (RFC 3261 section 14.2, RFC 3311 section 5.2)."""
        session, turn = self._session, self._turn
        first = session.open_offer()
        if turn in (Turn.OURS, Turn.TO_CONFIRM) or (turn is Turn.ACCEPTED and self._we_offered) or first == 491:
            session.respond(event.transaction, 491, method)
        elif turn is Turn.THEIRS or first == 500 or (turn is Turn.ACCEPTED and method == "UPDATE"):
            # 500 with a Retry-After of 0 to 10 seconds while the first has no final response; the ACK that an UPDATE
            # has overtaken will be here by then.
            session.respond(event.transaction, 500, method, retry_after(session.context))
        else:
            return False
        return True

    @property
    def _we_offered(self) -> bool:
        """Whether the open 2xx of ours is an offer, so that its ACK brings the answer."""
        return self._asked is not None and self._asked.theirs is None

    def _ask(self, event: RequestReceived) -> None:
        session = self._session
        asked = read(session, event)
        if asked is None:
            return
        self._turn, self._asked = Turn.THEIRS, asked
        if asked.media is not None and asked.media == session.remote_media and session.sdp.agreed is not None:
            # Nothing changes: a refresh (RFC 4028 section 7.4), which is between this party and us.
            self.accept(session.sdp.agreed)
            return
        if asked.method == "INVITE":
            session.context.servers[asked.transaction] = session
        session.tell(Offered(asked.media, asked.method != "INVITE"))

    def accept(self, media: MediaDescription) -> None:
        """The switch's reply: our 2xx. After their CANCEL it comes too late, and does nothing."""
        session, context, asked = self._session, self._session.context, self._asked
        if self._turn is not Turn.THEIRS or asked is None:
            return
        context.servers.pop(asked.transaction, None)
        try:
            body = session.sdp.offer(media) if asked.theirs is None else session.sdp.answer(asked.theirs, media)
        except ValueError:
            session.respond(asked.transaction, 488, asked.method)
            session.tell(OfferWithdrawn())
            self._rest()
            return
        headers = [session.contact(), context.allow, ("Content-Type", sdp.MIME), *asked.terms_said]
        if session.dialog.session_id is not None:
            headers.append(session.dialog.session_id)
        session.trace("out", status_line(200, asked.method))
        session.timed(asked.terms)
        if asked.theirs is not None:
            session.agreed(asked.media)
        tag = session.dialog.local_tag
        if asked.method == "INVITE":
            self._turn = Turn.ACCEPTED
            self._answer = PendingAnswer(context, asked.transaction, headers, body, tag, self._unheard)
        else:
            context.respond(asked.transaction, 200, headers, body, to_tag=tag)
            self._rest()

    def refuse(self, command: RefuseOffer) -> None:
        """The switch's other reply; too late after their CANCEL, as `accept`."""
        asked = self._asked
        if self._turn is Turn.THEIRS and asked is not None:
            self._session.context.servers.pop(asked.transaction, None)
            self._session.respond(asked.transaction, offer_refusal(command.cause, command.status), asked.method)
            self._rest()

    def withdrawn(self, transaction: int) -> None:
        """Their CANCEL."""
        if self._turn is Turn.THEIRS and self._asked is not None and transaction == self._asked.transaction:
            self._session.respond(transaction, 487, "INVITE")
            self._session.tell(OfferWithdrawn())
            self._rest()

    def acknowledged(self, ack: SipRequest) -> None:
        """Their ACK, perhaps again."""
        if self._turn is not Turn.ACCEPTED or self._asked is None or ack.cseq != self._asked.cseq:
            return
        session = self._session
        if self._answer is not None:
            self._answer.acknowledged()
            self._answer = None
        session.trace("in", "ACK")
        if self._asked.theirs is None:
            try:
                theirs = described_body(ack)
                media = session.described(theirs, answering=True)
            except RemoteProtocolError:
                session.clear(Cause.PROTOCOL_ERROR, by_party=True)
                return
            session.agreed(media)
            session.tell(Confirmed(media))
        self._rest()

    def _unheard(self) -> None:
        # Section 14.2 by way of 13.3.1.4: no ACK in 64*T1, so the dialog is confirmed dead and is ended by BYE.
        self._answer = None
        self._session.clear(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)

    # Ends -----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The session ends: nothing is retried or awaited."""
        if self._turn is Turn.THEIRS and self._asked is not None:
            self._session.context.servers.pop(self._asked.transaction, None)
            # Section 15.1.2, of their BYE: pending requests of the dialog are answered 487; the same when we hang up.
            self._session.respond(self._asked.transaction, 487, self._asked.method)
        elif self._turn is Turn.TO_CONFIRM:
            self._acknowledge(self._session.sdp.decline(self._offering))
        self._unanswered = self._unanswered or self._turn is Turn.OURS
        self._turn = Turn.NONE
        if self._answer is not None:
            self._answer.acknowledged()
            self._answer = None
        if self._backoff is not None:
            self._backoff.cancel()
            self._backoff = None
        self._waiting = None

    def forget(self) -> None:
        """The session is gone: a late response to our INVITE is a stray."""
        answers = self._ack is not None and bool(self._ack[1])
        self._session.context.let_go(self._ours, linger=self._unanswered or answers)

    def _rest(self) -> None:
        self._turn = Turn.NONE
        self._asked = self._offering = None
        self._go_on()
