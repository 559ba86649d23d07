"""Where each event of the engine goes: to the transaction, the call or the subscription it speaks of, or to whoever
takes requests of its method outside a dialog (RFC 3261 sections 8.2 and 12.2.2)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import structlog

from gateways._native import Cancelled, RequestReceived, ResponseReceived, Suspected, TransactionFailed
from gateways._native import Rejected as Unreadable
from gateways.sip.ua import abilities, in_dialog
from gateways.sip.ua.context import Context
from gateways.sip.ua.requests import method_refusal, require_refusal, retry_after, scheme_refusal
from gateways.sip.ua.session import Input, Session
from gateways.sip.ua.stray_answer import turn_away
from softswitch.kernel.cause import Cause
from softswitch.kernel.offence import Offence
from softswitch.ports.admission import Sentry

if TYPE_CHECKING:
    from gateways._native import SipEvent

log = structlog.get_logger(__name__)

TakesRequest = Callable[[RequestReceived], None]


class Dispatch:
    """Takes the engine's events one at a time."""

    def __init__(self, context: Context, sentry: Sentry, outside: Mapping[str, TakesRequest]) -> None:
        """`outside`: what is done with a request outside a dialog, by its method; OPTIONS is answered here."""
        self._context = context
        self._sentry = sentry
        self._outside = {"OPTIONS": self._asked_for_abilities, **outside}

    def handle(self, event: "SipEvent") -> None:
        """Take one event, the likely kinds first. What it raises is a fault of ours: see `contain`."""
        if isinstance(event, RequestReceived):
            self._request_received(event)
        elif isinstance(event, ResponseReceived):
            self._response_received(event)
        elif isinstance(event, Cancelled):
            self._cancelled(event)
        elif isinstance(event, TransactionFailed):
            self._transaction_failed(event)
        elif isinstance(event, Unreadable):
            self._rejected(event)
        else:
            self._suspected(event)

    def contain(self, event: "SipEvent") -> None:
        """A bug met an event: its sender gets an answer, its call ends, and nobody else notices."""
        context = self._context
        session: Session | None = None
        try:
            if isinstance(event, RequestReceived):
                session = context.sessions.get(event.request.to_tag)
                if event.transaction:
                    context.respond(event.transaction, 500)
            elif isinstance(event, ResponseReceived):
                session = context.sessions.get(event.response.from_tag)
            if session is not None:
                session.end(Cause.TEMPORARY_FAILURE, by_party=False)
                session.forget()
        except Exception:
            log.exception("the call of a faulty event could not be ended")

    def _response_received(self, event: ResponseReceived) -> None:
        context = self._context
        handler = context.clients.get(event.transaction)
        status = event.response.status
        if handler is not None:
            # The transaction of an INVITE lives on after a 2xx, because more may come (RFC 6026).
            if status >= 300 or (status >= 200 and event.response.method != "INVITE"):
                del context.clients[event.transaction]
            handler(event, "")
        elif 200 <= status < 300 and event.response.method == "INVITE":
            session = context.sessions.get(event.response.from_tag)
            if session is not None and session.dialog.remote_tag == event.response.to_tag:
                # Of a re-INVITE before the last one.
                cseq = event.response.cseq
                body = session.exchange.said_in_ack(cseq) if session.exchange is not None else b""
                context.acknowledge(session.dialog, cseq, body)
            else:
                turn_away(context, event)

    def _transaction_failed(self, event: TransactionFailed) -> None:
        handler = self._context.clients.pop(event.transaction, None)
        if handler is not None:
            handler(None, event.reason)

    def _cancelled(self, event: Cancelled) -> None:
        session = self._context.servers.get(event.transaction)
        if session is not None:
            session.trace("in", "CANCEL")
            session.step(Input.CANCELLED, event)

    def _rejected(self, event: Unreadable) -> None:
        self._context.counts["rejected"] += 1
        self._sentry.offended(event.source[0], Offence.MALFORMED, event.reason)
        if event.close:
            self._context.network.close(event.transport)

    def _suspected(self, event: Suspected) -> None:
        self._context.counts["suspected"] += 1
        offence = Offence.AGENT if event.reason == "agent" else Offence.FLOOD
        self._sentry.offended(event.source[0], offence, event.detail)

    def _request_received(self, event: RequestReceived) -> None:
        request = event.request
        if request.to_tag:
            self._request_in_dialog(event)
            return
        method = request.method
        if method == "ACK":
            return
        refusal = method_refusal(method)
        if refusal is None and method != "CANCEL":
            refusal = scheme_refusal(request) or require_refusal(request)
        if refusal is not None:
            self._context.respond(event.transaction, *refusal)
            return
        handler = self._outside.get(method)
        if handler is not None:
            handler(event)
        else:
            # BYE, INFO and CANCEL speak of what is; without a dialog or a transaction there is nothing.
            self._context.respond(event.transaction, 481)

    def _asked_for_abilities(self, event: RequestReceived) -> None:
        self._context.respond(event.transaction, 200, abilities.headers())

    # Inside a dialog ------------------------------------------------------------------------------------

    def _request_in_dialog(self, event: RequestReceived) -> None:
        request, context = event.request, self._context
        method = request.method
        session = context.sessions.get(request.to_tag)
        if session is None or not session.dialog.matches(request):
            self._request_in_usage(event)
            return
        if method == "ACK":
            session.step(Input.ACK, event)
            return
        refusal = require_refusal(request)
        if refusal is not None:
            session.respond(event.transaction, refusal[0], method, *refusal[1])
            return
        if not session.dialog.in_order(request.cseq):
            # RFC 3261 section 12.2.2: "out of order [...] MUST be rejected with a 500"
            session.respond(event.transaction, 500, method, retry_after(context))
            return
        # The party may have come to another address, or its connection be a new one.
        session.dialog.transport, session.dialog.peer = event.transport, event.source
        if method == "BYE":
            session.trace("in", "BYE")
            if not session.step(Input.BYE, event):
                context.respond(event.transaction, 481)
        elif method == "INVITE":
            if not session.step(Input.INVITE, event):
                context.respond(event.transaction, 481)
        else:
            in_dialog.answer(context, session, event)

    def _request_in_usage(self, event: RequestReceived) -> None:
        """A request with a To tag that is no call's: of a dialog without a call, or of none."""
        request, context = event.request, self._context
        method = request.method
        usage = context.usages.get(request.to_tag)
        if method == "REGISTER":
            self._outside["REGISTER"](event)  # a To tag means nothing there
        elif method == "ACK":
            return
        elif usage is None or not usage.dialog.matches(request):
            context.respond(event.transaction, *(method_refusal(method) or (481, [])))
        elif (refusal := require_refusal(request)) is not None:
            context.respond(event.transaction, *refusal)
        elif not usage.dialog.in_order(request.cseq):
            # RFC 3261 section 12.2.2, as above.
            context.respond(event.transaction, 500, [retry_after(context)])
        else:
            usage.dialog.transport, usage.dialog.peer = event.transport, event.source
            usage.requested(event)
