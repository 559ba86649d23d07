"""UPDATE (RFC 3311): a session refreshed or changed by one request and one response, before its answer too."""

from gateways._native import RequestReceived
from gateways.sip.ua import asked
from gateways.sip.ua.context import Context
from gateways.sip.ua.session import Session


def received(context: Context, session: Session, event: RequestReceived) -> None:
    """A party's UPDATE; its sequence number is in order."""
    session.peer_updates = True  # who sends one takes one
    if session.leg is None:
        session.respond(event.transaction, 481, "UPDATE")
    elif event.request.body:
        session.exchanging().updated(event)
    elif (refresh := asked.read(session, event)) is not None:
        session.timed(refresh.terms)
        headers = (
            session.contact(),
            context.allow,
            *refresh.terms_said,
        )
        session.respond(event.transaction, 200, "UPDATE", *headers)
