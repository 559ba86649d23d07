"""A dialog as it is written down, so that the process after this one goes on with it: session → record → session.

What is under way is not kept: an offer that nobody has answered is as if it had not been made, and is put right by
another.
A restored dialog counts its own requests on from far ahead, so that a record which is a little too old does no harm.
"""

from msgspec import Struct, json

from gateways._native import ResponseReceived
from gateways.sip.ua.context import Context
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.digest_client import DigestClient, DigestRecord
from gateways.sip.ua.sdp import MIME, LocalDescription, LocalRecord
from gateways.sip.ua.server_location import Hop
from gateways.sip.ua.session import ESTABLISHED, Session, State
from gateways.sip.ua.session_timer import SessionTimer, Terms
from softswitch.calls.restored import RestoredLeg
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription

AHEAD = 1000
"""RFC 3261 section 12.2.1.1: the numbers of requests inside a dialog must increase, and need not be contiguous."""


class TimerRecord(Struct, frozen=True, gc=False):
    """A session timer that runs."""

    interval: int
    ours: bool
    ends_at: int
    """Wall milliseconds: when the session is over unless it is refreshed."""


class DialogRecord(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One established leg. It holds keys and passwords: whoever stores it seals it."""

    call_id: str
    local: str
    local_tag: str
    local_cseq: int
    remote: str
    remote_tag: str
    remote_cseq: int
    remote_target: str
    route_set: tuple[str, ...] = ()
    kind: str
    """Of the transport that it was made on, or came by last."""
    contact: str
    """Our Contact there: by it the same socket is found among several."""
    peer: tuple[str, int]
    pinned: bool
    session_id: tuple[str, str] | None = None
    auth: DigestRecord | None = None
    owns_call_id: bool
    peer_updates: bool = False
    focus: str = ""
    timer: TimerRecord | None = None
    said: LocalRecord
    remote_media: MediaDescription | None
    offering: bool = False
    """Whether an offer of ours had no answer."""
    acknowledges: int | None = None
    """The number of our last INVITE, where its ACK may have been lost, or never sent."""


class RestoredSession(Session):
    """A leg that another process has set up, whoever called."""

    __slots__ = ()

    table = ESTABLISHED


_encode = json.Encoder().encode
_decode = json.Decoder(DialogRecord).decode


def remembered(session: Session, wall_ms: int) -> bytes | None:
    """A leg's dialog, written down; None where there is none that is established.

    One whose ACK is still due counts as established: nobody misses an ACK of which nothing depends.
    """
    if session.state not in (State.ESTABLISHED, State.ANSWERED):
        return None
    dialog, context, timer, exchange = session.dialog, session.context, session.timer, session.exchange
    transport = context.transports.get(dialog.transport)
    remote_cseq = dialog.remote_cseq
    if exchange is not None and exchange.theirs_is_open:
        remote_cseq -= 1  # it comes again, and is then taken as if it had not come before
    return _encode(
        DialogRecord(
            call_id=dialog.call_id,
            local=dialog.local,
            local_tag=dialog.local_tag,
            local_cseq=dialog.local_cseq,
            remote=dialog.remote,
            remote_tag=dialog.remote_tag,
            remote_cseq=remote_cseq,
            remote_target=dialog.remote_target,
            route_set=dialog.route_set,
            kind=transport.kind if transport is not None else "",
            contact=transport.contact[1] if transport is not None else "",
            peer=dialog.peer,
            pinned=dialog.pinned,
            session_id=dialog.session_id,
            auth=dialog.auth.remembered() if dialog.auth is not None else None,
            owns_call_id=session.owns_call_id,
            peer_updates=session.peer_updates,
            focus=session.focus,
            timer=None
            if timer is None
            else TimerRecord(*timer.terms, wall_ms + round((timer.ends_at - context.now) * 1000)),
            said=session.sdp.remembered(),
            remote_media=session.remote_media,
            offering=exchange is not None and exchange.ours_is_open,
            acknowledges=session.acknowledges,
        )
    )


def restore(context: Context, leg: LegId, written: bytes, wall_ms: int) -> RestoredLeg:
    """Go on with a dialog, as the leg that it was. Raises ValueError for what `remembered` never wrote."""
    record = _decode(written)
    dialog = Dialog(
        call_id=record.call_id,
        local=record.local,
        local_tag=record.local_tag,
        local_cseq=record.local_cseq + AHEAD,
        remote=record.remote,
        remote_tag=record.remote_tag,
        remote_cseq=record.remote_cseq,
        remote_target=record.remote_target,
        route_set=record.route_set,
        transport=_transport(context, record),
        peer=record.peer,
    )
    dialog.pinned, dialog.session_id = record.pinned, record.session_id
    if record.auth is not None:
        dialog.auth = DigestClient.restored(record.auth, context.tokens.token)
    session = RestoredSession(context, dialog, State.ESTABLISHED, owns_call_id=record.owns_call_id)
    renamed = session.sdp.renamed
    session.sdp = LocalDescription.restored(record.said, context.tokens.key)
    session.sdp.renamed = renamed
    session.peer_updates, session.remote_media = record.peer_updates, record.remote_media
    session.focus = record.focus
    session.leg = leg
    context.legs[leg] = session
    if record.timer is not None:
        session.timer = SessionTimer(session, Terms(record.timer.interval, record.timer.ours))
        session.timer.resume(context.now + (record.timer.ends_at - wall_ms) / 1000)
    if record.acknowledges is not None and dialog.transport:
        # Its 2xx may come again and again, and finds no transaction of ours: without an ACK the party would send BYE
        # (RFC 3261 section 13.3.1.4). Who has got one already takes no notice of another.
        context.acknowledge(dialog, record.acknowledges, b"")
    if dialog.transport:
        _ask(session)
    return RestoredLeg(session.sdp.agreed, session.remote_media, record.offering)


def _ask(session: Session) -> None:
    """Ask the party whether it still knows of the dialog: a BYE of ours may have been the last that nobody wrote down.
    Only a plain no counts (RFC 5057 section 5.1: a 481 ends it); who says nothing may be one that never does."""

    def answered(event: ResponseReceived | None, failure: str) -> None:
        if event is not None and event.response.status == 481 and session.state is State.ESTABLISHED:
            session.trace("in", "481 (OPTIONS)")
            session.end(Cause.NORMAL_CLEARING, by_party=True, status=481)
            session.forget()

    context = session.context
    session.trace("out", "OPTIONS")
    context.request_in(session.dialog, "OPTIONS", [("Accept", MIME), context.product], b"", answered)


def _transport(context: Context, record: DialogRecord) -> int:
    """The socket that the dialog was on, or another of its family; 0: its connection is gone, and none is made before
    there is something to say."""
    for number, transport in context.transports.items():
        if transport.contact[1] == record.contact and not transport.stream:
            return number
    if record.kind == "udp":
        return context.network.transport_to(Hop("udp", *record.peer)) or 0
    return 0
