"""One call as a model phone sees it: its dialog, its offers and answers, how it ended."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from softswitch.kernel.address import HostPort
from tests.support.model_transactions import InviteClient, InviteServer
from tests.support.phone_offers import Offers
from tests.support.sip_text import Message, Sdp, build, display_name, host_of, uri

if TYPE_CHECKING:
    from tests.support.phones import Phone

PATIENCE = 200.0
"""Seconds for which a phone rings when nobody stops it."""


class PhoneCall:
    """`state` goes calling → ringing → answered → up → over; `how` says why it is over:

    refused, cancelled, hung up (by this phone), cleared (by the other side), timeout (nothing answered), no ack.
    """

    def __init__(self, phone: "Phone", dialled: str, request: Message | None = None, label: str = "") -> None:
        self.phone = phone
        self.dialled = dialled
        self.outgoing = request is None
        self.label = label or (display_name(request.header("from")) if request else "")
        """The display name in From: it tells a test which calls of the two sides belong together."""
        self.call_id = request.call_id if request else phone.name("call")
        self.local_tag = phone.name("t")
        self.remote_tag = request.from_tag if request else ""
        self.state = "calling"
        self.how = ""
        self.status = 0
        """The final status of the first INVITE that was not an authentication."""
        self.reason = ""
        """The Reason header of the CANCEL or BYE that ended it."""
        self.rang = 0
        """How many 180 came."""
        self.early_media = False
        self.invite_request = request
        self.started_at = self.changed_at = phone.loop.time()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.renegotiations: list[int] = []
        """Final statuses of this phone's re-INVITEs, 491 included."""
        self.refuse_offers = 0
        """A status to refuse re-INVITEs with; 0: accept."""
        self.answer_delay = 0.0
        """Seconds before a re-INVITE is answered."""
        self.replaces = ""
        """What the first INVITE says under that name."""
        self.referred = 0
        """The final status of this phone's REFER."""
        self.refer_sub = ""
        self.told: list[int] = []
        """What the NOTIFYs said that became of it."""
        self.subscribed = ""
        self._ended_subscriptions: set[str] = set()
        """By their Event, which tells the REFERs of a dialog apart."""
        self.pressed: list[str] = []
        """The keys that came as INFO."""
        self.pictures_wanted = 0
        """How often it was asked for a whole picture by INFO."""
        self.acks_sent = 0
        self.pracks_sent = 0
        self.pracks_heard = 0
        self.updates_heard = 0
        self._rseq = 0
        """Of the last reliable provisional response, ours or theirs."""
        self._settled_cseq = -1
        """Of the INVITE whose offer a reliable provisional response has answered."""
        self.mute_acks = False
        """For stories: never acknowledge a 2xx."""
        self.on_change: list[Callable[[PhoneCall], None]] = []
        self.offers = Offers(phone, self.call_id)
        self._local_uri, self._remote_uri = phone.aor, dialled
        self._shown = f'"{label}" ' if label else ""
        self._target = dialled
        self._server_invite: InviteServer | None = None
        self._client_invite: InviteClient | None = None
        self._awaiting_ack: dict[int, InviteServer] = {}
        self._cancel_wanted = False
        self._cancel_sent = False
        self._hang_up_wanted = False
        self._local_cseq = 1 + phone.random.randrange(1000)
        self._remote_cseq = request.cseq if request else -1
        self._invite_branch = ""
        self._invite_cseq = 0
        self._invite_uri = ""
        self._invite_offer = True
        self._challenge = ""
        self._tries = 0
        self._acks: dict[int, bytes] = {}
        self._offer: Sdp | None = None
        self._woken: list[asyncio.Future[None]] = []
        if request is not None:
            self._local_uri, self._remote_uri = uri(request.header("to")), uri(request.header("from"))
            self._target = uri(request.header("contact"))

    def __repr__(self) -> str:
        way = "→" if self.outgoing else "←"
        return f"<{self.phone.user} {way} {self._remote_uri} {self.state} {self.how} {self.status} {self.call_id}>"

    @property
    def invitation(self) -> Message:
        """The INVITE by which it was called."""
        assert self.invite_request is not None, f"{self!r} was not called"
        return self.invite_request

    @property
    def theirs(self) -> Sdp:
        """What the other side has described."""
        assert self.remote_sdp is not None, f"{self!r} was described nothing"
        return self.remote_sdp

    @property
    def local_sdp(self) -> Sdp | None:
        return self.offers.local

    @property
    def remote_sdp(self) -> Sdp | None:
        return self.offers.remote

    @property
    def local_rtp(self) -> HostPort:
        return self.offers.rtp

    async def until(self, *states: str, within: float = 70.0) -> "PhoneCall":
        """Wait for one of these states (`over` always ends the wait)."""
        await self.when(lambda: self.state in states or self.state == "over", within)
        assert self.state in states, f"{self!r} never was {' or '.join(states)}"
        return self

    async def when(self, condition: Callable[[], bool], within: float = 70.0) -> None:
        """Wait until something holds that a message to this phone can bring about."""
        async with asyncio.timeout(within):
            while not condition():
                woken = self.phone.loop.create_future()
                self._woken.append(woken)
                await woken

    def _changed(self) -> None:
        self.changed_at = self.phone.loop.time()
        woken, self._woken = self._woken, []
        for future in woken:
            if not future.done():
                future.set_result(None)
        for hearer in tuple(self.on_change):
            hearer(self)

    def _enter(self, state: str) -> None:
        self.state = state
        if state == "answered" or (state == "up" and self.answered_at is None):
            self.answered_at = self.phone.loop.time()
        self._changed()

    def _over(self, how: str, status: int = 0) -> None:
        if self.state == "over":
            return
        self.how = how
        self.status = status or self.status
        self.ended_at = self.phone.loop.time()
        if self._client_invite is not None:
            self._client_invite.expect_final()  # nobody retransmits a 2xx for a dialog that is gone
        self._enter("over")

    # As the caller ----------------------------------------------------------------------------------------

    def invite(self, offer: bool) -> None:
        """Send the first INVITE."""
        self.phone.remember(self)
        self._invite_offer = offer
        self._send_invite(self.offers.describe("sendrecv") if offer else None)

    def _send_invite(self, offer: Sdp | None) -> None:
        self._offer = offer
        self._local_cseq += 1
        self._invite_cseq = self._local_cseq
        self._invite_branch = f"z9hG4bK{self.phone.name('i')}"
        self._invite_uri = self._target
        transaction = self.phone.send_request(
            "INVITE",
            self._target,
            self._headers("INVITE", self._invite_cseq, self._credentials("INVITE")),
            offer.write() if offer else b"",
            self._next_hop(),
            self._invite_response,
            self._invite_timeout,
            self._invite_branch,
        )
        assert isinstance(transaction, InviteClient)
        self._client_invite = transaction

    def cancel(self) -> None:
        """Give up before an answer: at once when a provisional response has come, else when it comes (9.1)."""
        if not self.outgoing or self.state not in ("calling", "ringing") or self._cancel_wanted:
            return
        self._cancel_wanted = True
        if self._client_invite is not None and self._client_invite.provisional:
            self._send_cancel()

    def _send_cancel(self) -> None:
        assert self._client_invite is not None
        if self._client_invite.final is not None or self._cancel_sent:
            return
        self._cancel_sent = True
        headers = [header for header in self._headers("CANCEL", self._invite_cseq) if header[0] != "Contact"]
        if self.state != "up":  # 9.1: the To of the INVITE, which had no tag, whatever has come since
            headers = [*(header for header in headers if header[0] != "To"), ("To", f"<{self._remote_uri}>")]
        self.phone.send_request(
            "CANCEL",
            self._invite_uri,  # 9.1: all as in the INVITE, whatever Contact has come since
            headers,
            b"",
            self.phone.server,
            lambda response: None,
            lambda: None,
            self._invite_branch,
        )
        self._client_invite.expect_final()

    def _invite_response(self, response: Message) -> None:
        status = response.status
        if status < 200:
            self._provisional(response)
        elif status < 300:
            self._accepted(response)
        elif status in (401, 407) and self._tries < 5 and (fresh := self.phone.challenge_of(response)):
            self._tries += 1
            if self._challenge and "stale=true" not in fresh.lower():
                self._refused(status)
                return
            self._challenge = self.phone.challenge = fresh
            if self._cancel_wanted:
                self._over("cancelled", status)
                return
            self._send_invite(self._offer)
        else:
            self._refused(status)

    def _provisional(self, response: Message) -> None:
        if self._cancel_wanted and self._client_invite is not None:
            self._send_cancel()
        if response.status == 100 or self.state not in ("calling", "ringing"):
            return
        if self.remote_tag and response.to_tag != self.remote_tag:
            self.phone.breach(f"{response} has another To tag than the last (8.2.6.2)")
        self.remote_tag = response.to_tag
        self._target_from(response)
        if response.header("rseq"):
            if int(response.header("rseq")) <= self._rseq:
                return  # it comes again: RFC 3262 section 4
            self._prack(response)
        elif self.phone.extras.acknowledges:
            self.phone.breach(f"{response} is not reliable, though we require it (RFC 3262 section 3)")
        if response.status == 180:
            self.rang += 1
        if response.body:
            self.early_media = True
            self.offers.take_answer(response.body)
        self._enter("ringing")

    def _prack(self, response: Message) -> None:
        """RFC 3262 section 4."""
        rseq = int(response.header("rseq"))
        if self._rseq and rseq != self._rseq + 1:
            self.phone.breach(f"{response} has the RSeq {rseq} after {self._rseq} (RFC 3262 section 3)")
        if "100rel" not in response.header("require"):
            self.phone.breach(f"{response} has an RSeq and does not require 100rel (RFC 3262 section 3)")
        self._rseq = rseq
        if response.body and self._offer is not None:
            self._settled_cseq = response.cseq
        self._local_cseq += 1
        self.pracks_sent += 1
        rack = ("RAck", f"{rseq} {response.cseq} INVITE")
        self.phone.send_request(
            "PRACK",
            self._target,
            [*self._headers("PRACK", self._local_cseq, self._credentials("PRACK")), rack],
            b"",
            self._next_hop(),
            self._pracked,
            lambda: None,
        )

    def _pracked(self, answer: Message) -> None:
        # The call may have ended on the way: then there is no dialog, or no response to acknowledge. One that a later
        # request has overtaken is out of order (12.2.2).
        overtaken = answer.status == 500 and self._local_cseq > answer.cseq
        if answer.status >= 300 and answer.status not in (481, 487) and not overtaken and self.state != "over":
            self.phone.breach(f"{answer} to a PRACK (RFC 3262 section 3)")

    def pracked(self, prack: Message) -> None:
        """Our reliable provisional response was acknowledged."""
        self.pracks_heard += 1
        self._remote_cseq = max(self._remote_cseq, prack.cseq)
        if prack.header("rack") != f"{self._rseq} {self.invitation.cseq} INVITE":
            self.phone.breach(f"{prack} acknowledges {prack.header('rack')} (RFC 3262 section 7.2)")

    def updated(self, update: Message) -> int:
        """An UPDATE came; gives the status."""
        if update.body:
            self.phone.breach(f"{update} offers, and should only refresh (RFC 4028 section 7.4)")
        if self.state == "over" or update.cseq <= self._remote_cseq:
            return 481 if self.state == "over" else 500
        self._remote_cseq = update.cseq
        self.updates_heard += 1
        return 200

    def _accepted(self, response: Message) -> None:
        ack = self._acks.get(response.cseq)
        if ack is None:
            if self.remote_tag and response.to_tag != self.remote_tag:
                self.phone.breach(f"{response} has another To tag than the last (8.2.6.2)")
            self.remote_tag = response.to_tag
            self._target_from(response)
            ack = self._acks[response.cseq] = self._ack(response)
            first = True
        else:
            first = False
        if self.mute_acks:
            return
        self.acks_sent += 1
        self.phone.transmit(ack, self._next_hop())
        if not first:
            return
        self._client_invite = None
        if self.state == "up":
            self.renegotiations.append(200)
            self._changed()
        elif self.state in ("calling", "ringing"):
            self.status = 200
            self._enter("up")
            if self._cancel_wanted:
                self.hang_up()  # 15: the 2xx crossed the CANCEL

    def _ack(self, response: Message) -> bytes:
        """13.2.2.4: the INVITE's CSeq number, a branch of its own, and the answer if the 2xx was the offer."""
        body = b""
        if response.cseq == self._settled_cseq:
            pass  # the reliable response was the answer, and what comes later is to be ignored (13.2.1)
        elif not response.body:
            self.phone.breach(f"{response} has no session description (13.3.1.4, RFC 3264)")
        elif self._offer is not None:
            self.offers.take_answer(response.body)
        else:
            self.offers.take_offer(response.body)
            body = self.offers.answer().write()
        headers = self._headers("ACK", response.cseq, self._credentials("INVITE"))
        headers.insert(0, ("Via", f"SIP/2.0/UDP {self.phone.address};branch=z9hG4bK{self.phone.name('a')};rport"))
        return build(f"ACK {self._target} SIP/2.0", headers, body)

    def _refused(self, status: int) -> None:
        self._client_invite = None
        if self.state == "up":
            self.renegotiations.append(status)
            if self._offer is not None:
                self.offers.refused()
            if status == 491:
                # 14.1: the owner of the Call-ID waits longer.
                low, high = (2.1, 4.0) if self.outgoing else (0.0, 2.0)
                wait = low + self.phone.random.randrange(round((high - low) * 100)) / 100
                direction = self._offer.direction if self._offer else ""
                self.phone.loop.call_later(wait, lambda: self._try_again(direction))
            elif status in (408, 481):
                self.hang_up()  # 12.2.1.2
            self._changed()
        elif self.state in ("calling", "ringing"):
            self._over("cancelled" if self._cancel_wanted and status == 487 else "refused", status)

    def _try_again(self, direction: str) -> None:
        self.offer_again(direction, offer=bool(direction))

    def _invite_timeout(self) -> None:
        self._client_invite = None
        if self.state == "up":
            self.renegotiations.append(408)
            self.hang_up()  # 12.2.1.2
        elif self._cancel_wanted:
            self._over("cancelled")
        else:
            self._over("timeout", 408)

    # As the called party ----------------------------------------------------------------------------------

    def invited(self, request: Message, server: InviteServer) -> None:
        """The first INVITE came."""
        self._server_invite = self._awaiting_ack[request.cseq] = server
        self.phone.remember(self)
        self.phone.loop.call_later(0.2, self._trying)
        self.phone.loop.call_later(PATIENCE, self.refuse, 480)
        if request.body:
            self.offers.take_offer(request.body)

    def _trying(self) -> None:
        """17.2.1: a 100 unless something better comes within 200 ms."""
        server = self._server_invite
        if server is not None and not server.status:
            server.respond(100, self.phone.reply(server.request, 100))

    def ring(self, *, early_media: bool = False, extra: str = "", fork: str = "") -> None:
        """180, or 183 with sound before the answer. `extra` is one more header; `fork` names another phone that a proxy
        on the way rings beside this one, and that speaks by this one's mouth."""
        server = self._server_invite
        if self.state not in ("calling", "ringing") or server is None:
            return
        assert self.invite_request is not None
        body = b""
        if early_media and self.offers.remote is not None:
            body = (self.offers.local or self.offers.answer()).write()
        status = 183 if early_media else 180
        tag = fork or self.local_tag
        if self.phone.extras.rings_reliably and "100rel" in self.invite_request.header("supported"):
            self._rseq += 1
            extra = f"Require: 100rel\r\nRSeq: {self._rseq}"
        server.respond(status, self.phone.reply(self.invite_request, status, tag, sdp=body, extra=extra))
        self._enter("ringing")

    def fork_gone(self, fork: str = "") -> None:
        """199: one of several phones that a proxy rings is gone (RFC 6228)."""
        server = self._server_invite
        assert server is not None and self.invite_request is not None
        server.respond(199, self.phone.reply(self.invite_request, 199, fork or self.local_tag))

    def answer(self) -> None:
        """200 with an answer, or with an offer where the INVITE had none."""
        server = self._server_invite
        if self.state not in ("calling", "ringing") or server is None:
            return
        assert self.invite_request is not None
        if self.offers.remote is None:
            self._offer = sdp = self.offers.describe("sendrecv")
        else:
            sdp = self.offers.local or self.offers.answer()
        self.status = 200
        server.respond(200, self.phone.reply(self.invite_request, 200, self.local_tag, sdp=sdp.write()))
        self._enter("answered")

    def refuse(self, status: int = 486, extra: str = "") -> None:
        """A final refusal; `extra` is one more header, such as a 302's Contact."""
        server = self._server_invite
        if self.state not in ("calling", "ringing") or server is None:
            return
        assert self.invite_request is not None
        server.respond(status, self.phone.reply(self.invite_request, status, self.local_tag, extra=extra))
        self._over("refused", status)

    def cancelled(self, cancel: Message, server: InviteServer) -> None:
        """A CANCEL for an INVITE we have not answered came."""
        if server.status >= 200:
            return  # 9.2: no effect on a request that has its final response
        self.reason = cancel.header("reason")
        server.respond(487, self.phone.reply(server.request, 487, self.local_tag))
        if self.state in ("calling", "ringing"):
            self._over("cancelled", 487)

    def acknowledged(self, ack: Message) -> None:
        """An ACK for a 2xx of ours came."""
        server = self._awaiting_ack.get(ack.cseq)
        if server is None:
            self.phone.breach(f"{ack} acknowledges no INVITE (13.2.2.4)")
            return
        if ack.from_tag != self.remote_tag:
            self.phone.breach(f"{ack} has another From tag than the dialog (12.2.1.1)")
        if not server.ack():
            return
        if not server.request.body:
            if not ack.body:
                if self.state == "over":
                    return  # after a BYE nobody minds
                self.phone.breach(f"{ack} does not answer the offer of our 2xx (13.2.2.4)")
            else:
                self.offers.take_answer(ack.body)
        elif ack.body:
            self.phone.breach(f"{ack} has a body but nothing was offered in our 2xx")
        if self.state == "answered":
            self._enter("up")
            if self._hang_up_wanted:
                self.hang_up()

    def no_ack(self, server: InviteServer) -> None:
        """64*T1 without an ACK: 13.3.1.4 ends the session with BYE."""
        if server.status >= 300 or self.state == "over":
            return
        if self.phone.expects_acks:
            self.phone.breach(f"{self.call_id}: no ACK came for our 2xx in 64*T1 (13.2.2.4)")
        if self.state in ("answered", "up"):
            self._bye()
            self._over("no ack")

    # Both -------------------------------------------------------------------------------------------------

    @property
    def busy_offering(self) -> bool:
        """Whether an INVITE of either side is open."""
        server = self._server_invite
        return self._client_invite is not None or (server is not None and not server.acknowledged and not server.over)

    def offer_again(self, direction: str = "sendrecv", *, offer: bool = True) -> bool:
        """A re-INVITE: hold with `sendonly`, resume with `sendrecv`; without an offer the other side must make it.

        Does nothing (False) while another INVITE is open or the call is not up.
        """
        if self.state != "up" or self.busy_offering:
            return False
        self.offers.keep()
        self._send_invite(self.offers.describe(direction) if offer else None)
        self.phone.loop.call_later(self.phone.final_within, self._still_open, self._invite_cseq)
        return True

    def take_offer_back(self) -> bool:
        """Cancel our re-INVITE; False when none is open."""
        if self.state != "up" or self._client_invite is None:
            return False
        self._send_cancel()
        return True

    def _still_open(self, cseq: int) -> None:
        if self.state == "up" and self._client_invite is not None and self._invite_cseq == cseq:
            self.phone.breach(f"{self.call_id}: a re-INVITE has no final response after {self.phone.final_within} s")

    def invited_again(self, request: Message, server: InviteServer) -> None:
        """A re-INVITE came."""
        previous = self._server_invite
        if self.state == "over" or request.from_tag != self.remote_tag:
            server.respond(481, self.phone.reply(request, 481))
        elif request.cseq <= self._remote_cseq:
            server.respond(500, self.phone.reply(request, 500))  # 12.2.2: out of order
        elif previous is not None and previous.status < 200:
            server.respond(500, self.phone.reply(request, 500, extra="Retry-After: 3"))  # 14.2
        elif self._client_invite is not None or (previous is not None and previous.offered_in_2xx):
            self._remote_cseq = request.cseq
            server.respond(491, self.phone.reply(request, 491))  # 14.2
        else:
            self._remote_cseq = request.cseq
            self._server_invite = self._awaiting_ack[request.cseq] = server
            self._target = uri(request.header("contact"))
            if self.answer_delay:
                self.phone.loop.call_later(self.answer_delay, lambda: self._answer_offer(request, server))
            else:
                self._answer_offer(request, server)

    def _answer_offer(self, request: Message, server: InviteServer) -> None:
        if server.status >= 200:
            return
        if self.refuse_offers:
            server.respond(self.refuse_offers, self.phone.reply(request, self.refuse_offers))
            return
        if request.body:
            self._offer = None
            self.offers.take_offer(request.body)
            sdp = self.offers.answer()
        else:
            sdp = self._offer = self.offers.describe("sendrecv")
        server.respond(200, self.phone.reply(request, 200, sdp=sdp.write()))
        self._changed()

    def refer(self, target: str, *, replaces: "PhoneCall | None" = None, extra: Sequence[tuple[str, str]] = ()) -> None:
        """Ask for the other party to be transferred: to a number, or into the place of this phone's other call."""
        refer_to = target if ":" in target else f"sip:{target}@{self.phone.domain}"
        if replaces is not None:
            dialog = f"{replaces.call_id};to-tag={replaces.remote_tag};from-tag={replaces.local_tag}"
            refer_to = f"{refer_to}?Replaces={quote(dialog, safe='')}"
        self._local_cseq += 1
        self.phone.send_request(
            "REFER",
            self._target,
            [
                *self._headers("REFER", self._local_cseq, self._credentials("REFER")),
                ("Contact", f"<{self.phone.contact}>"),
                ("Refer-To", f"<{refer_to}>"),
                ("Referred-By", f"<{self.phone.aor}>"),
                *extra,
            ],
            b"",
            self._next_hop(),
            self._referred,
            lambda: None,
        )

    def _referred(self, response: Message) -> None:
        if response.status >= 200:
            self.referred = response.status
            self.refer_sub = response.header("refer-sub")
            self._changed()

    def press(self, key: str) -> None:
        """Send a key as INFO, in the words that most phones use."""
        self._local_cseq += 1
        headers = [
            *self._headers("INFO", self._local_cseq, self._credentials("INFO")),
            ("Content-Type", "application/dtmf-relay"),
        ]
        body = f"Signal={key}\r\nDuration=160\r\n".encode()
        self.phone.send_request(
            "INFO", self._target, headers, body, self._next_hop(), lambda response: None, lambda: None
        )

    def want_picture(self) -> None:
        """Ask for a whole picture by INFO (RFC 5168)."""
        self._local_cseq += 1
        headers = [
            *self._headers("INFO", self._local_cseq, self._credentials("INFO")),
            ("Content-Type", "application/media_control+xml"),
        ]
        wish = b"<vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive>"
        body = b"<media_control>" + wish + b"</media_control>"
        self.phone.send_request(
            "INFO", self._target, headers, body, self._next_hop(), lambda response: None, lambda: None
        )

    async def text(self, words: str) -> int:
        """Send a message inside the call; gives the status, 408 when nothing answered."""
        self._local_cseq += 1
        headers = [
            *self._headers("MESSAGE", self._local_cseq, self._credentials("MESSAGE")),
            ("Content-Type", "text/plain"),
        ]
        answered: asyncio.Future[int] = self.phone.loop.create_future()

        def said(response: Message) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response.status)

        def lost() -> None:
            if not answered.done():
                answered.set_result(408)

        self.phone.send_request("MESSAGE", self._target, headers, words.encode(), self._next_hop(), said, lost)
        return await answered

    def informed(self, request: Message) -> None:
        """An INFO came."""
        self._remote_cseq = max(self._remote_cseq, request.cseq)
        if request.header("content-type") == "application/dtmf-relay":
            self.pressed.append(request.body.partition(b"Signal=")[2][:1].decode())
        elif request.header("content-type") == "application/media_control+xml":
            self.pictures_wanted += b"picture_fast_update" in request.body
            self._changed()

    def notified(self, request: Message) -> None:
        """What became of a transfer that was asked for."""
        self._remote_cseq = max(self._remote_cseq, request.cseq)
        if not request.header("content-type").startswith("message/sipfrag") or not request.body.startswith(b"SIP/2.0 "):
            self.phone.breach(f"{request} holds no status line (RFC 3515 2.4.5)")
            return
        if not request.header("event").startswith("refer"):
            self.phone.breach(f"{request} is of the event {request.header('event')!r} (RFC 3515 2.4.4)")
        event = request.header("event")
        if event in self._ended_subscriptions:
            self.phone.breach(f"{request} after its subscription was terminated (RFC 6665 4.2.2)")
        self.subscribed = request.header("subscription-state").partition(";")[0]
        if self.subscribed == "terminated":
            self._ended_subscriptions.add(event)
        self.told.append(int(request.body.split()[1]))
        if (self.told[-1] >= 200) != (self.subscribed == "terminated"):
            self.phone.breach(f"{request} tells {self.told[-1]} and is {self.subscribed} (RFC 3515 2.4.7)")
        self._changed()

    def hang_up(self) -> None:
        """End the call in whatever state it is."""
        if self.state in ("calling", "ringing"):
            if self.outgoing:
                self.cancel()
            else:
                self.refuse(603)
        elif self.state == "answered":
            self._hang_up_wanted = True  # 15: not before the ACK
        elif self.state == "up":
            self._bye()
            self._over("hung up")

    def cleared(self, bye: Message) -> None:
        """A BYE came, and has been answered."""
        self._remote_cseq = max(self._remote_cseq, bye.cseq)
        self.reason = bye.header("reason")
        server = self._server_invite
        if server is not None and server.status < 200:
            server.respond(487, self.phone.reply(server.request, 487, self.local_tag))  # 15.1.2
        if self.outgoing and not self.acks_sent and not self.mute_acks:
            self.phone.breach(f"{bye} before an ACK could have come, and its 2xx never did (15, 13.3.1.4)")
        self._over("cleared")

    def matches(self, request: Message) -> bool:
        """Whether a request belongs to this dialog."""
        return request.from_tag == self.remote_tag

    def _bye(self) -> None:
        self._local_cseq += 1
        self.phone.send_request(
            "BYE",
            self._target,
            self._headers("BYE", self._local_cseq, self._credentials("BYE")),
            b"",
            self._next_hop(),
            lambda response: None,
            lambda: None,
        )

    def _headers(
        self, method: str, cseq: int, credentials: list[tuple[str, str]] | None = None
    ) -> list[tuple[str, str]]:
        to = f"<{self._remote_uri}>" + (f";tag={self.remote_tag}" if self.remote_tag else "")
        headers = [
            ("Max-Forwards", "70"),
            ("From", f"{self._shown}<{self._local_uri}>;tag={self.local_tag}"),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        if method == "INVITE":
            headers += [("Contact", f"<{self.phone.contact}>"), *self.phone.says, *self.phone.extras.headers()]
            if self.replaces and not self.remote_tag:
                headers += [("Replaces", self.replaces), ("Require", "replaces")]
        return headers + (credentials or [])

    def _credentials(self, method: str) -> list[tuple[str, str]]:
        if not self._challenge:
            return []
        return [("Authorization", self.phone.answer(self._challenge, method, self._target))]

    def _next_hop(self) -> HostPort:
        return self.phone.server if self._target == self.dialled else host_of(self._target)

    def _target_from(self, response: Message) -> None:
        if response.header("contact"):
            self._target = uri(response.header("contact"))
