"""Gathers what is known of a call, live or ended."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from softswitch.events import CallFact
from softswitch.features.callcontrol.model import CallView, Trace, trace, view
from softswitch.features.callcontrol.needs import CallControl, LiveCalls
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.event_log import LoggedFact


class History(Protocol):
    """What is asked of the event log (`softswitch.platform.event_log.EventLog`)."""

    async def flush(self) -> None: ...
    async def read(self, *, call: CallId | None = None) -> Sequence[LoggedFact]: ...


class Calls:
    """The calls there are, and the story of each that there was."""

    def __init__(self, control: CallControl, live: LiveCalls, history: History) -> None:
        self._control = control
        self._live = live
        self._history = history

    def all(self, after: str | None, limit: int) -> list[CallView]:
        """Live calls in the order of their names, which is that of their beginnings, from behind `after`."""
        names = sorted(call for call in self._live.live() if after is None or call > after)
        views = [view(self._live.facts(name) or ()) for name in names[:limit]]
        return [call for call in views if call is not None]

    def one(self, call: CallId) -> CallView:
        """A live call. Raises NotFound."""
        found = view(self._live.facts(call) or ())
        if found is None:
            raise NotFound("live call", call)
        return found

    def hang_up(self, call: CallId) -> None:
        """End a live call. Raises NotFound."""
        if not self._control.hang_up(call):
            raise NotFound("live call", call)

    def transfer(self, call: CallId, number: str, leg: LegId | None) -> None:
        """Send a party of a call on to a number. Raises NotFound, and Conflict while it talks with nobody."""
        self._control.transfer(call, number, leg)

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        """Let a party hold whom it talks with, or resume. Raises NotFound and Conflict."""
        self._control.hold(call, leg, holds)

    def unite(self, call: CallId, other: CallId) -> None:
        """Let the parties of two calls talk together. Raises NotFound and Conflict."""
        self._control.unite(call, other)

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        """End one party's half of a call. Raises NotFound."""
        self._control.hang_up_leg(call, leg)

    def originate(
        self, account: str, number: str, *, auto_answer: bool = False, data: Mapping[str, str] = {}
    ) -> CallId:
        """Ring an account, then route `number`. `data`: what is known of its matter. Raises NotFound."""
        return self._control.originate(account, number, auto_answer=auto_answer, data=data)

    async def story(self, call: CallId) -> Trace:
        """The trace of a live or ended call. Raises NotFound."""
        facts = self._live.facts(call)
        if facts is not None:
            figures = {leg: self._control.figures(leg) for leg in _legs_of(facts)}
            known = {leg: measured for leg, measured in figures.items() if measured is not None}
            ladder = self._control.ladder(call) or ()
            found = trace(facts, ladder, known, self._control.troubles(call))
        else:
            await self._history.flush()  # it may have ended a moment ago
            logged = [entry.fact for entry in await self._history.read(call=call)]
            found = trace([fact for fact in logged if isinstance(fact, CallFact)])
        if found is None:
            raise NotFound("call", call)
        return found


def _legs_of(facts: Sequence[CallFact]) -> Sequence[LegId]:
    known = view(facts)
    return list(known.legs) if known is not None else []
