"""A leg that we called: from our INVITE to its final response and our ACK (RFC 3261 section 13.2)."""

from collections.abc import Sequence

from gateways._native import RequestReceived, ResponseReceived, SessionDescription, SipResponse
from gateways.sip.ua import early_media, sdp, session_id
from gateways.sip.ua.addressing import contact_uri
from gateways.sip.ua.causes import cause_of, cause_said, reason_of
from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.large_requests import Detour, detour, detour_failed, most_octets
from gateways.sip.ua.next_hop import find_hops
from gateways.sip.ua.our_invite import dialog_for, headers_of, interval_for, unprotected
from gateways.sip.ua.reliable import Acknowledger
from gateways.sip.ua.requests import contacts_of, described_body, names_option, readable_answer, seconds_to_wait
from gateways.sip.ua.server_location import Hop
from gateways.sip.ua.session import ESTABLISHED, Input, Session, State
from gateways.sip.ua.session_timer import granted, least_allowed
from gateways.sip.ua.stray_answer import turn_away
from softswitch.calls.signals import (
    AcceptOffer,
    Answered,
    AskPicture,
    BecomeFocus,
    Confirm,
    HangUp,
    Invitation,
    Offer,
    Progressed,
    RefuseOffer,
    SendDigit,
    SendText,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription

EARLY_DIALOG_ENDED = 199
"""RFC 6228."""


class InviteClient(Session):
    """The client's half of an INVITE session."""

    __slots__ = (
        "_ack",
        "_cseq",
        "_detour",
        "_early",
        "_hops",
        "_interval",
        "_invitation",
        "_progress",
        "_reliable",
        "_rules",
        "_session_half",
        "_theirs",
        "_transaction",
        "_we_offered",
    )

    def __init__(self, context: Context, leg: LegId, invitation: Invitation) -> None:
        dialog = dialog_for(context, invitation)
        super().__init__(context, dialog, State.RESOLVING, owns_call_id=True)
        self.leg = leg
        context.legs[leg] = self
        self._invitation: Invitation | None = invitation
        self.protect(invitation.srtp)
        self.sdp.sees = invitation.video
        self._we_offered = invitation.offer is not None
        self._session_half = invitation.session_id
        self._transaction = 0
        self._cseq = 1
        self._hops: list[Hop] = []
        """The servers that are tried when the one at work fails, best first (RFC 3263 section 4.3)."""
        self._detour: Detour | None = None
        """Where the INVITE went because it was too long for UDP."""
        self._early: dict[str, MediaDescription] | None = None
        """Early answers by the tag of the party that gave them: a fork may bring several."""
        self._progress: tuple[int, str, bytes] | None = None
        self._reliable: Acknowledger | None = None
        """Made by the first provisional response that is to be acknowledged."""
        self._theirs: SessionDescription | None = None
        """The offer that their 2xx brought."""
        self._rules = invitation.rules
        """How the party's signalling differs from what holds for all; None: in nothing."""
        self._interval = interval_for(context, invitation.rules)
        """What we ask of the session timer."""
        self._ack: bytes | None = None
        """The body of our ACK, for when their 2xx comes again; None before it."""

    def dial(self) -> None:
        """Send the INVITE, once its next hop is known."""
        assert self._invitation is not None
        target = self._invitation.target
        if target.connection is not None and target.address is not None:
            if target.connection in self.context.transports:
                self.resolved((target.connection, target.address))
                return
            if target.transport != "udp":
                self.step(Input.UNRESOLVED, 430)
                return
        find_hops(self.context, target, self._found)

    def _found(self, hops: Sequence[Hop]) -> None:
        if self.state is State.RESOLVING:
            self._hops = list(hops)
            self.resolved(self._next_way())

    def _next_way(self) -> Way | None:
        """How the next of the servers that a name leads to is reached."""
        while self._hops:
            way = self.context.way_to(self._hops.pop(0))
            if way is not None:
                return way
        return None

    def resolved(self, way: Way | None) -> None:
        self.step(Input.RESOLVED if way is not None else Input.UNRESOLVED, way)

    @property
    def party_tag(self) -> str:
        if self.dialog.remote_tag or self._progress is None:
            return self.dialog.remote_tag
        return self._progress[1]

    # Steps ----------------------------------------------------------------------------------------------

    def invite(self, way: Way, *, however_long: bool = False) -> None:
        """Section 13.2.1."""
        invitation, context, dialog = self._invitation, self.context, self.dialog
        assert invitation is not None
        dialog.transport, dialog.peer = way
        if self.sdp.sdes is not None or (invitation.offer is not None and invitation.offer.security is not None):
            why = unprotected(context, self.sdp, invitation, way)
            if why:
                self.trace("out", f"no INVITE: {why}")
                # As if the party had refused it, so that the caller hears the reason and not that nobody answered.
                self.end(Cause.INCOMPATIBLE_DESTINATION, by_party=True, status=488)
                self.forget()
                return
        if context.vicinity is not None:
            self.sdp.renamed = context.vicinity.media_seen_from(way[1][0])
        uri, headers = dialog.request("INVITE", self._cseq)
        headers += headers_of(context, invitation, way, self._interval)
        body = b""
        if invitation.offer is not None:
            body = self.sdp.offer(invitation.offer)
            headers.append(("Content-Type", sdp.MIME))
        self.trace("out", f"INVITE {uri}")
        try:
            most = 0 if however_long else most_octets(invitation.target)
            patience = invitation.target.patience
            transaction = context.request(way, "INVITE", uri, headers, body, self.responded, most, patience)
        except ValueError:
            # The engine prints no line breaks into a message: someone wrote one into a target or a name.
            self.unreachable(None)
            return
        if transaction >= 0:
            self._transaction = transaction
            return
        self._detour = detour(context, way)
        self.invite(self._detour.way if self._detour is not None else way, however_long=True)

    def unreachable(self, status: object) -> None:
        """There is no way to the target: 430 if its connection is gone (RFC 5626 section 5.3), else 404."""
        cause = Cause.NO_ROUTE_TO_DESTINATION if status is None else Cause.DESTINATION_OUT_OF_ORDER
        self.end(cause, by_party=False, status=404 if status is None else 430)
        self.forget()

    def responded(self, event: ResponseReceived | None, failure: str) -> None:
        """What came of the INVITE."""
        if event is None:
            if not self._tried_by_udp() and not self._tried_next():
                self.step(Input.LOST, failure)
            return
        status = event.response.status
        if status == 503 and self._tried_next():
            return
        if status < 200:
            self.step(Input.PROVISIONAL, event)
        elif status >= 300:
            self.step(Input.FAILURE, event)
        elif (
            not self.dialog.remote_tag
            or event.response.to_tag == self.dialog.remote_tag
            or self.state in (State.CALLING, State.CANCELLING)
        ):
            self.step(Input.SUCCESS, event)
        else:
            # Section 13.2.2.4: another branch of a fork answered as well; the first one has won.
            body = b"" if self._we_offered else self.declined(event.response)
            turn_away(self.context, event, body, pinned=self.dialog.pinned)

    def _tried_by_udp(self) -> bool:
        """A detour that leads nowhere is left for the way that the request would have gone."""
        taken, self._detour = self._detour, None
        if taken is None or self.state is not State.CALLING or self._progress is not None:
            return False
        self.invite(detour_failed(self.context, taken), however_long=True)
        return True

    def _tried_next(self) -> bool:
        """RFC 3263 section 4.3: where a server fails, "the client SHOULD try the next", with the same request in a new
        transaction. Not once one has said that it is at work."""
        if not self._hops or self.state is not State.CALLING or self._progress is not None:
            return False
        way = self._next_way()
        if way is None:
            return False
        self.invite(way)
        return True

    def is_dialog(self, call_id: str, remote_tag: str) -> bool:
        early = self._progress[1] if self.state is State.CALLING and self._progress is not None else None
        return self.dialog.call_id == call_id and remote_tag == (early if early is not None else self.dialog.remote_tag)

    def progressed(self, event: ResponseReceived) -> None:
        response, rules = event.response, self._rules
        status, tag, body = response.status, response.to_tag, response.body
        if rules is not None and rules.early_media == "authorised":
            body += (response.header("P-Early-Media") or "").encode() if body else b""
        rseq = response.header("RSeq")
        if rseq is not None:
            self._reliable = self._reliable or Acknowledger(self)
            if not self._reliable.take(event, rseq):
                return
        elif self._progress == (status, tag, body):
            return
        self._trace_response(response)
        if status == EARLY_DIALOG_ENDED:
            self._fork_ended(tag)
            return
        self._progress = (status, tag, body)
        media = None
        if body and self._we_offered and not self._answered_by(tag):
            media = readable_answer(response, self.sdp)  # a courtesy: the call goes on without
            if rseq is not None and media is not None and self._reliable is not None:
                self._reliable.answered.add(tag)
                if tag == self.dialog.remote_tag:
                    self.agreed(media)
            if media is not None:
                self._early = self._early or {}
                if len(self._early) < 32:
                    self._early[tag] = media
        rings = status == 180
        if media is not None and rules is not None and not early_media.passes(rules.early_media, response):
            media, rings = None, True
        if rings or media is not None:
            self.tell(Progressed(rings, media, self._far_half(response)))

    def _fork_ended(self, tag: str) -> None:
        """A proxy on the way says that one of the parties it rang is gone (RFC 6228): what that one let the caller hear
        is over, and another's early media comes in its place where there is any."""
        if self._early is None or self._early.pop(tag, None) is None:
            return
        if self._rules is not None and self._rules.early_media != "pass":
            return  # the caller hears ringing, or what comes next is looked at then
        left = list(self._early.values())
        self.tell(Progressed(False, left[-1] if left else None, silenced=not left))

    def _far_half(self, response: SipResponse) -> str:
        """The party's half of the Session-ID, where the call has one."""
        ours = self._session_half
        if not ours:
            return ""
        theirs = session_id.half(response)
        if theirs:
            self.dialog.session_id = session_id.header(ours, theirs)
        return theirs

    def _answered_by(self, tag: str) -> bool:
        """Whether a party has answered our offer reliably before its 2xx."""
        return self._reliable is not None and tag in self._reliable.answered

    def answered(self, event: ResponseReceived) -> None:
        """The first 2xx (section 13.2.2.4)."""
        response, dialog = event.response, self.dialog
        self._trace_response(response)
        contact = response.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        # Without a Contact, which it must have, requests go on to where the INVITE went.
        settled = self.remote_media if self._answered_by(dialog.remote_tag) else None
        if response.to_tag != dialog.remote_tag:
            dialog.remote_cseq, settled = -1, None
        dialog.confirmed(response, target or dialog.remote_target, event.transport, event.source)
        self._invitation = None
        try:
            theirs = described_body(response)
            media = self.described(theirs, answering=self._we_offered)
        except RemoteProtocolError:
            self._fail_answer(response.status)
            return
        if settled is not None:
            media = settled  # "MUST ignore any session descriptions" after a reliable answer (RFC 3261 section 13.2.1)
        elif media is None and self._we_offered and self._early is not None:
            # The answer came with a provisional response, and some do not repeat it.
            media = self._early.get(response.to_tag)
        self._early = self._progress = None
        terms = granted(response)
        if terms is not None:
            self.peer_updates = self.peer_updates or names_option(response, "Allow", "UPDATE")
            self.timed(terms)
        if settled is None:
            self.agreed(media)
        if media is None:
            self._fail_answer(response.status)
        elif self._we_offered:
            self._acknowledge(b"")
            self.tell(Answered(media, self._far_half(response)))
            self.established()
        else:
            self._theirs = theirs
            self.state = State.UNCONFIRMED
            self.tell(Answered(media, self._far_half(response)))

    def _fail_answer(self, status: int) -> None:
        """A 2xx without a usable description: it must be acknowledged, and then ended (section 13.2.2.4)."""
        self._acknowledge(b"")
        self.clear(Cause.PROTOCOL_ERROR, by_party=True, status=status)

    def answered_too_late(self, event: ResponseReceived) -> None:
        """Their 2xx crossed our CANCEL: "the UAC MUST [...] send a BYE" after its ACK (section 15 by way of 9.1)."""
        response, dialog = event.response, self.dialog
        contact = response.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        dialog.confirmed(response, target or dialog.remote_target, event.transport, event.source)
        self._acknowledge(b"" if self._we_offered else self.declined(response))
        self.say_bye(Cause.NORMAL_CLEARING)

    def confirm_answer(self, command: Confirm) -> None:
        """The switch answers their offer: in the ACK."""
        theirs, self._theirs = self._theirs, None
        assert theirs is not None
        try:
            body = self.sdp.answer(theirs, command.media)
        except ValueError:
            self._acknowledge(self.sdp.decline(theirs))
            self.clear(Cause.INCOMPATIBLE_DESTINATION, by_party=False)
            return
        self._acknowledge(body)
        self.agreed(None)
        self.established()

    def leave_unconfirmed(self, command: HangUp) -> None:
        self._acknowledge(self.sdp.decline(self._theirs))
        self.hang_up(command)

    def open_offer(self) -> int:
        if self.state is State.UNCONFIRMED:
            return 500
        return 491 if self.state is State.CALLING and not self._answered_by(self.dialog.remote_tag) else 0

    def _acknowledge(self, body: bytes) -> None:
        self._ack = body
        self.trace("out", "ACK")
        self.context.acknowledge(self.dialog, self._cseq, body)

    @property
    def acknowledges(self) -> int | None:
        later = super().acknowledges
        return self._cseq if later is None and self._ack == b"" else later

    def acknowledge_again(self, event: ResponseReceived) -> None:
        """Their 2xx again: our ACK was lost."""
        if self._ack is not None:
            self.context.acknowledge(self.dialog, self._cseq, self._ack)

    def _interval_raised(self, response: SipResponse) -> bool:
        """Whether a 422 asks for a longer interval, which it may once (RFC 4028 section 7.3)."""
        least = least_allowed(response)
        if response.status != 422 or least is None or len(self._interval) > 1:
            return False
        interval = max(least, self.context.settings.session_expires)
        self._interval = [("Session-Expires", str(interval)), ("Min-SE", str(least))]
        return True

    def refused(self, event: ResponseReceived) -> None:
        response = event.response
        self._trace_response(response)
        if not self.dialog.remote_tag and (self.dialog.challenged(response) or self._interval_raised(response)):
            self._invite_again()
            return
        status = response.status
        # RFC 6432: a gateway may name the cause itself.
        cause = cause_said(response.header("Reason")) or cause_of(status)
        contacts = contacts_of(response) if status < 400 else ()
        self.end(cause, by_party=True, status=status, contacts=contacts, retry_after=seconds_to_wait(response))
        self.forget()

    def _invite_again(self) -> None:
        """Section 22.2: the request once more, with what was asked for, and the next CSeq."""
        dialog = self.dialog
        self.state, self._cseq = State.CALLING, dialog.next_cseq()
        self._early = self._progress = None
        self.invite((dialog.transport, dialog.peer))

    def lost(self, failure: str) -> None:
        """Section 8.1.3.1: a time-out is as a 408, a failed transport as a 503."""
        if failure == "timeout":
            self.end(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)
        else:
            self.end(Cause.DESTINATION_OUT_OF_ORDER, by_party=False, status=503)
        self.forget()

    def cancel(self, command: HangUp) -> None:
        """Section 9.1. The leg is over for the switch; what still comes is dealt with here."""
        reason = reason_of(command.cause, command.elsewhere)
        self.trace("out", "CANCEL")
        self.context.engine.cancel(self._transaction, [("Reason", reason)], self.context.now)
        self._invitation = self._early = self._progress = None
        if self.exchange is not None:
            self.exchange.close()
        self.end(command.cause, by_party=False)

    def leave_unresolved(self, command: HangUp) -> None:
        self.end(command.cause, by_party=False)
        self.forget()

    def forget(self, _: object = None) -> None:
        super().forget()
        self.context.let_go(self._transaction, linger=bool(self._ack))

    def glared(self, event: RequestReceived) -> None:
        """A re-INVITE while the first offer is open (section 14.2)."""
        self.respond(event.transaction, 491, "INVITE")

    def _trace_response(self, response: SipResponse) -> None:
        if self.leg is not None:
            self.context.trace(self.leg, "in", f"{response.status} {response.reason} (INVITE)")


InviteClient.table = {
    **ESTABLISHED,
    (State.RESOLVING, Input.RESOLVED): (InviteClient.invite, State.CALLING),
    (State.RESOLVING, Input.UNRESOLVED): (InviteClient.unreachable, State.GONE),
    (State.RESOLVING, HangUp): (InviteClient.leave_unresolved, State.GONE),
    (State.CALLING, Input.PROVISIONAL): (InviteClient.progressed, State.CALLING),
    (State.CALLING, Offer): (InviteClient.offer_early, State.CALLING),
    (State.CALLING, AcceptOffer): (InviteClient.accept_offer, State.CALLING),
    (State.CALLING, RefuseOffer): (InviteClient.refuse_offer, State.CALLING),
    (State.CALLING, Input.SUCCESS): (InviteClient.answered, State.ESTABLISHED),
    (State.CALLING, Input.FAILURE): (InviteClient.refused, State.GONE),
    (State.CALLING, Input.LOST): (InviteClient.lost, State.GONE),
    (State.CALLING, HangUp): (InviteClient.cancel, State.CANCELLING),
    (State.CANCELLING, Input.SUCCESS): (InviteClient.answered_too_late, State.CLEARING),
    (State.CANCELLING, Input.FAILURE): (InviteClient.forget, State.GONE),
    (State.CANCELLING, Input.LOST): (InviteClient.forget, State.GONE),
    (State.UNCONFIRMED, Confirm): (InviteClient.confirm_answer, State.ESTABLISHED),
    (State.UNCONFIRMED, Offer): (InviteClient.offer_later, State.UNCONFIRMED),
    (State.UNCONFIRMED, BecomeFocus): (InviteClient.become_focus, State.UNCONFIRMED),
    (State.UNCONFIRMED, SendDigit): (None, State.UNCONFIRMED),
    (State.UNCONFIRMED, AskPicture): (None, State.UNCONFIRMED),
    (State.UNCONFIRMED, SendText): (InviteClient.text_too_early, State.UNCONFIRMED),
    (State.UNCONFIRMED, HangUp): (InviteClient.leave_unconfirmed, State.CLEARING),
    (State.UNCONFIRMED, Input.BYE): (InviteClient.cleared, State.GONE),
    (State.UNCONFIRMED, Input.INVITE): (InviteClient.glared, State.UNCONFIRMED),
    (State.ESTABLISHED, Input.SUCCESS): (InviteClient.acknowledge_again, State.ESTABLISHED),
    (State.CLEARING, Input.SUCCESS): (InviteClient.acknowledge_again, State.CLEARING),
    (State.GONE, Input.SUCCESS): (InviteClient.acknowledge_again, State.GONE),
}
