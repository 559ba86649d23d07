"""An INVITE that asks for a new call: checked, recognised, and told to the switch (RFC 3261 section 8.2)."""

import structlog
from msgspec import structs

from gateways._native import RequestReceived, SipRequest
from gateways.sip.ua import session_id, session_timer
from gateways.sip.ua.addressing import contact_uri
from gateways.sip.ua.admission import Admission, incoming
from gateways.sip.ua.context import Context
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.invite_server import InviteServer, MergeKey
from gateways.sip.ua.replaces import replaced_leg
from gateways.sip.ua.requests import Refusal, retry_after, sdp_refusal
from gateways.sip.ua.sdes import Sdes, clear_signalling
from softswitch.calls.signals import HangUp, Incoming, Origin
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected, RemoteProtocolError
from softswitch.kernel.media import Srtp
from softswitch.ports.signalling import SignallingEvents

log = structlog.get_logger(__name__)


class Reception:
    """Where new calls come in."""

    def __init__(self, context: Context, admission: Admission) -> None:
        self._context = context
        self._admission = admission
        self._merging: dict[MergeKey, InviteServer] = {}
        self.events: SignallingEvents | None = None
        self.arriving: InviteServer | None = None
        """A call that the switch is being told of and has not named yet."""
        self.draining = False
        """Whether new calls are refused with 503, because the switch is about to stop."""

    def invited(self, event: RequestReceived) -> None:
        """Take the checks in the order of section 8.2, and tell the switch of what passes."""
        request, context = event.request, self._context
        source = HostPort(*event.source)
        refusal = self._unfit(request)
        if refusal is not None:
            context.respond(event.transaction, *refusal)
            return
        origin = self._admission.caller(request, source, context.transports.get(event.transport))
        if isinstance(origin, tuple):
            context.counts["challenged"] += 1
            context.respond(event.transaction, *origin)
            return
        timed = request.header("Session-Expires") is not None
        refusal = sdp_refusal(request) or (session_timer.refusal(request, context.settings) if timed else None)
        if refusal is not None:
            context.respond(event.transaction, *refusal)
            return
        contact = request.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        if target is None:
            # Section 12.1.1: it "MUST contain" one; without it no request could ever go back.
            context.respond(event.transaction, 400, reason="Missing Contact")
            return
        try:
            sdes, unfit = self._protection(event, origin) if origin.srtp is not Srtp.OFF else (None, "")
            asked, offer, lines = incoming(event, origin, source, context.gruus, sdes, unfit)
        except RemoteProtocolError as error:
            context.respond(
                event.transaction, error.status_hint, reason=None if error.status_hint == 488 else str(error)
            )
            return
        if request.header("Replaces") is not None:
            replaced = replaced_leg(context, request)
            if isinstance(replaced, tuple):
                context.respond(event.transaction, *replaced)
                return
            asked = structs.replace(asked, replaces=replaced)
        key = (request.call_id, request.from_tag, request.cseq)
        dialog = Dialog.called(request, context.tokens.token(), target, event.transport, event.source)
        dialog.pinned = origin.kind != "trunk"
        session = InviteServer(context, dialog, event, offer, key, self._merging, origin.rules)
        session.remote_media = asked.offer
        session.sdp.sdes, session.unfit = sdes, asked.unfit
        session.sdp.lines, session.sdp.sees = lines, origin.video
        if asked.session_id:
            dialog.session_id = session_id.header(context.tokens.token() + context.tokens.token(), asked.session_id)
        if timed:
            session.timer_asked(request)
        self._tell(session, asked)

    def _protection(self, event: RequestReceived, origin: Origin) -> tuple[Sdes, str]:
        """How the caller's sound is protected, and why it cannot be."""
        context = self._context
        transport = context.transports.get(event.transport)
        kind = transport.kind if transport is not None else "udp"
        allowed = context.settings.srtp_keys_in_clear
        why = clear_signalling(origin.srtp, kind, event.source[0], allowed=allowed)
        return Sdes(origin.srtp, context.tokens.key), why

    def _unfit(self, request: SipRequest) -> Refusal | None:
        context = self._context
        if request.max_forwards == 0:
            # A B2BUA goes on with one hop fewer, as a proxy does (section 16.3).
            return 483, []
        if (request.call_id, request.from_tag, request.cseq) in self._merging:
            # Section 8.2.2.2: the same request by another way.
            return 482, []
        if self.draining or self.events is None or len(context.sessions) >= context.settings.max_sessions:
            return 503, [retry_after(context)]
        return None

    def _tell(self, session: InviteServer, asked: Incoming) -> None:
        assert self.events is not None
        self.arriving = session
        try:
            session.named(self.events.incoming(asked))
        except Rejected as rejection:
            session.step(HangUp, HangUp(rejection.cause))
        except Exception:
            log.exception("an incoming call could not be handled")
            session.step(HangUp, HangUp(Cause.TEMPORARY_FAILURE, 500))
        finally:
            self.arriving = None
