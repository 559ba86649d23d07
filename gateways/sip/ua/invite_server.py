"""A leg that called us: from its INVITE to our final response and its ACK (RFC 3261 section 13.3)."""

from typing import Literal

from gateways._native import Cancelled, RequestReceived, SessionDescription, SipRequest
from gateways.sip.ua import sdp, session_id
from gateways.sip.ua.causes import cause_said, reason_of, status_of
from gateways.sip.ua.context import Context, status_line
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.pending_answer import PendingAnswer
from gateways.sip.ua.reliable import OPTION, ReliableResponses
from gateways.sip.ua.requests import described_body, names_option, retry_after
from gateways.sip.ua.session import ESTABLISHED, Input, Session, State
from gateways.sip.ua.session_timer import Terms, asked
from gateways.sip.ua.timers import Timer
from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    AskPicture,
    BecomeFocus,
    Confirmed,
    HangUp,
    Offer,
    RefuseOffer,
    Ring,
    SendDigit,
    SendText,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription

REMINDER = 60.0
"""Seconds after which a ringing call's provisional response is sent again, so that no proxy gives up on it
(section 13.3.1.1)."""
MergeKey = tuple[str, str, int]
"""Call-ID, From tag and CSeq."""

_PARTING = HangUp()


class InviteServer(Session):
    """The server's half of an INVITE session."""

    __slots__ = (
        "_answer",
        "_answered_early",
        "_merge_key",
        "_merging",
        "_offer",
        "_parting",
        "_pending",
        "_provisional",
        "_reliable",
        "_reminder",
        "_request",
        "_rules",
        "_terms",
        "_terms_said",
        "_transaction",
        "unfit",
    )

    def __init__(
        self,
        context: Context,
        dialog: Dialog,
        event: RequestReceived,
        offer: SessionDescription | None,
        merge_key: MergeKey,
        merging: dict[MergeKey, "InviteServer"],
        rules: LegRules | None = None,
    ) -> None:
        """`rules` are those of who calls; `merging` finds sessions by what identifies their INVITE whatever way it came
        (section 8.2.2.2)."""
        super().__init__(context, dialog, State.OFFERED, owns_call_id=False)
        self._transaction = event.transaction
        self._request: SipRequest | None = event.request
        """Until the final response."""
        self._offer = offer
        self._rules = rules
        self._terms: Terms | None = None
        self._terms_said: list[tuple[str, str]] = []
        self._pending: PendingAnswer | None = None
        self._provisional: tuple[int, bytes] | None = None
        """The last provisional response: status and body."""
        self._reliable: ReliableResponses | Literal[False] | None = None
        """False: the caller does not want them; None: it has not been asked."""
        self._answered_early = False
        """Whether it has acknowledged our answer in a provisional response."""
        self._answer: Answer | None = None
        """An answer of the switch that must wait for that."""
        self._reminder: Timer | None = None
        self._parting = _PARTING
        """How the switch hung up, where the BYE must wait."""
        self.unfit = ""
        """What is wrong with the protocol of its offer."""
        self._merge_key = merge_key
        self._merging = merging
        merging[merge_key] = self
        context.servers[event.transaction] = self
        transport = context.transports.get(dialog.transport)
        if transport is not None and transport.stream:
            transport.arrivals.add(self)

    def named(self, leg: LegId) -> None:
        """The switch has given the leg its id."""
        if self.leg is None and self.state is not State.GONE:
            self.leg = leg
            self.context.legs[leg] = self
            if self._request is not None:
                self.trace("in", f"INVITE {self._request.uri}")

    def knows_far_half(self, far: str) -> None:
        """The half of the party that the caller is put through to; one of our own making where it has none."""
        if self.dialog.session_id is not None and far and not self.dialog.session_id[1].startswith(far):
            self.dialog.session_id = session_id.header(far, self.dialog.session_id[1].partition("remote=")[2])

    def timer_asked(self, request: SipRequest) -> None:
        """Its INVITE has a Session-Expires."""
        expires = self._rules.session_expires if self._rules is not None else None
        self._terms = asked(request, self.context.settings, None, expires)
        if self._terms is not None:
            self._terms_said = self._terms.in_response(request)
            self.peer_updates = names_option(request, "Allow", "UPDATE")

    # Commands -------------------------------------------------------------------------------------------

    def ring(self, command: Ring) -> None:
        """180; or 183 with a description, where there is early media."""
        media = command.media
        self.knows_far_half(command.session_id)
        if self._reliable is None:
            self._reliable = self._wants_reliable()
        if media is None:
            status, body = 180, b""
            if self._provisional is not None and self._provisional[1]:
                return  # it hears the other side already; a 180 would bring its own ringing tone back
        elif self._offer is None:
            return  # it made no offer that early media could answer (section 13.2.1)
        elif self._reliable and self._provisional is not None and self._provisional[1]:
            if media != self.sdp.said:
                self.offer_early(Offer(media))  # it has an answer: what is new is an offer
            return
        else:
            try:
                status, body = 183, self.sdp.answer(self._offer, media)
            except ValueError:
                return  # no codec in common: nothing that it could hear early
        if self._provisional == (status, body):
            return
        self._provisional = (status, body)
        self._send_provisional()

    def _wants_reliable(self) -> "ReliableResponses | Literal[False]":
        """Whether its provisional responses are to be reliable: because it requires it, or likes it and we do too."""
        request, context = self._request, self.context
        assert request is not None
        liked, rules = context.settings.prefer_reliable, self._rules
        if rules is not None and rules.reliable != "as-set":
            liked = rules.reliable != "never"
        wanted = names_option(request, "Require", OPTION) or (
            liked and self._offer is not None and names_option(request, "Supported", OPTION)
        )
        if not wanted:
            return False
        self.peer_updates = names_option(request, "Allow", "UPDATE")
        return ReliableResponses(context, self._transaction, request.cseq, self.dialog.local_tag, self.unheard)

    def _send_provisional(self) -> None:
        context = self.context
        if self.state is not State.OFFERED or self._provisional is None:
            return
        status, body = self._provisional
        headers = [self.contact(), context.allow]
        if body:
            headers.append(("Content-Type", sdp.MIME))
        if self.dialog.session_id is not None:
            headers.append(self.dialog.session_id)
        if not self._reliable:
            self.trace("out", status_line(status, "INVITE"))
            context.respond(self._transaction, status, headers, body, to_tag=self.dialog.local_tag)
        elif self._offer is not None:
            self.trace("out", status_line(status, "INVITE") + " reliably")
            self._reliable.send(status, headers, body)
        # Else it requires of its first reliable response an offer (RFC 3262 section 5), and there is none yet.
        if self._reminder is not None:
            self._reminder.cancel()
        self._reminder = context.timers.set(context.now + REMINDER, self._remind)

    def _remind(self) -> None:
        if self._answered_early or (self._reliable and self._reliable.describes):
            self._provisional = (183, b"")  # an answer is given once
        self._send_provisional()

    def acknowledged_early(self, rack: str | None) -> bool:
        reliable = self._reliable
        if not reliable:
            return False
        describes = reliable.describes
        if not reliable.acknowledged(rack):
            return False
        if describes and not reliable.describes and not self._answered_early:
            self._answered_early = True
            self.agreed(None)
        return True

    def go_on_early(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and self.state is State.OFFERED:
            self.step(Answer, answer)
        elif self._reliable:
            self._reliable.go_on()

    def ignored(self, _: object) -> None:
        """No PRACK in 64*T1: "the UAS SHOULD reject the original request with a 5xx response" (RFC 3262 section 3)."""
        self.reject(HangUp(Cause.RECOVERY_ON_TIMER_EXPIRY, 504))

    def accept(self, command: Answer) -> None:
        """200."""
        context = self.context
        if self._reliable and self._reliable.describes:
            # RFC 3262 section 3: no 2xx while a description in a provisional response is not acknowledged.
            self._answer, self.state = command, State.OFFERED
            return
        try:
            body = self._description(command.media)
        except ValueError:
            self.reject(HangUp(Cause.INCOMPATIBLE_DESTINATION))
            return
        self._decided()
        headers = [self.contact(), context.allow, context.accepts]
        if body:
            headers.append(("Content-Type", sdp.MIME))
        self.knows_far_half(command.session_id)
        if self.dialog.session_id is not None:
            headers.append(self.dialog.session_id)
        if self._terms is not None:
            headers += self._terms_said
            self.timed(self._terms)
        if self._offer is not None and not self._answered_early:
            self.agreed(None)
        self.trace("out", "200 OK (INVITE)")
        self._pending = PendingAnswer(context, self._transaction, headers, body, self.dialog.local_tag, self.unheard)

    def _description(self, media: MediaDescription) -> bytes:
        if self._answered_early:
            # The offer is answered: what is new since then is an offer of its own, once the ACK has come.
            if media != self.sdp.agreed:
                self.exchanging().hold_back(media)
            return b""
        return self.sdp.offer(media) if self._offer is None else self.sdp.answer(self._offer, media)

    def reject(self, command: HangUp) -> None:
        """A final response that refuses the call; its ACK is the transaction's affair."""
        status = command.status if command.status is not None and command.status >= 300 else status_of(command.cause)
        if status < 400 and not command.contacts:
            status = 480  # a redirection that is not passed on leads nowhere
        self._decided()
        headers = [("Reason", reason_of(command.cause, command.elsewhere))]
        if self.unfit and status == 488:
            # RFC 3261 section 20.43: 302, the "transport protocols described in the session description are not
            # available".
            headers.append(("Warning", f'302 {self.context.settings.host} "{self.unfit}"'))
        if status == 503:
            headers.append(("Retry-After", "5"))
        if status < 400:
            headers += [("Contact", f"<{uri}>") for uri in command.contacts]
        self.part(self._transaction, status, "INVITE", *headers)
        self.end(command.cause, by_party=False, status=status)
        self.forget()

    def leave(self, command: HangUp) -> None:
        """Hung up between our 2xx and its ACK: the BYE waits for the ACK (section 15)."""
        self._parting = command
        self.end(command.cause, by_party=False)

    def offer_early(self, command: Offer) -> None:
        if self._answer is not None:
            self.exchanging().hold_back(command.media)
        else:
            super().offer_early(command)

    def open_offer(self) -> int:
        if self.state is State.OFFERED:
            return 0 if self._answered_early else 500
        return 491 if self.state is State.ANSWERED and self._offer is None else 0

    # The wire -------------------------------------------------------------------------------------------

    def cancelled(self, event: Cancelled) -> None:
        """Their CANCEL, which the engine has answered (section 9.2)."""
        cause = cause_said(event.request.header("Reason")) or Cause.NORMAL_CLEARING
        self._decided()
        self.part(self._transaction, 487, "INVITE")
        self.end(cause, by_party=True, status=487)
        self.forget()

    def abandoned(self, event: RequestReceived) -> None:
        """A BYE on the early dialog: the caller may (section 15)."""
        cause = cause_said(event.request.header("Reason")) or Cause.NORMAL_CLEARING
        self.part(event.transaction, 200, "BYE")
        self._decided()
        self.part(self._transaction, 487, "INVITE")
        self.end(cause, by_party=True, status=487)
        self.forget()

    def cut_off(self, _: object) -> None:
        """The caller's connection is gone before we answered: no answer would reach it, nor its CANCEL us."""
        self._decided()
        self.context.respond(self._transaction, 480)
        self.end(Cause.NETWORK_OUT_OF_ORDER, by_party=True)
        self.forget()

    def overlapped(self, event: RequestReceived) -> None:
        """A second INVITE before the first is answered (section 14.2)."""
        self.respond(event.transaction, 500, "INVITE", retry_after(self.context))

    def acknowledged(self, event: RequestReceived) -> None:
        """The ACK of our 2xx."""
        if not self._heard(event.request):
            self.state = State.ANSWERED
            return
        self.trace("in", "ACK")
        media = None
        if self._offer is None:
            try:
                theirs = described_body(event.request)
                media = self.described(theirs, answering=True)
            except RemoteProtocolError:
                self.clear(Cause.PROTOCOL_ERROR, by_party=True)
                return
            self.agreed(media)
        self._offer = None
        self.tell(Confirmed(media))
        self.established()

    def acknowledged_leaving(self, event: RequestReceived) -> None:
        if self._heard(event.request):
            self.say_bye(self._parting.cause, elsewhere=self._parting.elsewhere)
        else:
            self.state = State.LEAVING

    def _heard(self, ack: SipRequest) -> bool:
        """Whether an ACK is the one awaited: then nothing is sent again."""
        # The INVITE's own number: another INVITE may have come (and been refused) before this ACK got through.
        if self._pending is None or ack.cseq != self._merge_key[2]:
            return False
        self._pending.acknowledged()
        self._pending = None
        return True

    def reinvited_early(self, event: RequestReceived) -> None:
        """A re-INVITE before the ACK. Where our 2xx was the answer, the caller has it, and the ACK was lost or
        overtaken; where it was an offer, the answer is still due (section 14.2 by 491)."""
        if self._offer is None:
            self.respond(event.transaction, 491, "INVITE")
            self.state = State.ANSWERED
            return
        if self._pending is not None:
            self._pending.acknowledged()
            self._pending = None
        self._offer = None
        self.tell(Confirmed())
        self.reinvited(event)

    def cleared_early(self, event: RequestReceived) -> None:
        """Their BYE before their ACK."""
        self._stop()
        self.cleared(event)

    def unheard(self) -> None:
        """No ACK in 64*T1: BYE (section 13.3.1.4)."""
        self.step(Input.UNHEARD)

    def give_up(self, _: object) -> None:
        self._pending = None
        self.clear(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)

    def forget(self, _: object = None) -> None:
        super().forget()
        self._merging.pop(self._merge_key, None)

    def _decided(self) -> None:
        """There is a final response: what led to it is let go."""
        context = self.context
        context.servers.pop(self._transaction, None)
        if self._reminder is not None:
            self._reminder.cancel()
            self._reminder = None
        transport = context.transports.get(self.dialog.transport)
        if transport is not None:
            transport.arrivals.discard(self)
        if self._reliable:
            self._reliable.stop()
        self._request = None
        self._provisional = self._answer = None

    def _stop(self) -> None:
        if self._pending is not None:
            self._pending.acknowledged()
            self._pending = None


InviteServer.table = {
    **ESTABLISHED,
    (State.OFFERED, Ring): (InviteServer.ring, State.OFFERED),
    (State.OFFERED, Answer): (InviteServer.accept, State.ANSWERED),
    (State.OFFERED, Offer): (InviteServer.offer_early, State.OFFERED),
    (State.OFFERED, AcceptOffer): (InviteServer.accept_offer, State.OFFERED),
    (State.OFFERED, RefuseOffer): (InviteServer.refuse_offer, State.OFFERED),
    (State.OFFERED, Input.UNHEARD): (InviteServer.ignored, State.GONE),
    (State.OFFERED, HangUp): (InviteServer.reject, State.GONE),
    (State.OFFERED, Input.CANCELLED): (InviteServer.cancelled, State.GONE),
    (State.OFFERED, Input.BYE): (InviteServer.abandoned, State.GONE),
    (State.OFFERED, Input.INVITE): (InviteServer.overlapped, State.OFFERED),
    (State.OFFERED, Input.CUT_OFF): (InviteServer.cut_off, State.GONE),
    (State.ANSWERED, Input.ACK): (InviteServer.acknowledged, State.ESTABLISHED),
    (State.ANSWERED, Input.BYE): (InviteServer.cleared_early, State.GONE),
    (State.ANSWERED, Input.INVITE): (InviteServer.reinvited_early, State.ESTABLISHED),
    (State.ANSWERED, Input.UNHEARD): (InviteServer.give_up, State.CLEARING),
    (State.ANSWERED, HangUp): (InviteServer.leave, State.LEAVING),
    (State.ANSWERED, Offer): (InviteServer.offer_later, State.ANSWERED),
    (State.OFFERED, BecomeFocus): (InviteServer.become_focus, State.OFFERED),
    (State.ANSWERED, BecomeFocus): (InviteServer.become_focus, State.ANSWERED),
    (State.ANSWERED, SendDigit): (None, State.ANSWERED),
    (State.ANSWERED, AskPicture): (None, State.ANSWERED),
    (State.ANSWERED, SendText): (InviteServer.text_too_early, State.ANSWERED),
    (State.ANSWERED, AcceptOffer): (InviteServer.accept_offer, State.ANSWERED),
    (State.ANSWERED, RefuseOffer): (InviteServer.refuse_offer, State.ANSWERED),
    (State.LEAVING, Input.ACK): (InviteServer.acknowledged_leaving, State.CLEARING),
    (State.LEAVING, Input.BYE): (InviteServer.cleared_early, State.GONE),
    (State.LEAVING, Input.INVITE): (InviteServer.refuse_invite, State.LEAVING),
    (State.LEAVING, Input.UNHEARD): (InviteServer.give_up, State.CLEARING),
}
