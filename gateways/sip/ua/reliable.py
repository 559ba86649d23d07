"""Reliable provisional responses (RFC 3262), both roles: those of a party that we dial are acknowledged in order, and
those to a caller who wants it so are sent until it acknowledges them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateways._native import RequestReceived, ResponseReceived
from gateways.sip.ua.addressing import contact_uri
from gateways.sip.ua.context import Context
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.requests import names_option
from gateways.sip.ua.timers import Timer

if TYPE_CHECKING:
    from gateways.sip.ua.session import Session

OPTION = "100rel"
_MOST_FORKS = 32
_MOST_WAITING = 8
_PATIENCE = 64
"""Multiples of T1."""


class Acknowledger:
    """The client's role: one INVITE of ours, and every party that a proxy on the way has forked it to."""

    __slots__ = ("_last", "_session", "answered")

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._last: dict[str, int] = {}
        """The number acknowledged last, by the tag of the party."""
        self.answered: set[str] = set()
        """The tags of those whose answer came reliably: it is the answer, whatever the 2xx says (section 5)."""

    def take(self, event: ResponseReceived, rseq: str) -> bool:
        """Acknowledge a response that bears an RSeq; False when it comes again or out of order, and is nothing new."""
        response, session = event.response, self._session
        tag = response.to_tag
        if not tag or not rseq.isascii() or not rseq.isdigit() or len(rseq) > 10:
            return False
        number, last = int(rseq), self._last.get(tag)
        # Section 4: "Once [...] the first", the next must be "one higher than the last"; others are passed over, and
        # one that comes again needs no second PRACK, which has a transaction of its own.
        if (last is None and len(self._last) >= _MOST_FORKS) or (last is not None and number != last + 1):
            return False
        self._last[tag] = number
        dialog = self._dialog(event)
        if dialog is not None:
            session.trace("out", "PRACK")
            rack = ("RAck", f"{number} {response.cseq} INVITE")
            session.context.request_in(dialog, "PRACK", [rack, session.context.product], b"", _whatever)
        return True

    def _dialog(self, event: ResponseReceived) -> Dialog | None:
        """The early dialog of a response. The first one's becomes the session's, in which UPDATE works both ways."""
        response, session = event.response, self._session
        ours = session.dialog
        if ours.remote_tag == response.to_tag:
            return ours
        contact = response.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        if target is None:
            return None  # it names no place to send the PRACK to
        if not ours.remote_tag:
            ours.confirmed(response, target, event.transport, event.source)
            session.peer_updates = names_option(response, "Allow", "UPDATE")
            return ours
        fork = Dialog(
            call_id=ours.call_id,
            local=ours.local,
            local_tag=ours.local_tag,
            local_cseq=ours.next_cseq(),
            remote="",
            remote_tag="",
            remote_cseq=-1,
            remote_target=target,
            route_set=(),
            transport=event.transport,
            peer=event.source,
        )
        fork.auth, fork.pinned = ours.auth, ours.pinned
        fork.confirmed(response, target, event.transport, event.source)
        return fork


class ReliableResponses:
    """The server's role: the provisional responses to one INVITE, each sent after T1, 2*T1, 4*T1 ... until its PRACK
    comes (section 3), one at a time."""

    __slots__ = (
        "_awaited",
        "_context",
        "_gives_up_at",
        "_interval",
        "_invite",
        "_number",
        "_open",
        "_tag",
        "_timer",
        "_transaction",
        "_unheard",
        "_waiting",
    )

    def __init__(
        self, context: Context, transaction: int, invite: int, to_tag: str, unheard: Callable[[], None]
    ) -> None:
        """`invite` is the INVITE's CSeq; `unheard` is called when no PRACK came in 64*T1."""
        self._context = context
        self._transaction = transaction
        self._invite = invite
        self._tag = to_tag
        self._unheard = unheard
        # The first is "chosen uniformly between 1 and 2**31 - 1"; half of that leaves room to count.
        self._number = int(context.tokens.between(1.0, 2.0**30))
        self._awaited = False
        """Whether the last one sent is not acknowledged."""
        self._open: tuple[int, list[tuple[str, str]], bytes] | None = None
        self._waiting: list[tuple[int, list[tuple[str, str]], bytes]] = []
        self._timer: Timer | None = None
        self._interval = 0.0
        self._gives_up_at = 0.0

    @property
    def describes(self) -> bool:
        """Whether a response that holds a description is not acknowledged: until then there may be no 2xx."""
        return any(body for _, _, body in [*([self._open] if self._open else []), *self._waiting])

    def send(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a provisional response once those before it are acknowledged."""
        if self._open is not None:
            # "The UAS MUST NOT send a second reliable provisional response until the first is acknowledged."
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((status, list(headers), body))
            return
        self._number += 1
        self._awaited = True
        reliable = [("Require", OPTION), ("RSeq", str(self._number))]
        self._open = (status, [*headers, *reliable], body)
        context = self._context
        self._interval = context.settings.t1
        self._gives_up_at = context.now + _PATIENCE * context.settings.t1
        self._again()

    def acknowledged(self, rack: str | None) -> bool:
        """A PRACK's RAck; False when there is nothing of that number to acknowledge."""
        if not self._awaited or rack is None or rack.split() != [str(self._number), str(self._invite), "INVITE"]:
            return False
        self._awaited = False
        self._open = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return True

    def go_on(self) -> None:
        """Send what has waited for an acknowledgement."""
        if self._open is None and self._waiting:
            self.send(*self._waiting.pop(0))

    def stop(self) -> None:
        """There is a final response: nothing is sent again; a PRACK under way is still answered 200."""
        self._open = None
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        context = self._context
        if self._open is None:
            return
        if context.now >= self._gives_up_at:
            self.stop()
            self._unheard()
            return
        status, headers, body = self._open
        context.respond(self._transaction, status, headers, body, to_tag=self._tag)
        self._timer = context.timers.set(min(context.now + self._interval, self._gives_up_at), self._again)
        self._interval *= 2


def received(context: Context, session: "Session", event: RequestReceived) -> None:
    """A caller's PRACK; its sequence number is in order."""
    request = event.request
    if not session.acknowledged_early(request.header("RAck")):
        # Section 3: a PRACK that "does not match any unacknowledged reliable provisional response" meets 481.
        session.respond(event.transaction, 481, "PRACK")
        return
    if request.body:
        session.exchanging().updated(event)
    else:
        session.respond(event.transaction, 200, "PRACK")
    session.go_on_early()


def _whatever(event: ResponseReceived | None, failure: str) -> None:
    """How the PRACK fares is the INVITE's affair: without one the party gives up."""
