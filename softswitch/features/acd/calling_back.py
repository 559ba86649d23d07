"""Callbacks on the telephone: an agent is rung in a call of our own, and with the agent on the line the number is
dialled there, as if the agent had dialled it. What becomes of either is read from the facts of that call.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from softswitch.engine.caller import Caller, Candidate
from softswitch.events import CallEnded, Fact, LegDialed, LegEnded, LegRang, LegsBridged
from softswitch.feature import CallApp, Handler, hears
from softswitch.features.acd.model.inputs import (
    AgentAnswered,
    AgentHungUp,
    AgentRang,
    AgentRefused,
    CallbackAnswered,
    CallbackFailed,
    Input,
)
from softswitch.features.acd.needs import Switchboard
from softswitch.features.acd.refusals import why_refused
from softswitch.features.acd.talks import Talks
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import CallId, LegId

KIND = "agent-calls-back"
"""The destination at which such a call begins, by the attempt's number: nobody can dial it."""


class OwnCall:
    """One of them."""

    def __init__(self, attempt: int, agent: str, data: Mapping[str, str]) -> None:
        self.attempt = attempt
        self.agent = agent
        self.data = data
        self.call = CallId("")
        self.legs: set[LegId] = set()
        """The agent's phones."""
        self.on_line: LegId | None = None
        """The one that was answered."""
        self.number: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """What is to be dialled, once the engine says so."""
        self.talks = False
        """Whether the number has answered."""


class CallingBack:
    """All of them."""

    def __init__(self, happened: Callable[[Input], None], talks: Talks, switchboard: Switchboard) -> None:
        self._happened = happened
        self._talks = talks
        self._switchboard = switchboard
        self._by_call: dict[CallId, OwnCall] = {}
        self._by_attempt: dict[int, OwnCall] = {}

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What must be heard for this."""
        return (
            hears(LegDialed, self._dialled),
            hears(LegRang, self._rang),
            hears(LegsBridged, self._bridged),
            hears(LegEnded, self._leg_ended),
            hears(CallEnded, self._ended),
        )

    def __bool__(self) -> bool:
        """Whether an agent is rung for one, or is on the line."""
        return bool(self._by_call or self._by_attempt)

    def ring(
        self,
        attempt: int,
        agent: str,
        seat: str,
        candidates: Sequence[Candidate],
        number: str,
        data: Mapping[str, str],
    ) -> None:
        """Ring an agent's phones."""
        own = OwnCall(attempt, agent, data)
        self._by_attempt[attempt] = own
        try:
            own.call = self._switchboard.ring_for(seat, candidates, Destination(KIND, str(attempt)), number)
        except NotFound:
            del self._by_attempt[attempt]
            self._happened(AgentRefused(attempt, "unreachable"))
            return
        self._by_call[own.call] = own

    def has(self, leg: LegId) -> bool:
        """Whether a leg is an agent's here."""
        return any(leg in own.legs for own in self._by_call.values())

    def dial(self, attempt: int, number: str) -> None:
        """The number is to be dialled now."""
        own = self._by_attempt.get(attempt)
        if own is not None and not own.number.done():
            own.number.set_result(number)

    def end(self, attempt: int) -> bool:
        """Ring no more, or hang up; False: there is no such call."""
        own = self._by_attempt.get(attempt)
        return own is not None and self._switchboard.hang_up(own.call)

    def app(self) -> CallApp:
        """Takes the calls for `agent-calls-back/ATTEMPT`: the agent has answered, and waits for the number."""

        async def call_back(caller: Caller, name: str) -> Destination | None:
            own = self._by_call.get(caller.call)
            if own is None or own.call != caller.call:
                raise Rejected(Cause.CALL_REJECTED, "nobody dials this")
            own.on_line = caller.leg
            caller.data.update(own.data)
            self._talks.sits(caller.leg, own.agent)
            self._happened(AgentAnswered(own.attempt))
            number = await own.number
            caller.to = Party(number)
            return Destination("dialplan", caller.routed_as.context)

        return call_back

    # Facts of these calls ---------------------------------------------------------------------------------

    def _dialled(self, fact: LegDialed) -> None:
        own = self._by_call.get(fact.call)
        if own is not None and own.on_line is None:
            own.legs.add(fact.leg)

    def _rang(self, fact: LegRang) -> None:
        own = self._by_call.get(fact.call)
        if own is not None and own.on_line is None:
            self._happened(AgentRang(own.attempt))

    def _bridged(self, fact: LegsBridged) -> None:
        own = self._by_call.get(fact.call)
        if own is not None and not own.talks and own.on_line in (fact.a, fact.b):
            own.talks = True
            theirs = fact.b if fact.a == own.on_line else fact.a
            self._talks.answered(own.attempt, own.agent, fact.call, theirs, own.on_line)
            self._happened(CallbackAnswered(own.attempt, fact.call))

    def _leg_ended(self, fact: LegEnded) -> None:
        own = self._by_call.get(fact.call)
        if own is not None and fact.leg == own.on_line and not own.talks:
            self._forget(own)
            self._happened(AgentHungUp(own.attempt) if fact.by_party else CallbackFailed(own.attempt))

    def _ended(self, fact: CallEnded) -> None:
        own = self._by_call.get(fact.call)
        if own is not None:
            self._forget(own)
            if own.on_line is None:
                self._happened(AgentRefused(own.attempt, why_refused(fact.cause)))

    def _forget(self, own: OwnCall) -> None:
        self._by_call.pop(own.call, None)
        self._by_attempt.pop(own.attempt, None)
        own.number.cancel()
