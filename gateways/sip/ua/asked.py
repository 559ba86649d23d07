"""What a party's request inside a dialog asks of the session: read and checked, before anything is decided."""

from typing import TYPE_CHECKING, NamedTuple

from gateways._native import RequestReceived, SessionDescription
from gateways.sip.ua import session_timer
from gateways.sip.ua.requests import Refusal, described_body, sdp_refusal
from gateways.sip.ua.session_timer import Terms
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.media import MediaDescription

if TYPE_CHECKING:
    from gateways.sip.ua.session import Session


class Asked(NamedTuple):
    """A request that may change the session."""

    method: str
    transaction: int
    cseq: int
    theirs: SessionDescription | None
    """Its offer; None: it asks for ours (INVITE), or changes nothing (UPDATE)."""
    media: MediaDescription | None
    """What `theirs` says."""
    terms: Terms | None
    """The session timer that our 2xx agrees to."""
    terms_said: tuple[tuple[str, str], ...]
    """What the 2xx says of it."""


def read(session: "Session", event: RequestReceived) -> Asked | None:
    """What the request asks for; None when it was refused. The peer's new Contact is taken (RFC 3261, 12.2.2)."""
    request, context = event.request, session.context
    method = request.method
    if method == "INVITE":
        session.trace("in", f"INVITE {request.uri}")
    refusal: Refusal | None = session_timer.refusal(request, context.settings) or sdp_refusal(request)
    if refusal is not None:
        session.respond(event.transaction, refusal[0], method, *refusal[1])
        return None
    try:
        theirs = described_body(request)
        media = session.described(theirs)
    except RemoteProtocolError as error:
        session.respond(event.transaction, error.status_hint, method)
        return None
    session.dialog.refresh_target(request.header("Contact"))
    terms = session_timer.asked(request, context.settings, session.terms)
    said = tuple(terms.in_response(request)) if terms is not None else ()
    return Asked(method, event.transaction, request.cseq, theirs, media, terms, said)
