"""A 2xx that nobody waits for: another branch of a fork, or one that comes after its session was forgotten.

Whoever sent it believes that it talks to us, so it is acknowledged and told BYE at once (RFC 3261 section
13.2.2.4). The response itself holds all that this takes.
"""

from gateways._native import ResponseReceived
from gateways.sip.ua.addressing import contact_uri
from gateways.sip.ua.causes import reason_of
from gateways.sip.ua.context import Context
from gateways.sip.ua.dialog import Dialog
from softswitch.kernel.cause import Cause


def turn_away(context: Context, event: ResponseReceived, body: bytes = b"", *, pinned: bool = True) -> None:
    """Acknowledge a 2xx to an INVITE, with `body` where it holds an offer, and end its dialog. `pinned`: see `Dialog`;
    so is one that nobody knows the call of any more."""
    response = event.response
    contact = response.header("Contact")
    target = contact_uri(contact) if contact is not None else None
    if target is None:
        return  # it names no place to send the ACK to
    dialog = Dialog(
        call_id=response.call_id,
        local=response.header("From") or "",
        local_tag=response.from_tag,
        local_cseq=response.cseq,
        remote="",
        remote_tag="",
        remote_cseq=-1,
        remote_target=target,
        route_set=(),
        transport=event.transport,
        peer=event.source,
    )
    dialog.pinned = pinned
    dialog.confirmed(response, target, event.transport, event.source)
    context.acknowledge(dialog, response.cseq, body)
    uri, headers = dialog.request("BYE", dialog.next_cseq())
    headers.append(("Reason", reason_of(Cause.ANSWERED_ELSEWHERE, elsewhere=True)))
    context.request(context.way(dialog), "BYE", uri, headers, b"", _whatever)


def _whatever(event: ResponseReceived | None, failure: str) -> None:
    """How the BYE fares is of no consequence."""
