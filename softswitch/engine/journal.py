"""Which live calls must be written down anew, because something has happened to them.

It stands between the signalling gateway and the switch, and hears all facts: what leaves no fact (a request that counts
a number up, a refresh) leaves a line in the ladder. A switch whose calls cannot outlive it has no journal.
"""

from collections.abc import Callable

import structlog

from softswitch.calls.signals import Incoming, LegSignal
from softswitch.engine.switch import Switch
from softswitch.events import CallEnded, CallFact, Fact
from softswitch.kernel.ids import CallId, LegId
from softswitch.ports.takeover import Memory

log = structlog.get_logger(__name__)


class Journal:
    """`SignallingEvents` for a gateway. `changes` is to be asked whenever the facts so far are about to be stored, so
    that a call and its facts are of the same moment."""

    def __init__(self, switch: Switch, memory: Memory, changed: Callable[[], None]) -> None:
        """`changed` is told that there is something to ask for, which is soon enough."""
        self._switch = switch
        self._memory = memory
        self._changed = changed
        self._touched: dict[CallId, None] = {}
        self._written: set[CallId] = set()

    def restored(self, call: CallId) -> None:
        """A call has been written down by an earlier process."""
        self._written.add(call)
        self._touch(call)

    def changes(self) -> list[tuple[CallId, bytes | None]]:
        """The calls to be written down as they are now, with what to write; None: it is over, and to be forgotten."""
        touched, self._touched = self._touched, {}
        found: list[tuple[CallId, bytes | None]] = []
        for call in touched:
            try:
                written = self._switch.remembered(call, self._memory)
            except Exception:
                # What is on record of it stays; the records of all other calls wait for this.
                log.exception("a call could not be written down", call=call)
                continue
            if written is not None:
                self._written.add(call)
                found.append((call, written))
            elif call in self._written:
                self._written.discard(call)
                found.append((call, None))
        return found

    def hear(self, fact: Fact) -> None:
        """Something has happened to a call: to be subscribed to `CallFact`."""
        assert isinstance(fact, CallFact)
        if type(fact) is CallEnded:
            if fact.call in self._written:
                self._touch(fact.call)
        elif self._switch.is_answered(fact.call):
            self._touch(fact.call)

    # SignallingEvents -------------------------------------------------------------------------------------

    def incoming(self, incoming: Incoming) -> LegId:
        """See `SignallingEvents`."""
        return self._switch.incoming(incoming)

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        """See `SignallingEvents`."""
        self._switch.signalled(leg, signal)

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        """See `SignallingEvents`."""
        self._switch.traced(leg, direction, what)
        call = self._switch.call_of(leg)
        if call is not None and self._switch.is_answered(call):
            self._touch(call)

    def on_record(self, then: Callable[[], None]) -> None:
        """See `SignallingEvents`."""
        self._switch.on_record(then)

    def _touch(self, call: CallId) -> None:
        if not self._touched:
            self._changed()
        self._touched[call] = None
