"""Whether a gateway lives: OPTIONS, again and again (RFC 3261 section 11)."""

from collections.abc import Callable, Sequence

from gateways._native import ResponseReceived
from gateways.sip.ua.context import Context
from gateways.sip.ua.next_hop import find_hops
from gateways.sip.ua.server_location import Hop
from gateways.sip.ua.timers import Timer
from softswitch.calls.signals import Target
from softswitch.calls.uplinks import Probed

_OUT_OF_SERVICE = (408, 503, 504)
"""Answers that say of themselves that no call would get through; every other one is a sign of life."""


class Probe:
    """Asks one gateway, and tells of each answer or of its lack."""

    def __init__(
        self, context: Context, place: int, target: Target, every: float, within: float, tell: Callable[[Probed], None]
    ) -> None:
        self._context = context
        self._place = place
        self._target = target
        self._every = every
        self._within = within
        self._tell = tell
        self._call_id = context.tokens.token()
        self._cseq = 0
        self._asked_at = 0.0
        self._waiting: Timer | None = None
        self._next: Timer | None = None
        self._gone = False

    def begin(self) -> None:
        """Ask, now."""
        context = self._context
        # Not all gateways in the same moment, nor each in step with itself.
        self._next = context.timers.set(context.now + self._every * context.tokens.between(0.9, 1.1), self.begin)
        find_hops(context, self._target, self._found)

    def leave(self) -> None:
        """Ask no more."""
        self._gone = True
        for timer in (self._waiting, self._next):
            if timer is not None:
                timer.cancel()

    def _found(self, hops: Sequence[Hop]) -> None:
        if self._gone:
            return
        context = self._context
        # Where a name leads to several servers the best of them speaks for it; a call tries them all.
        way = next((way for hop in hops if (way := context.way_to(hop)) is not None), None)
        if way is None:
            self._tell(Probed(self._place, False, "its address cannot be found"))
            return
        self._cseq += 1
        cseq = self._cseq
        self._asked_at = context.now
        self._waiting = context.timers.set(context.now + self._within, self._silent)
        host = context.settings.host
        headers = [
            ("From", f"<sip:{host}>;tag={context.tokens.token()}"),
            ("To", f"<{self._target.uri}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{cseq} OPTIONS"),
            context.contact(way[0], way[1][0]),
            ("Accept", "application/sdp"),
            context.product,
        ]
        context.request(
            way,
            "OPTIONS",
            self._target.uri,
            headers,
            b"",
            lambda event, failure: self._answered(cseq, event, failure),
        )

    def _silent(self) -> None:
        self._waiting = None
        self._tell(Probed(self._place, False, f"no answer to OPTIONS within {self._within:g} s"))

    def _answered(self, cseq: int, event: ResponseReceived | None, failure: str) -> None:
        if self._waiting is None or self._gone or cseq != self._cseq:
            return  # too late: it was told already
        if event is not None and event.response.status < 200:
            return
        self._waiting.cancel()
        self._waiting = None
        if event is None:
            self._tell(Probed(self._place, False, "it cannot be reached"))
            return
        status = event.response.status
        took = (self._context.now - self._asked_at) * 1000
        if status in _OUT_OF_SERVICE:
            self._tell(Probed(self._place, False, f"it answers {status} {event.response.reason}", took))
        else:
            self._tell(Probed(self._place, True, "", took))
