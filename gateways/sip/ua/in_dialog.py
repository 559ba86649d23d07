"""Requests inside a dialog that are neither INVITE, ACK nor BYE: a table of what is done with each method."""

from collections.abc import Callable, Mapping

from gateways._native import RequestReceived
from gateways.sip.ua import abilities, reliable, update
from gateways.sip.ua.context import Context
from gateways.sip.ua.refer import refer
from gateways.sip.ua.requests import method_refusal
from gateways.sip.ua.session import DTMF_RELAY, MEDIA_CONTROL, Session
from softswitch.calls.signals import DigitPressed, PictureAsked

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


def _no_message(context: Context, session: Session, event: RequestReceived) -> None:
    # The parties of a call are two dialogs, and only sound passes between them; messages go from account to account.
    session.respond(event.transaction, 405, "MESSAGE", context.allow)


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
    "MESSAGE": _no_message,
    "UPDATE": update.received,
    "PRACK": reliable.received,
    "REFER": refer,
}
