"""MESSAGE (RFC 3428): from accounts to the switch, and from the switch to phones."""

from collections.abc import Callable
from functools import partial

from gateways._native import RequestReceived, ResponseReceived
from gateways.sip.ua.addressing import display_name, escaped_user, party_address, user_of
from gateways.sip.ua.admission import Admission
from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.dialog import Headers
from gateways.sip.ua.next_hop import find_hops
from gateways.sip.ua.requests import retry_after
from softswitch.calls.signals import Target
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.messages import MOST_BYTES, Delivery, Taken, TextMessage
from softswitch.ports.messages import Messages

_ANSWERS = {
    Taken.DELIVERED: 200,
    # Section 7: "a UAS which is [a relay] that has stored the message [...] SHOULD return a 202 (Accepted)".
    Taken.KEPT: 202,
    Taken.NO_SUCH_ACCOUNT: 404,
    Taken.FULL: 480,
    Taken.OFFLINE: 480,
    Taken.UNABLE: 503,
}
_NOT_UNDERSTOOD = frozenset({406, 415, 488})
_LATER = frozenset({408, 430, 480, 481, 486, 500, 502, 503, 504})
"""Responses after which another try may bring another answer."""


class Messenger:
    """Takes messages from accounts, and delivers messages to phones."""

    def __init__(self, context: Context, admission: Admission, messages: Messages) -> None:
        self._context = context
        self._admission = admission
        self._messages = messages

    def messaging(self, event: RequestReceived) -> None:
        """A MESSAGE outside a dialog."""
        request, context = event.request, self._context
        if request.max_forwards == 0:
            context.respond(event.transaction, 483)
            return
        origin = self._admission.caller(request, HostPort(*event.source), self._context.transports.get(event.transport))
        if isinstance(origin, tuple):
            context.counts["challenged"] += 1
            context.respond(event.transaction, *origin)
            return
        if origin.kind != "account":
            # Policy: who is known by an address alone, a trunk or a load tester, sends no messages.
            context.respond(event.transaction, 403)
            return
        body = request.body
        if len(body) > MOST_BYTES:
            context.respond(event.transaction, 413)
            return
        content_type = request.header("Content-Type")
        if content_type is None and body:
            # RFC 3261 section 7.4.1: a body needs one.
            context.respond(event.transaction, 400, reason="Missing Content-Type")
            return
        said = request.header("Expires")
        lifetime = int(said[:9]) if said is not None and said.isascii() and said.isdigit() else None
        # From proves nothing: the sender is the account whose password was known.
        sender = Party(origin.name, display_name(request.header("From") or ""))
        message = TextMessage(sender, user_of(request.uri), content_type or "text/plain", body)
        self._messages.received(origin, message, lifetime, partial(self._answer, event.transaction))

    def _answer(self, transaction: int, taken: Taken) -> None:
        headers = [retry_after(self._context)] if taken is Taken.UNABLE else []
        self._context.respond(transaction, _ANSWERS[taken], headers)
        self._context.network.wake()

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        """Send a message to a phone; `done` is told what it said, never before this returns."""
        context = self._context
        if target.connection is not None and target.address is not None and target.connection in context.transports:
            self._send((target.connection, target.address), target, message, done)
            return
        find_hops(
            context, target, lambda hops: self._send(context.way_to(hops[0]) if hops else None, target, message, done)
        )

    def _send(self, way: Way | None, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        context, tokens = self._context, self._context.tokens
        host = context.settings.host
        # Section 4: a MESSAGE makes no dialog, and "MUST NOT insert Contact header fields".
        headers: Headers = [
            ("From", f"{party_address(message.from_, host)};tag={tokens.token()}"),
            ("To", f"<sip:{escaped_user(message.to)}@{host}>"),
            ("Call-ID", tokens.token() + tokens.token()),
            ("CSeq", "1 MESSAGE"),
            *(("Route", route) for route in target.path),
            context.product,
            ("Content-Type", message.content_type),
        ]
        try:
            context.request(way, "MESSAGE", target.uri, headers, message.body, partial(_said, done))
        except ValueError:
            # The engine prints no line breaks into a header: someone wrote one into a name or a type.
            context.timers.set(context.now, partial(done, Delivery.REFUSED))


def _said(done: Callable[[Delivery], None], event: ResponseReceived | None, failure: str) -> None:
    if event is None:
        done(Delivery.UNREACHABLE)
        return
    status = event.response.status
    if status < 200:
        return
    if status < 300:
        done(Delivery.DELIVERED)
    elif status in _NOT_UNDERSTOOD:
        done(Delivery.NOT_UNDERSTOOD)
    else:
        done(Delivery.UNREACHABLE if status in _LATER else Delivery.REFUSED)
