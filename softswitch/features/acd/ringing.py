"""Agents' phones that ring: for a caller as legs of its call, for a callback as calls of their own."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import structs

from softswitch.calls.identity import ANONYMOUS, is_hidden
from softswitch.calls.signals import Alert
from softswitch.engine.caller import Candidate
from softswitch.features.acd.calling_back import CallingBack
from softswitch.features.acd.live import LiveCentre
from softswitch.features.acd.model.effects import Ring
from softswitch.features.acd.model.inputs import AgentAnswered, AgentRang, AgentRefused
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.features.acd.needs import Accounts, Phones
from softswitch.features.acd.refusals import why_refused
from softswitch.features.acd.talks import Talks
from softswitch.features.acd.waiting import Waiting
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, LegId


class AgentPhones:
    """Rings them as the engine wants, and tells it what becomes of that."""

    def __init__(
        self,
        live: LiveCentre,
        accounts: Accounts,
        phones: Phones,
        talks: Talks,
        calling_back: CallingBack,
        waiting: Mapping[CallId, Waiting],
        queues: Mapping[str, QueueSettings],
        agents: Mapping[str, AgentSettings],
    ) -> None:
        """The mappings are others', and are looked at as they are at each moment."""
        self._live = live
        self._accounts = accounts
        self._phones = phones
        self._talks = talks
        self._calling_back = calling_back
        self._waiting = waiting
        self._queues = queues
        self._agents = agents
        self._waking: set[asyncio.Task[None]] = set()

    def ring(self, order: Ring) -> None:
        waiting = self._waiting.get(order.call)
        if not self._live.centre.rings(order.attempt) or (waiting is None and not order.callback):
            return  # it was called off in the meantime
        candidates = self._candidates(order.agent, order.seat)
        if candidates:
            self._ring_phones(order, waiting, candidates)
        elif order.seat and self._phones.sleeps(order.seat):
            waking = asyncio.get_running_loop().create_task(
                self._wake(order, waiting, self._live.centre.rung_for(order.attempt).number)
            )
            self._waking.add(waking)
            waking.add_done_callback(self._waking.discard)
        else:
            self._live.happened(AgentRefused(order.attempt, "unreachable"))

    def stop_ringing(self, attempt: int, elsewhere: bool) -> None:
        if self._calling_back.end(attempt):
            return
        for waiting in self._waiting.values():
            if (ring := waiting.rings.pop(attempt, None)) is not None:
                ring.stop(elsewhere=elsewhere)
                return

    def stop(self) -> None:
        """No phone is woken any more."""
        for task in self._waking:
            task.cancel()

    async def _wake(self, order: Ring, waiting: Waiting | None, number: str) -> None:
        """Have an agent's phones woken, and ring those that come back while it is still wanted."""
        await self._phones.woken(order.seat, Party(number))
        if not self._live.centre.rings(order.attempt):
            return
        candidates = self._candidates(order.agent, order.seat)
        if candidates:
            self._ring_phones(order, waiting, candidates)
        else:
            self._live.happened(AgentRefused(order.attempt, "unreachable"))

    def _ring_phones(self, order: Ring, waiting: Waiting | None, candidates: Sequence[Candidate]) -> None:
        if order.callback or waiting is None:
            waiter = self._live.centre.rung_for(order.attempt)
            self._calling_back.ring(order.attempt, order.agent, order.seat, candidates, waiter.number, waiter.data)
            return
        shown = self._shown(waiting)
        if shown is not None:
            candidates = [structs.replace(candidate, from_=shown) for candidate in candidates]
        try:
            waiting.rings[order.attempt] = waiting.caller.ring(
                candidates, _Rung(self._live, self._talks, order.attempt, order.agent, waiting)
            )
        except Rejected as rejected:
            waiting.caller.note(f"{order.agent} cannot be rung: {rejected}")
            self._live.happened(AgentRefused(order.attempt, "unreachable"))

    def _shown(self, waiting: Waiting) -> Party | None:
        """Who calls, as an agent's phone shows it: with the queue's title before the name. None: as any call."""
        queue, caller = self._queues.get(waiting.queue), waiting.caller
        if queue is None or not queue.title:
            return None
        if is_hidden(caller.from_, caller.identity):
            return Party(ANONYMOUS.number, queue.title)
        name = f"{queue.title}: {caller.from_.name}" if caller.from_.name else queue.title
        return caller.from_._replace(name=name)

    def _candidates(self, agent: str, seat: str) -> Sequence[Candidate]:
        account = self._accounts.account(seat) if seat else None
        if account is None:
            return ()
        candidates = self._phones.awake(seat, account.origin.rules)
        settings = self._agents.get(agent)
        if settings is None or not settings.auto_answer:
            return candidates
        return [structs.replace(candidate, alert=Alert(answer_after=0)) for candidate in candidates]


class _Rung:
    """Tells the engine what becomes of one agent's phones that ring for a caller: a `Ringer`."""

    def __init__(self, live: LiveCentre, talks: Talks, attempt: int, agent: str, waiting: Waiting) -> None:
        self._live = live
        self._talks = talks
        self._attempt = attempt
        self._agent = agent
        self._waiting = waiting

    def rang(self) -> None:
        self._live.happened(AgentRang(self._attempt))

    def answered(self, leg: LegId) -> None:
        if self._live.centre.rings(self._attempt):
            # Otherwise another was faster, in the same moment: it is hung up.
            caller = self._waiting.caller
            self._talks.answered(self._attempt, self._agent, caller.call, caller.leg, leg)
        self._live.happened(AgentAnswered(self._attempt))

    def refused(self, cause: Cause) -> None:
        self._waiting.rings.pop(self._attempt, None)
        self._live.happened(AgentRefused(self._attempt, why_refused(cause)))
