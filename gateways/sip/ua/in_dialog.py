"""Requests inside a dialog that are neither INVITE, ACK nor BYE: a table of what is done with each method."""

from collections.abc import Callable, Mapping

from gateways._native import RequestReceived
from gateways.sip.ua import abilities, reliable, update
from gateways.sip.ua.context import Context
from gateways.sip.ua.refer import refer
from gateways.sip.ua.requests import method_refusal, retry_after
from gateways.sip.ua.session import DTMF_RELAY, MEDIA_CONTROL, Session
from softswitch.calls.signals import DigitPressed, PictureAsked, Texted
from softswitch.kernel.messages import MOST_BYTES

MOST_TEXTS = 1000
"""Messages inside calls that await their answers."""
TEXT_SECONDS = 20.0
"""For which one waits: the party that sent it gives up after 32 (RFC 3261 section 17.1.2.2)."""
_DIGITS = frozenset("0123456789*#ABCD")


def answer(context: Context, session: Session, event: RequestReceived) -> None:
    """Answer such a request; its sequence number is in order."""
    method = event.request.method
    session.trace("in", method)
    handler = METHODS.get(method)
    if handler is not None:
        handler(context, session, event)
        return
    # A method that is handled outside dialogs only asks for what this dialog is not.
    status, headers = method_refusal(method) or (481, [])
    session.respond(event.transaction, status, method, *headers)


def _options(context: Context, session: Session, event: RequestReceived) -> None:
    session.respond(event.transaction, 200, "OPTIONS", *abilities.headers())


def _message(context: Context, session: Session, event: RequestReceived) -> None:
    """For the other party of the call, in whose dialog it goes on; the answer comes back from there."""
    request, body = event.request, event.request.body
    content_type = request.header("Content-Type")
    if len(body) > MOST_BYTES:
        session.respond(event.transaction, 413, "MESSAGE")
    elif content_type is None and body:
        # RFC 3261 section 7.4.1: a body needs one.
        session.respond(event.transaction, 400, "MESSAGE")
    elif len(context.texts) >= MOST_TEXTS:
        session.respond(event.transaction, 503, "MESSAGE", retry_after(context))
    else:
        context.texts[event.transaction] = context.timers.set(
            context.now + TEXT_SECONDS, lambda: answer_text(context, event.transaction, 408)
        )
        session.tell(Texted(event.transaction, content_type or "text/plain", body))


def answer_text(context: Context, transaction: int, status: int) -> None:
    """Tell a party what became of its message, once."""
    timer = context.texts.pop(transaction, None)
    if timer is not None:
        timer.cancel()
        context.respond(transaction, status)
        context.network.wake()


def _inform(context: Context, session: Session, event: RequestReceived) -> None:
    request = event.request
    body = request.body
    if request.header("Info-Package") is not None:
        # RFC 6086 section 4.2.2: no package was announced in Recv-Info.
        session.respond(event.transaction, 469, "INFO", ("Recv-Info", ""))
    elif body and request.content_type == MEDIA_CONTROL:
        session.respond(event.transaction, 200, "INFO")
        if b"picture_fast_update" in body:
            session.tell(PictureAsked())
    elif body and request.content_type != DTMF_RELAY:
        session.respond(event.transaction, 415, "INFO", ("Accept", f"{DTMF_RELAY}, {MEDIA_CONTROL}"))
    else:
        session.respond(event.transaction, 200, "INFO")
        pressed = _key(body)
        if pressed is not None:
            session.tell(pressed)


def _key(body: bytes) -> DigitPressed | None:
    """The key of an `application/dtmf-relay` body: lines `Signal=5` and `Duration=160` (milliseconds)."""
    digit, duration = "", 100
    for line in body.decode("ascii", "replace").splitlines():
        name, _, value = line.partition("=")
        match name.strip().lower():
            case "signal":
                digit = value.strip().upper()
            case "duration" if value.strip().isdigit():
                duration = min(int(value.strip()[:6]), 60_000)
    # Some phones number the two last keys of the pad.
    digit = {"10": "*", "11": "#"}.get(digit, digit)
    return DigitPressed(digit, duration) if digit in _DIGITS else None


METHODS: Mapping[str, Callable[[Context, Session, RequestReceived], None]] = {
    "OPTIONS": _options,
    "INFO": _inform,
    "MESSAGE": _message,
    "UPDATE": update.received,
    "PRACK": reliable.received,
    "REFER": refer,
}
