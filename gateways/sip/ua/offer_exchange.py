"""Offers and answers after the call was established: re-INVITE both ways (RFC 3261 section 14, RFC 3264)."""

from enum import IntEnum
from typing import TYPE_CHECKING

from gateways._native import RequestReceived, ResponseReceived, SessionDescription, SipRequest, SipResponse
from gateways.sip.ua import sdp
from gateways.sip.ua.causes import cause_of, status_of
from gateways.sip.ua.context import status_line
from gateways.sip.ua.pending_answer import PendingAnswer
from gateways.sip.ua.requests import described_body, retry_after, sdp_refusal
from gateways.sip.ua.timers import Timer
from softswitch.calls.signals import Confirmed, OfferAnswered, Offered, OfferRefused, RefuseOffer
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


class OfferExchange:
    """One exchange at a time on one session. A failure leaves the session as it was."""

    __slots__ = (
        "_ack",
        "_answer",
        "_backoff",
        "_cseq",
        "_offered",
        "_ours",
        "_session",
        "_theirs",
        "_transaction",
        "_turn",
        "_unanswered",
        "_waiting",
        "_we_offered",
    )

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._turn = Turn.NONE
        self._cseq = 0
        """Of the INVITE under way, or of the last one."""
        self._ours = 0
        """The transaction of our INVITE."""
        self._transaction = 0
        """Of theirs."""
        self._theirs: SessionDescription | None = None
        self._we_offered = False
        """Whether the open 2xx of ours is an offer, so that its ACK brings the answer."""
        self._offered: MediaDescription | None = None
        """What our INVITE under way offers."""
        self._ack: tuple[int, bytes] | None = None
        """The last ACK of ours, for when its 2xx comes again."""
        self._answer: PendingAnswer | None = None
        self._waiting: tuple[MediaDescription | None] | None = None
        """An offer of ours that must wait: for their exchange to end, or after a glare."""
        self._backoff: Timer | None = None
        self._unanswered = False
        """Whether the session ended while our INVITE had no final response."""

    # Our offers -----------------------------------------------------------------------------------------

    def offer(self, media: MediaDescription | None) -> None:
        """The switch wants to change the sound."""
        if self._waiting is not None or self._turn in (Turn.OURS, Turn.TO_CONFIRM):
            raise LocalProtocolError("an offer while one of ours is open")
        self._waiting = (media,)
        self._go_on()

    def hold_back(self, media: MediaDescription | None) -> None:
        """Keep an offer until the session is established; then `established` sends it."""
        if self._waiting is not None:
            raise LocalProtocolError("an offer while one of ours is open")
        self._waiting = (media,)

    def established(self) -> None:
        """The first offer and answer are done."""
        self._go_on()

    def confirm(self, media: MediaDescription) -> None:
        """The switch answers the offer that their 2xx brought."""
        session, theirs = self._session, self._theirs
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
        self._rest()

    def _go_on(self) -> None:
        """Send the offer that waits, if nothing stands against it."""
        if self._waiting is None or self._turn is not Turn.NONE or self._backoff is not None:
            return
        (media,), self._waiting = self._waiting, None
        self._turn, self._offered = Turn.OURS, media
        self._invite()

    def _invite(self) -> None:
        """Send the offer of the turn that is ours."""
        session, media = self._session, self._offered
        context, dialog = session.context, session.dialog
        self._cseq = dialog.next_cseq()
        uri, headers = dialog.request("INVITE", self._cseq)
        headers += [context.contact(dialog.transport), context.allow, context.product]
        body = b""
        if media is not None:
            body = session.sdp.offer(media)
            headers.append(("Content-Type", sdp.MIME))
        session.trace("out", f"INVITE {uri}")
        context.clients.pop(self._ours, None)
        self._ours = context.request(context.way(dialog), "INVITE", uri, headers, body, self._answered)

    def _answered(self, event: ResponseReceived | None, failure: str) -> None:
        session = self._session
        if event is None:
            if self._turn is Turn.OURS:
                # RFC 3261 section 8.1.3.1: as if 408 or 503 had come.
                self._refused(408 if failure == "timeout" else 503)
            return
        response = event.response
        status = response.status
        if status < 200:
            return
        if response.cseq != self._cseq or self._turn is not Turn.OURS:
            if status < 300 and self._ack is not None and self._ack[0] == response.cseq:
                session.context.acknowledge(session.dialog, *self._ack)
            elif status < 300 and session.leg is None:
                # It crossed our BYE: acknowledged all the same, so that it is not sent for half a minute.
                self._cseq = response.cseq
                self._acknowledge(self._declined(response))
            return
        session.trace("in", f"{status} {response.reason} (INVITE)")
        if status >= 300:
            if session.dialog.challenged(response):
                self._invite()
            else:
                self._refused(status)
            return
        session.dialog.refresh_target(response.header("Contact"))
        try:
            theirs = described_body(response)
            media = sdp.described(theirs) if theirs is not None else None
        except RemoteProtocolError:
            self._acknowledge(b"")
            session.clear(Cause.PROTOCOL_ERROR, by_party=True, status=status)
            return
        if self._offered is not None:
            self._acknowledge(b"")
            session.tell(OfferAnswered(media))
            self._rest()
        elif media is None:
            # We asked for an offer and there is none: nothing can be answered.
            self._acknowledge(b"")
            session.clear(Cause.PROTOCOL_ERROR, by_party=True, status=status)
        else:
            self._turn, self._theirs = Turn.TO_CONFIRM, theirs
            session.tell(OfferAnswered(media))

    def said_in_ack(self, cseq: int) -> bytes:
        """The body of our ACK to the 2xx of an earlier re-INVITE, as far back as it is remembered: the same ACK goes
        out whenever that 2xx comes again (RFC 3261 section 13.2.2.4)."""
        return self._ack[1] if self._ack is not None and self._ack[0] == cseq else b""

    def _acknowledge(self, body: bytes) -> None:
        self._ack = (self._cseq, body)
        self._session.trace("out", "ACK")
        self._session.context.acknowledge(self._session.dialog, self._cseq, body)

    def _declined(self, response: SipResponse) -> bytes:
        """The answer for an ACK after which nothing comes but BYE; none where ours was the offer."""
        if self._offered is not None:
            return b""
        try:
            return self._session.sdp.decline(described_body(response))
        except RemoteProtocolError:
            return b""

    def _refused(self, status: int) -> None:
        session = self._session
        self._turn = Turn.NONE
        if status in (408, 481):
            # Section 12.2.1.2: the dialog is gone, "the UAC SHOULD terminate the dialog": by BYE.
            session.clear(cause_of(status), by_party=status == 481, status=status)
        elif status == 491:
            # Section 14.1: who owns the Call-ID waits longer, so that the two do not meet again.
            low, high = (2.1, 4.0) if session.owns_call_id else (0.0, 2.0)
            self._waiting = (self._offered,)
            context = session.context
            self._backoff = context.timers.set(context.now + context.tokens.between(low, high), self._try_again)
        else:
            session.tell(OfferRefused(cause_of(status), status))
            self._go_on()

    def _try_again(self) -> None:
        self._backoff = None
        self._go_on()

    # Their offers ---------------------------------------------------------------------------------------

    def invited(self, event: RequestReceived) -> None:
        """Their re-INVITE; its sequence number is in order."""
        session = self._session
        if self._turn is Turn.THEIRS:
            # Section 14.2: 500 with a Retry-After of 0 to 10 seconds while the first has no final response.
            session.respond(event.transaction, 500, "INVITE", retry_after(session.context))
            return
        if self._turn in (Turn.OURS, Turn.TO_CONFIRM) or (self._turn is Turn.ACCEPTED and self._we_offered):
            session.respond(event.transaction, 491, "INVITE")
            return
        if self._answer is not None:
            # It can only know of our answer from the 2xx whose ACK went missing.
            self._answer.acknowledged()
            self._answer = None
        self._turn = Turn.NONE
        session.trace("in", f"INVITE {event.request.uri}")
        refusal = sdp_refusal(event.request)
        if refusal is not None:
            session.respond(event.transaction, refusal[0], "INVITE", *refusal[1])
            return
        try:
            self._theirs = described_body(event.request)
            media = sdp.described(self._theirs) if self._theirs is not None else None
        except RemoteProtocolError as error:
            session.respond(event.transaction, error.status_hint, "INVITE")
            return
        session.dialog.refresh_target(event.request.header("Contact"))
        self._turn = Turn.THEIRS
        self._transaction, self._cseq = event.transaction, event.request.cseq
        session.context.servers[event.transaction] = session
        session.tell(Offered(media))

    def accept(self, media: MediaDescription) -> None:
        """The switch's reply: our 2xx. After their CANCEL it comes too late, and does nothing."""
        session, context = self._session, self._session.context
        if self._turn is not Turn.THEIRS:
            return
        context.servers.pop(self._transaction, None)
        self._we_offered = self._theirs is None
        try:
            body = session.sdp.offer(media) if self._theirs is None else session.sdp.answer(self._theirs, media)
        except ValueError:
            session.respond(self._transaction, 488, "INVITE")
            self._rest()
            return
        self._turn = Turn.ACCEPTED
        headers = (context.contact(session.dialog.transport), context.allow, ("Content-Type", sdp.MIME))
        session.trace("out", status_line(200, "INVITE"))
        self._answer = PendingAnswer(context, self._transaction, headers, body, session.dialog.local_tag, self._unheard)

    def refuse(self, command: RefuseOffer) -> None:
        """The switch's other reply; too late after their CANCEL, as `accept`."""
        if self._turn is Turn.THEIRS:
            self._session.context.servers.pop(self._transaction, None)
            self._session.respond(self._transaction, _refusal_status(command), "INVITE")
            self._rest()

    def withdrawn(self, transaction: int) -> None:
        """Their CANCEL."""
        if self._turn is Turn.THEIRS and transaction == self._transaction:
            self._session.respond(transaction, 487, "INVITE")
            self._rest()

    def acknowledged(self, ack: SipRequest) -> None:
        """Their ACK, perhaps again."""
        if self._turn is not Turn.ACCEPTED or ack.cseq != self._cseq:
            return
        session = self._session
        if self._answer is not None:
            self._answer.acknowledged()
            self._answer = None
        session.trace("in", "ACK")
        if self._we_offered:
            try:
                theirs = described_body(ack)
                media = sdp.described(theirs) if theirs is not None else None
            except RemoteProtocolError:
                session.clear(Cause.PROTOCOL_ERROR, by_party=True)
                return
            session.tell(Confirmed(media))
        self._rest()

    def _unheard(self) -> None:
        # Section 14.2 by way of 13.3.1.4: no ACK in 64*T1, so the dialog is confirmed dead and is ended by BYE.
        self._answer = None
        self._session.clear(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)

    # Ends -----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The session ends: nothing is retried or awaited."""
        if self._turn is Turn.THEIRS:
            self._session.context.servers.pop(self._transaction, None)
            # Section 15.1.2, of their BYE: pending requests of the dialog are answered 487; the same when we hang up.
            self._session.respond(self._transaction, 487, "INVITE")
        elif self._turn is Turn.TO_CONFIRM:
            self._acknowledge(self._session.sdp.decline(self._theirs))
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
        self._theirs = None
        self._go_on()


def _refusal_status(command: RefuseOffer) -> int:
    if command.status is not None:
        return command.status
    status = status_of(command.cause)
    # Below 500 a refusal of the offer alone; what would say "this server is broken" says "not these media".
    return status if status in (488, 491) else 488
