"""Calls for lists that are under way, heard to their ends."""

from collections.abc import Callable

from msgspec import Struct

from softswitch.engine.bus import Bus
from softswitch.events import CallEnded, CallFact, Fact, LegAnswered, LegDialed, LegEnded, LegMoved
from softswitch.features.campaigns.model.course import Course
from softswitch.features.campaigns.model.effects import Place
from softswitch.features.campaigns.needs import Agents, Telephones
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId

KIND = "campaign"
"""Of the destinations to which agents come who are to call: `campaign/LOAN`."""
_HEARD = (LegDialed, LegAnswered, LegEnded, LegMoved, CallEnded)


class Calling(Struct):
    """One of them."""

    campaign: str
    place: Place
    call: CallId
    course: Course


class UnderWay:
    """All of them."""

    def __init__(
        self, bus: Bus, agents: Agents, telephones: Telephones, over: Callable[[Calling, CallId], None]
    ) -> None:
        """`over` is told of each that has ended, and by which call."""
        self._bus = bus
        self._agents = agents
        self._telephones = telephones
        self._over = over
        self._calls: dict[CallId, Calling] = {}
        self._by_loan: dict[int, Calling] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, loan: int) -> Calling | None:
        """What an agent calls; None: nothing any more."""
        return self._by_loan.get(loan)

    def begin(self, campaign: str, place: Place, *, auto_answer: bool) -> Calling:
        """Ring an agent, who then calls. Raises NotFound, Conflict and Rejected where it cannot be rung."""
        seat = self._agents.seat_of(place.agent)
        if not seat:
            raise NotFound("phone of", place.agent)
        self._listen()
        try:
            call = self._telephones.ring(
                seat, place.number, Destination(KIND, str(place.loan)), auto_answer=auto_answer
            )
        except BaseException:
            self._unlisten()
            raise
        calling = Calling(campaign, place, call, Course())
        self._calls[call] = self._by_loan[place.loan] = calling
        return calling

    def _listen(self) -> None:
        """Calls that are no list's pay nothing for those that are, when there are none."""
        if not self._calls:
            for kind in _HEARD:
                self._bus.subscribe(kind, self._hear)

    def _unlisten(self) -> None:
        if not self._calls:
            for kind in _HEARD:
                self._bus.unsubscribe(kind, self._hear)

    def _hear(self, fact: Fact) -> None:
        assert isinstance(fact, CallFact)
        calling = self._calls.get(fact.call)
        if calling is None:
            return
        calling.course.hear(fact)
        if calling.course.is_over:
            del self._calls[fact.call], self._by_loan[calling.place.loan]
            self._unlisten()
            self._over(calling, fact.call)
