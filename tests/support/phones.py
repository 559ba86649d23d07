"""Model phones: simple, strict SIP user agents, written apart from the switch, that judge everything they receive.

A phone does what a test or its script says and notes every breach of RFC 3261 by the other side in `violations`.
"""

import asyncio
import functools
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from softswitch.kernel.address import HostPort
from tests.support import oracle
from tests.support.model_transactions import Client, InviteClient, InviteServer, Server
from tests.support.model_watcher import Conversation, Watcher
from tests.support.network import Network
from tests.support.phone_calls import PhoneCall
from tests.support.sip_text import (
    BadMessage,
    Message,
    SdpVideo,
    answer_challenge,
    build,
    param,
)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, MESSAGE, INFO"


class Extras(NamedTuple):
    """Extensions that a phone knows."""

    acknowledges: bool = False
    """Its INVITEs require reliable provisional responses (RFC 3262)."""
    rings_reliably: bool = False
    """It sends its own ones reliably to whoever supports them."""
    updates: bool = False
    """It takes UPDATE (RFC 3311)."""
    refreshed: bool = False
    """It asks to be refreshed every 90 seconds (RFC 4028)."""

    def headers(self) -> list[tuple[str, str]]:
        """What its INVITEs say of them."""
        tags = [("Supported", "100rel, timer")] if self.acknowledges or self.refreshed else []
        required = [("Require", "100rel")] if self.acknowledges else []
        interval = [("Session-Expires", "90;refresher=uas")] if self.refreshed else []
        allow = [("Allow", f"{ALLOW}, PRACK, UPDATE")] if self.updates else []
        return [*tags, *required, *interval, *allow]


class Phone:
    """One user agent at one address. `incoming` holds the calls it received unless `on_call` takes them."""

    def __init__(
        self,
        network: Network,
        loop: asyncio.AbstractEventLoop,
        address: HostPort,
        user: str,
        password: str = "",
        *,
        server: HostPort,
        domain: str = "softswitch",
        seed: int = 0,
    ) -> None:
        self.network, self.loop, self.address, self.server = network, loop, address, server
        self.user, self.password, self.domain = user, password, domain
        self.random = random.Random(f"{seed}/{user}/{address}")
        self.aor = f"sip:{user}@{domain}"
        self.contact = f"sip:{user}@{address}"
        self.violations: list[str] = []
        self.calls: list[PhoneCall] = []
        self.incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self.on_call: Callable[[PhoneCall], None] | None = None
        self.offered: tuple[str, ...] = ("0", "8", "101")
        self.sees: tuple[SdpVideo, ...] = ()
        """The video lines that it would have."""
        self.only_sends = False
        """A camera: it takes neither sound nor pictures."""
        self.algorithm = ""
        """Answer only challenges of this digest algorithm; any when empty."""
        self.says: list[tuple[str, str]] = []
        """Headers that its INVITEs bear besides."""
        self.takes_any_number = False
        """A trunk's far end: the Request-URI need not be its own Contact."""
        self.final_within = 60.0
        """Seconds within which the other side must decide on a re-INVITE."""
        self.extras = Extras()
        """What it speaks beyond RFC 3261."""
        self.expects_acks = True
        """Whether a missing ACK is a finding: in a third of loss, eleven round trips in a row do fail now and then."""
        self.dead = False
        self.challenge = ""
        """The last challenge; it is answered at once in the next request, as real phones do."""
        self._dialogs: dict[tuple[str, str], PhoneCall] = {}
        self._clients: dict[tuple[str, str], InviteClient | Client] = {}
        self._sent_branches: set[tuple[str, str]] = set()
        self._servers: dict[tuple[str, str], tuple[bytes, InviteServer | Server]] = {}
        self._invites: dict[str, PhoneCall] = {}
        self._merged: set[tuple[str, str, int]] = set()
        self._count = 0
        self._nonce_counts: dict[str, int] = {}
        self._registration = Conversation(self, "reg")
        self.watchers: list[Watcher] = []
        self.texts: asyncio.Queue[Message] = asyncio.Queue()
        """Messages that came and were taken."""
        self.mailboxes: list[str] | None = None
        """What unsolicited NOTIFYs said of the mailbox; None: they are a breach."""
        self.answers_texts_with = 200
        """The status for messages; those with another than 200 are not in `texts`."""
        self.understands: tuple[str, ...] = ()
        """The content types of messages that it takes; all when empty."""
        network.attach(address, self.receive)

    # What a person does with it ---------------------------------------------------------------------------

    def call(
        self,
        number: str,
        *,
        offer: bool = True,
        label: str = "",
        replaces: PhoneCall | None = None,
        early_only: bool = False,
        remote_tag: str = "",
    ) -> PhoneCall:
        """Dial a number or URI; `offer=False` leaves the offer to the other side.

        `replaces`: to take the place of that call (RFC 3891), under another remote tag if one is given.
        """
        call = PhoneCall(
            self, dialled=number if number.startswith("sip:") else f"sip:{number}@{self.domain}", label=label
        )
        if replaces is not None:
            call.replaces = (
                f"{replaces.call_id};to-tag={remote_tag or replaces.remote_tag};from-tag={replaces.local_tag}"
                + (";early-only" if early_only else "")
            )
        self.calls.append(call)
        call.invite(offer)
        return call

    async def rings(self, within: float = 40.0) -> PhoneCall:
        """The next call that comes in."""
        async with asyncio.timeout(within):
            return await self.incoming.get()

    async def register(self, expires: int = 3600) -> int:
        """Register (0: unregister) with digest; gives the last status, 408 when nothing answered."""
        response = await self.request(
            "REGISTER",
            f"sip:{self.domain}",
            [("Contact", f"<{self.contact}>"), ("Expires", str(expires))],
        )
        if response is None:
            return 408
        if response.status == 200:
            listed = [value for value in response.all("contact") if self.contact in value]
            if expires and not any(0 < int(param(value, "expires") or "0") <= expires for value in listed):
                self.breach(f"200 to REGISTER does not list {self.contact} with its expiry (10.3 step 8)")
            if not expires and listed:
                self.breach(f"200 to the removal of {self.contact} still lists it")
        return response.status

    def watch(self, event: str, account: str) -> Watcher:
        """A subscription to be made."""
        watcher = Watcher(self, event, account)
        self.watchers.append(watcher)
        return watcher

    async def text(self, to: str, words: str, *extra: tuple[str, str], kind: str = "text/plain") -> int:
        """Send a message; gives the status, 408 when nothing answered."""
        headers = [("Content-Type", kind), *extra]
        response = await self.request(
            "MESSAGE", f"sip:{to}@{self.domain}", headers, words.encode(), talk=Conversation(self, "msg")
        )
        return response.status if response is not None else 408

    async def reads(self, within: float = 70.0) -> str:
        """The next message that comes."""
        async with asyncio.timeout(within):
            return (await self.texts.get()).body.decode()

    async def request(
        self,
        method: str,
        request_uri: str,
        extra: list[tuple[str, str]],
        body: bytes = b"",
        *,
        talk: Conversation | None = None,
        to: str = "",
    ) -> Message | None:
        """Send a request that is part of no call, answer challenges, and give the final response; None: none came."""
        talk = talk or self._registration
        to_value = f"<{to or (self.aor if method == 'REGISTER' else request_uri)}>"
        if talk.remote_tag:
            to_value += f";tag={talk.remote_tag}"
        response: Message | None = None
        for attempt in range(3):
            credentials = []
            if self.challenge and (attempt or self.random.random() < 0.5):
                credentials = [("Authorization", self.answer(self.challenge, method, request_uri))]
            talk.cseq += 1
            headers = [
                ("Max-Forwards", "70"),
                ("From", f"<{self.aor}>;tag={talk.local_tag}"),
                ("To", to_value),
                ("Call-ID", talk.call_id),
                ("CSeq", f"{talk.cseq} {method}"),
                *extra,
                *credentials,
            ]
            done: asyncio.Future[Message | None] = self.loop.create_future()

            def finish(result: Message | None, done: "asyncio.Future[Message | None]" = done) -> None:
                if not done.done():
                    done.set_result(result)

            self.send_request(method, request_uri, headers, body, self.server, finish, functools.partial(finish, None))
            response = await done
            if response is None or response.status not in (401, 407):
                return response
            fresh = self.challenge_of(response)
            if not fresh or (credentials and param_in(fresh, "stale").lower() != "true" and attempt):
                return response
            self.challenge = fresh
        return response

    def die(self) -> None:
        """Lose power: nothing is sent or heard any more."""
        self.dead = True
        self.network.detach(self.address)

    # For PhoneCall ----------------------------------------------------------------------------------------

    def name(self, prefix: str) -> str:
        """A name never used before."""
        self._count += 1
        return f"{prefix}{self.user}{self._count}x{self.random.getrandbits(40):x}"

    def breach(self, what: str) -> None:
        """Note that the other side broke a rule."""
        if not self.dead:
            self.violations.append(f"{self.loop.time():.3f} {self.user}@{self.address}: {what}")

    def _judge(self, breaches: Iterable[str]) -> None:
        for breach in breaches:
            self.breach(breach)

    def challenge_of(self, response: Message) -> str:
        """The challenge of a 401 or 407 that this phone can answer."""
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        values = response.all(name)
        if not values:
            self.breach(f"{response.status} without {name} (22.1)")
        for value in values:
            if self.password and (not self.algorithm or (param_in(value, "algorithm") or "MD5") == self.algorithm):
                return value
        return ""

    def answer(self, challenge: str, method: str, request_uri: str) -> str:
        nonce = param_in(challenge, "nonce")
        count = self._nonce_counts[nonce] = self._nonce_counts.get(nonce, 0) + 1
        return answer_challenge(challenge, self.user, self.password, method, request_uri, self.name("c"), count)

    def send_request(
        self,
        method: str,
        request_uri: str,
        headers: list[tuple[str, str]],
        body: bytes,
        destination: HostPort,
        on_response: Callable[[Message], None],
        on_timeout: Callable[[], None],
        branch: str = "",
    ) -> InviteClient | Client:
        """A new client transaction; responses are checked against the request before they go up."""
        branch = branch or f"z9hG4bK{self.name('b')}"
        via = ("Via", f"SIP/2.0/UDP {self.address};branch={branch};rport")
        data = build(f"{method} {request_uri} SIP/2.0", [via, *headers], body)
        request = Message(data)
        key = (branch, method)
        self._sent_branches.add(key)

        def send(packet: bytes) -> None:
            self.transmit(packet, destination)

        def checked(response: Message) -> None:
            self._judge(oracle.response(request, response))
            on_response(response)

        def ack(response: Message) -> bytes:
            # 17.1.1.3: the INVITE's own branch, and the To of the response.
            kept = [(name, value) for name, value in headers if name in ("Max-Forwards", "From", "Call-ID", "Route")]
            kept += [("To", response.header("to")), ("CSeq", f"{request.cseq} ACK")]
            return build(f"ACK {request_uri} SIP/2.0", [via, *kept])

        made: InviteClient | Client
        if method == "INVITE":
            self._clients[key] = made = InviteClient(self.loop, send, data, ack, checked, on_timeout)
        else:
            self._clients[key] = made = Client(self.loop, send, data, checked, on_timeout)
        return made

    def transmit(self, data: bytes, destination: HostPort) -> None:
        if not self.dead:
            self.network.send(data, self.address, destination)

    def remember(self, call: PhoneCall) -> None:
        """The call has a dialog now."""
        self._dialogs[call.call_id, call.local_tag] = call

    def reply(self, request: Message, status: int, to_tag: str = "", *, sdp: bytes = b"", extra: str = "") -> bytes:
        """A response's bytes: what 8.2.6.2 copies, our Contact and what else is given as `Name: value`."""
        to = request.header("to")
        if to_tag and not request.to_tag:
            to += f";tag={to_tag}"
        headers = [("Via", value) for value in request.all("via")]
        headers += [("Record-Route", value) for value in request.all("record-route")]
        headers += [("From", request.header("from")), ("To", to), ("Call-ID", request.call_id)]
        headers.append(("CSeq", request.header("cseq")))
        if request.method == "INVITE" and 100 < status < 300:
            headers.append(("Contact", f"<{self.contact}>"))
        if status in (200, 405):
            headers.append(("Allow", f"{ALLOW}, PRACK, UPDATE" if self.extras.updates else ALLOW))
        if extra:
            name, _, value = extra.partition(": ")
            headers.append((name, value))
        return build(f"SIP/2.0 {status} {REASONS.get(status, 'Whatever')}", headers, sdp)

    # What comes in ----------------------------------------------------------------------------------------

    def receive(self, data: bytes, source: HostPort) -> None:
        try:
            message = Message(data)
        except (BadMessage, ValueError, IndexError) as error:
            self.breach(f"cannot read {data[:60]!r}: {error}")
            return
        if message.status:
            key = (message.branch, message.method)
            client = self._clients.get(key)
            if client is not None:
                client.receive(message)
            elif key not in self._sent_branches:
                self.breach(f"{message} answers nothing that was sent (18.1.2)")
            return
        self._request_received(data, message, source)

    def _request_received(self, data: bytes, request: Message, source: HostPort) -> None:
        method = request.method
        key = (request.branch, "INVITE" if method == "ACK" else method)
        seen = self._servers.get(key)
        if method == "ACK":
            self._ack_received(request, seen)
            return
        if seen is not None:
            if seen[0] != data:
                self.breach(f"{request} sent again, but not the same bytes (17.1)")
            seen[1].repeated()
            return
        anyone = self.takes_any_number and not request.to_tag
        self._judge(oracle.request(request, source, "" if anyone or request.method == "CANCEL" else self.contact))

        def send(packet: bytes) -> None:
            self.transmit(packet, source)

        call = self._dialogs.get((request.call_id, request.to_tag)) if request.to_tag else None
        if method == "INVITE":
            if not request.to_tag:
                call = PhoneCall(self, dialled="", request=request)
            elif call is None:
                self._plain(data, request, send, 481)
                return
            assert call is not None
            invite = InviteServer(self.loop, send, request, lambda: call.no_ack(invite))
            self._servers[key] = data, invite
            self._invites[request.branch] = call
            if request.to_tag:
                call.invited_again(request, invite)
                return
            merged = (request.call_id, request.from_tag, request.cseq)
            if merged in self._merged:
                self.breach(f"{request} came by a second branch (8.2.2.2: the phone sees one request twice)")
            self._merged.add(merged)
            self.calls.append(call)
            call.invited(request, invite)
            if self.on_call is not None:
                self.on_call(call)
            else:
                self.incoming.put_nowait(call)
        elif method == "CANCEL":
            entry = self._servers.get((request.branch, "INVITE"))
            if entry is None:
                self.breach(f"{request} matches no INVITE (9.1: only once a provisional response has come)")
                self._plain(data, request, send, 481)
                return
            assert isinstance(entry[1], InviteServer)
            self._judge(oracle.cancel(request, entry[1].request))
            owner = self._invites[request.branch]
            self._plain(data, request, send, 200, owner.local_tag)
            owner.cancelled(request, entry[1])
        elif method == "BYE":
            if call is None or not call.matches(request):
                if (request.call_id, request.to_tag) not in self._dialogs:
                    self.breach(f"{request} names no dialog of this phone")
                self._plain(data, request, send, 481)
                return
            self._plain(data, request, send, 200)
            call.cleared(request)
        elif method == "OPTIONS":
            known = not request.to_tag or (call is not None and call.state != "over")
            self._plain(data, request, send, 200 if known else 481)
        elif method == "INFO" and call is not None:
            self._plain(data, request, send, 200)
            call.informed(request)
        elif method == "MESSAGE":
            if request.all("contact"):
                self.breach(f"{request} has a Contact (RFC 3428 section 4)")
            if request.to_tag and call is None:
                self.breach(f"{request} names no dialog of this phone")
            status = self.answers_texts_with
            if self.understands and request.header("content-type") not in self.understands:
                status = 415
            if status == 200:
                self.texts.put_nowait(request)
            self._plain(data, request, send, status)
        elif method == "PRACK":
            if call is not None and call.matches(request):
                call.pracked(request)
                self._plain(data, request, send, 200)
            else:
                self._plain(data, request, send, 481)
        elif method == "UPDATE" and self.extras.updates:
            if call is None or not call.matches(request):
                self._plain(data, request, send, 481)
            else:
                self._updated(data, request, send, call)
        elif method == "NOTIFY":
            if call is not None and call.matches(request):
                self._plain(data, request, send, 200)
                call.notified(request)
            else:
                self._notified(data, request, send)
        else:
            self._plain(data, request, send, 405)

    def _notified(self, data: bytes, request: Message, send: Callable[[bytes], None]) -> None:
        for watcher in self.watchers:
            if watcher.talk.call_id == request.call_id and watcher.talk.local_tag == request.to_tag:
                status = watcher.notified(request)
                if not watcher.deaf:
                    self._plain(data, request, send, status)
                return
        if self.mailboxes is not None and request.header("event") == "message-summary" and not request.to_tag:
            self.mailboxes.append(request.body.decode())
            self._plain(data, request, send, 200)
            return
        self.breach(f"{request} names no subscription of this phone")
        self._plain(data, request, send, 481)

    def _updated(self, data: bytes, request: Message, send: Callable[[bytes], None], call: PhoneCall) -> None:
        """An UPDATE, which refreshes the session and offers nothing."""
        status = call.updated(request)
        interval = request.header("session-expires")
        server = Server(self.loop, send, request)
        self._servers[request.branch, request.method] = data, server
        extra = f"Session-Expires: {interval}" if status == 200 and interval else ""
        server.respond(self.reply(request, status, call.local_tag, extra=extra))

    def _plain(self, data: bytes, request: Message, send: Callable[[bytes], None], status: int, tag: str = "") -> None:
        server = Server(self.loop, send, request)
        self._servers[request.branch, request.method] = data, server
        server.respond(self.reply(request, status, tag or self.name("t")))

    def _ack_received(self, ack: Message, seen: tuple[bytes, InviteServer | Server] | None) -> None:
        if seen is not None and isinstance(seen[1], InviteServer):
            if seen[1].status < 300:
                self.breach("the ACK for a 2xx has the INVITE's branch (13.2.2.4, 8.1.1.7)")
            elif seen[1].ack():
                self._judge(oracle.ack_of_refusal(ack, seen[1].request))
            return
        call = self._dialogs.get((ack.call_id, ack.to_tag))
        if call is None:
            self.breach(f"{ack} acknowledges nothing")
            return
        call.acknowledged(ack)

    def left(self) -> list[str]:
        """What has not come to its end: calls and transactions."""
        rest = [f"call {call.call_id} is {call.state}" for call in self.calls if call.state != "over"]
        rest += [f"client {key}" for key, client in self._clients.items() if not client.over]
        rest += [
            f"server {key}" for key, (_, server) in self._servers.items() if not server.over and server_busy(server)
        ]
        return rest


def server_busy(server: InviteServer | Server) -> bool:
    return not (isinstance(server, InviteServer) and server.status < 200 and server.over)


def param_in(challenge: str, name: str) -> str:
    """A parameter of a challenge, unquoted."""
    for part in challenge.partition(" ")[2].split(","):
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""


REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    302: "Moved Temporarily",
    404: "Not Found",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    415: "Unsupported Media Type",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    603: "Decline",
}
