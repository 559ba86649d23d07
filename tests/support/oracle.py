"""What RFC 3261 lets a peer send: each breach as a sentence with its section. Numbers without a name are RFC 3261's."""

from collections.abc import Iterator

from softswitch.kernel.address import HostPort
from tests.support.sip_text import BadMessage, Message, Sdp, host_of, uri


def request(received: Message, source: HostPort, contact: str) -> Iterator[str]:
    """A request from a user agent at `source` to a phone whose Contact is `contact` (empty: it takes any)."""
    if not received.branch.startswith("z9hG4bK") or len(received.branch) < 12:
        yield f"{received} has the branch {received.branch!r} (8.1.1.7)"
    via = received.header("via")
    if HostPort.parse(via.split(" ")[1].partition(";")[0], 5060) != source:
        yield f"{received}: Via {via} but it came from {source} (18.1.1)"
    if not received.from_tag:
        yield f"{received} has no From tag (8.1.1.3)"
    hops = received.header("max-forwards")
    if not hops.isdigit() or int(hops) > 70:
        yield f"{received} has Max-Forwards {hops!r} (8.1.1.6)"
    if not 0 <= received.cseq < 2**31:
        yield f"{received}: CSeq out of range (8.1.1.5)"
    if contact and contact not in (received.request_uri, received.request_uri.partition(";")[0]):
        yield f"{received} is not for {contact} (12.2.1.1, 16.6)"
    if received.method in ("INVITE", "NOTIFY"):
        contacts = received.all("contact")
        if len(contacts) != 1 or host_of(uri(contacts[0])) != source:
            yield f"{received} has the Contact {contacts} (8.1.1.8)"
    yield from _body(received)


def response(sent: Message, received: Message) -> Iterator[str]:
    """A response to a request that was sent."""
    if len(received.all("via")) != 1 or received.branch != sent.branch:
        yield f"{received}: its Via is not the request's (8.2.6.2)"
    if received.header("from") != sent.header("from") or received.call_id != sent.call_id:
        yield f"{received}: From and Call-ID are not the request's (8.2.6.2)"
    if received.cseq != sent.cseq:
        yield f"{received}: CSeq is not the request's {sent.cseq} (8.2.6.2)"
    if received.status > 100 and not received.to_tag:
        yield f"{received} has no To tag (8.2.6.2)"
    if sent.to_tag and received.to_tag and sent.to_tag != received.to_tag:
        yield f"{received} changes the To tag (8.2.6.2)"
    if sent.method == "INVITE" and 100 < received.status < 300:
        contacts = received.all("contact")
        if len(contacts) != 1 or not uri(contacts[0]).startswith("sip:"):
            yield f"{received} has the Contact {contacts} (12.1.1)"
    if received.status == 405 and not received.header("allow"):
        yield f"{received} has no Allow (21.4.6)"
    yield from _body(received)


def cancel(received: Message, invite: Message) -> Iterator[str]:
    """A CANCEL of an INVITE."""
    same = ("call-id", "from", "to", "route")
    if (
        received.request_uri != invite.request_uri
        or received.cseq != invite.cseq
        or any(received.header(name) != invite.header(name) for name in same)
        or len(received.all("via")) != 1
    ):
        yield f"{received} is not its INVITE's twin (9.1)"


def ack_of_refusal(received: Message, invite: Message) -> Iterator[str]:
    """An ACK of a final response above 2xx to an INVITE."""
    if (
        received.cseq != invite.cseq
        or received.request_uri != invite.request_uri
        or not received.to_tag
        or received.body
    ):
        yield f"{received} is not as 17.1.1.3 builds it"


def _body(message: Message) -> Iterator[str]:
    if not message.header("content-length"):
        yield f"{message} has no Content-Length (20.14: SHOULD)"
    if not message.body or message.method in ("NOTIFY", "MESSAGE", "INFO"):
        return
    if message.header("content-type").lower() != "application/sdp":
        yield f"{message} has a body of {message.header('content-type')!r}"
        return
    try:
        Sdp.read(message.body)
    except (BadMessage, ValueError, IndexError) as error:
        yield f"{message}: its SDP cannot be read: {error}"
