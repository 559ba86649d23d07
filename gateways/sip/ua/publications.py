"""What devices publish of their persons (RFC 3903): the event state compositor's soft state, in memory."""

from collections.abc import Sequence

from gateways._native import RequestReceived
from gateways.sip.ua import pidf
from gateways.sip.ua.addressing import user_of
from gateways.sip.ua.admission import Admission
from gateways.sip.ua.context import Context
from gateways.sip.ua.requests import retry_after
from gateways.sip.ua.soft_state import SoftStateRules, granted
from gateways.sip.ua.timers import Timer
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.watching import Permission, Published, Subject
from softswitch.ports.watching import Watched


class _Publication:
    __slots__ = ("published", "timer")

    def __init__(self, published: Published, timer: Timer) -> None:
        self.published = published
        self.timer = timer


class Publications:
    """All publications, by account and entity tag. The newest change of an account stands last."""

    def __init__(self, context: Context, admission: Admission, watched: Watched, rules: SoftStateRules) -> None:
        self._context = context
        self._admission = admission
        self._watched = watched
        self._rules = rules
        self._by_account: dict[str, dict[str, _Publication]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def publishing(self, event: RequestReceived) -> None:
        """A PUBLISH, by the steps of section 6."""
        request, context = event.request, self._context
        if request.max_forwards == 0:
            context.respond(event.transaction, 483)
            return
        account = self._admission.user(request, event.source[0], self._context.transports.get(event.transport))
        if not isinstance(account, str):
            context.counts["challenged"] += 1
            context.respond(event.transaction, *account)
            return
        if user_of(request.uri) != account:
            # Step 4: "the ESC [...] verifies that the publisher is authorized to publish": for itself alone.
            known = self._watched.permission(Subject.PRESENCE, user_of(request.uri), account)
            context.respond(event.transaction, 404 if known is None else 403)
            return
        if self._watched.permission(Subject.PRESENCE, account, account) is not Permission.PARTIES:
            context.respond(event.transaction, 404)
            return
        if (request.header("Event") or "").partition(";")[0].strip() != pidf.EVENT:
            # Step 2, with what may be published.
            context.respond(event.transaction, 489, [("Allow-Events", pidf.EVENT)], reason="Bad Event")
            return
        held = self._by_account.get(account, {})
        etag = request.header("SIP-If-Match")
        if etag is not None and etag not in held:
            context.respond(event.transaction, 412, reason="Conditional Request Failed")
            return
        expires = granted(self._rules, request.header("Expires"))
        if not isinstance(expires, int):
            context.respond(event.transaction, *expires)
            return
        if expires == 0 and etag is not None:
            self.forget(account, etag)
            self._answer(event, etag, 0)
            return
        published = self._body(event, held[etag].published if etag is not None else None)
        if published is None:
            return
        if etag is None and self._count >= self._rules.most:
            context.respond(event.transaction, 503, [retry_after(context)])
            return
        fresh = context.tokens.token()
        if expires:
            self._keep(account, etag, fresh, published, expires)
        self._answer(event, fresh, expires)

    def forget(self, account: str, etag: str) -> None:
        """A publication is over: removed, or its time ran out."""
        held = self._by_account.get(account, {})
        gone = held.pop(etag, None)
        if gone is None:
            return
        gone.timer.cancel()
        self._count -= 1
        if not held:
            del self._by_account[account]
        self._tell(account)

    def end(self, account: str) -> None:
        """An account is gone."""
        for etag in tuple(self._by_account.get(account, ())):
            self.forget(account, etag)

    # Inside ---------------------------------------------------------------------------------------------

    def _body(self, event: RequestReceived, before: Published | None) -> Published | None:
        """What is published; None: the request has been refused."""
        request, context = event.request, self._context
        if not request.body:
            if before is None:
                # Step 5: "if the [initial] request does not contain a body, [...] 400 (Invalid Request)".
                context.respond(event.transaction, 400, reason="Missing Body")
            return before
        if request.content_type != pidf.MIME:
            context.respond(event.transaction, 415, [("Accept", pidf.MIME)])
            return None
        try:
            return pidf.read(request.body)
        except RemoteProtocolError as error:
            context.respond(event.transaction, error.status_hint, reason="Bad Presence Document")
            return None

    def _keep(self, account: str, etag: str | None, fresh: str, published: Published, expires: int) -> None:
        held = self._by_account.setdefault(account, {})
        before = held.pop(etag, None) if etag is not None else None
        if before is not None:
            before.timer.cancel()
        elif len(held) >= self._rules.per_account:
            # The device that was silent longest has most likely started anew without its entity tag.
            held.pop(next(iter(held))).timer.cancel()
        else:
            self._count += 1
        context = self._context
        timer = context.timers.set(context.now + expires, lambda: self.forget(account, fresh))
        held[fresh] = _Publication(published, timer)
        if before is None or before.published != published:
            self._tell(account)

    def _tell(self, account: str) -> None:
        held: Sequence[_Publication] = tuple(self._by_account.get(account, {}).values())
        self._watched.published(account, [publication.published for publication in reversed(held)])

    def _answer(self, event: RequestReceived, etag: str, expires: int) -> None:
        # Section 6 step 6: each success brings a new entity tag, a refresh too.
        self._context.respond(event.transaction, 200, [("SIP-ETag", etag), ("Expires", str(expires))])
