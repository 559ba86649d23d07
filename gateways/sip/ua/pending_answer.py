"""A 2xx to an INVITE that awaits its ACK (RFC 3261 section 13.3.1.4)."""

from collections.abc import Callable, Sequence

from gateways.sip.ua.context import Context

_PATIENCE = 64
"""Multiples of T1."""


class PendingAnswer:
    """Sends the 2xx, and again after T1, 2*T1, 4*T1 ... T2, whatever the transport, until `acknowledged`; after
    64*T1 it gives up and calls `unheard`."""

    __slots__ = (
        "_body",
        "_context",
        "_gives_up_at",
        "_headers",
        "_interval",
        "_tag",
        "_timer",
        "_transaction",
        "_unheard",
    )

    def __init__(
        self,
        context: Context,
        transaction: int,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        to_tag: str | None,
        unheard: Callable[[], None],
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._headers = headers
        self._body = body
        self._tag = to_tag
        self._unheard = unheard
        self._interval = context.settings.t1
        self._gives_up_at = context.now + _PATIENCE * context.settings.t1
        context.respond(transaction, 200, headers, body, to_tag=to_tag)
        self._timer = context.timers.set(context.now + self._interval, self._again)

    def acknowledged(self) -> None:
        """Its ACK came, or it no longer matters: stop."""
        self._timer.cancel()

    def _again(self) -> None:
        context = self._context
        if context.now >= self._gives_up_at:
            self._unheard()
            return
        context.respond(self._transaction, 200, self._headers, self._body, to_tag=self._tag)
        self._interval = min(2 * self._interval, context.settings.t2)
        self._timer = context.timers.set(min(context.now + self._interval, self._gives_up_at), self._again)
