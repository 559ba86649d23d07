"""Queues and agents, live: what is set, who is signed on, and the engine, with what it is told and what it wants done.

Every input goes through `tell`. Who waits is known to the call application by a `Waiting`. Phones of agents ring as
legs of the caller's call (`ringing`); what becomes of them is read from the facts of calls (`talks`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, TypeVar

from softswitch.calls.onward import Prospect
from softswitch.engine.caller import Caller
from softswitch.events import AgentReserved, AgentStateChanged, CallerLeftQueue, Fact, LegEnded, RoutingStep
from softswitch.feature import Handler, hears
from softswitch.features.acd import store
from softswitch.features.acd.calling_back import CallingBack
from softswitch.features.acd.left_behind import LeftBehind
from softswitch.features.acd.live import LiveCentre
from softswitch.features.acd.model.effects import (
    Announce,
    AskWebhook,
    Connect,
    DialCallback,
    DropAgent,
    Effect,
    OfferCallback,
    Ring,
    SendOn,
    StopCallback,
    StopRinging,
)
from softswitch.features.acd.model.floor import Agent, Queue
from softswitch.features.acd.model.inputs import (
    AgentLent,
    AgentNotReady,
    AgentReturned,
    AgentSignedOn,
    CallerArrived,
    CallerDropped,
    CallerLeft,
    CallerPulled,
    Input,
    OutboundBegan,
    OutboundEnded,
)
from softswitch.features.acd.model.rules import WrapUp
from softswitch.features.acd.model.settings import (
    QueueSettings,
)
from softswitch.features.acd.model.wish import Wish
from softswitch.features.acd.needs import Accounts, Calendars, Lines, Log, Phones, Places, Switchboard, Web
from softswitch.features.acd.ringing import AgentPhones
from softswitch.features.acd.set_up import SetUp
from softswitch.features.acd.talks import Talks
from softswitch.features.acd.waiting import Join, Waiting
from softswitch.features.acd.webhooks import Webhooks
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database, Session

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class WaitingCaller(NamedTuple):
    """A caller that waits, as others are shown it."""

    call: CallId
    number: str
    place: int
    """Counted from 1, callbacks among them."""
    since: int
    """Wall milliseconds."""
    rings_at: Sequence[str]
    """Agents whose phones ring for it."""
    data: Mapping[str, str]


class Queues(SetUp):
    """All queues and agents."""

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Fact], None],
        accounts: Accounts,
        phones: Phones,
        lines: Lines,
        calendars: Calendars,
        places: Places,
        switchboard: Switchboard,
        web: Web,
        log: Log,
    ) -> None:
        super().__init__(accounts, calendars, places)
        self._clock = clock
        self._publish = publish
        self._lines = lines
        self._live = LiveCentre(clock, self._publish_fact, self._carry_out)
        self._talks = Talks(self._live.happened, self._look_at_line)
        self.calling_back = CallingBack(self._live.happened, self._talks, switchboard)
        self.left_behind = LeftBehind(clock, publish, log, self._live.centre)
        self._webhooks = Webhooks(self._live.happened, web)
        self._loaded = False
        self._waiting: dict[CallId, Waiting] = {}
        self._agent_phones = AgentPhones(
            self._live,
            accounts,
            phones,
            self._talks,
            self.calling_back,
            self._waiting,
            self._queues,
            self._agents,
        )
        self._seats: dict[str, str] = {}
        """Who sits at which account's phone, of those who are signed on."""
        self._choices: dict[CallId, AgentReserved] = {}
        """The last ones, the oldest first."""
        self._served: dict[tuple[str, str], tuple[str, int]] = {}
        """Who served a number in a queue last, and when; the oldest first."""
        self._outbound: set[str] = set()
        """Agents who are in a call that no queue gave them."""

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What must be heard for this, after the `Lines` have heard it."""
        by_kind: dict[type[Fact], list[Handler]] = {}
        for kind, handler in (
            hears(LegEnded, self._leg_ended),
            *self.left_behind.subscriptions(),
            *self._talks.subscriptions(),
            *self.calling_back.subscriptions(),
        ):
            by_kind.setdefault(kind, []).append(handler)
        of_calls = [(kind, partial(self._hear, handlers)) for kind, handlers in by_kind.items()]
        return (*of_calls, *self.left_behind.subscriptions_to_callbacks())

    def _hear(self, handlers: Sequence[Handler], fact: Fact) -> None:
        # All calls come by here: while no queue has to do with any, none pays for more than this.
        if self._waiting or self._talks or self.calling_back or self.left_behind:
            for handler in handlers:
                handler(fact)

    async def load(self, database: Database) -> None:
        """Read all of them: before the first call, and again when another process has changed some."""
        await self.read(database)
        async with database.reading() as session:
            signed_on = await store.all_sign_ons(session)
        for said in () if self._loaded else signed_on:
            self._seat(said.agent, said.seat)
            self._live.happened(AgentSignedOn(said.agent, said.seat, said.ready))
            if not said.ready:
                self._live.happened(AgentNotReady(said.agent, said.reason))
        for kept in self.left_behind.callbacks():
            if kept.queue in self._queues:
                self._live.happened(kept)
            else:
                self.left_behind.cancel(kept)
        self._loaded = True

    def set(self, told: Input) -> None:
        self._live.happened(told)

    def stop(self) -> None:
        """Nothing happens by itself any more."""
        self._live.stop()
        self._webhooks.stop()
        self._agent_phones.stop()

    # What is known --------------------------------------------------------------------------------------------

    def tell(self, told: Input) -> None:
        """One thing that happened, or that somebody wants. Raises NotFound and Conflict where that cannot be; then
        nothing has changed."""
        self._live.tell(told)

    def queue(self, name: str) -> Queue | None:
        """A queue as it is now, to be looked at."""
        return self._live.centre.queue(name)

    def status(self, queue: str) -> "QueueStatus | None":
        """How it stands with a queue; None for an unknown one."""
        live = self.queue(queue)
        if live is None:
            return None
        expected = None if live.free else live.expected.wait(len(live.order), live.serving)
        return QueueStatus(len(live.waiting), (expected or 0) / 1000)

    def callers(self, queue: str) -> Sequence[WaitingCaller]:
        """Who waits in a queue, in the order in which they are served."""
        live = self.queue(queue)
        found = []
        for place, (_, waiter) in enumerate(live.order if live is not None else (), 1):
            if waiter.stay in waiter.queue.waiting:
                waiting = self._waiting.get(waiter.call)
                rings_at = [attempt.agent.id for attempt in waiter.attempts.values()]
                data = waiting.data if waiting is not None else {}
                found.append(WaitingCaller(waiter.call, waiter.number, place, waiter.queued_at, rings_at, data))
        return found

    def agent(self, agent: str) -> Agent | None:
        """An agent as it is now, to be looked at."""
        return self._live.centre.agent(agent)

    def talks(self, agent: str) -> bool:
        live = self.agent(agent)
        return live is not None and (live.conversation is not None or live.activity == "outbound")

    def agent_at(self, account: str) -> str | None:
        """Who sits at an account's phone."""
        return self._seats.get(account)

    def explain(self, call: CallId) -> tuple[RoutingStep, ...]:
        """Why a caller waits. Empty: it does not."""
        return self._live.centre.explain(self._clock.wall_ms(), call)

    def prospect(self, destination: str, at: int) -> Prospect:
        """What awaits a call that comes to `queue/…` now, by the hours of a moment."""
        wish = Wish.parse(destination)
        settings, live = self._queues.get(wish.queue), self.queue(wish.queue)
        if settings is None or live is None:
            return Prospect()
        steps = []
        if settings.calendar:
            opening = self._calendars.opening(settings.calendar, at)
            result: Literal["open", "closed"] = "open" if opening.open else "closed"
            steps.append(RoutingStep(f"calendar/{settings.calendar}", result, opening.reason))
        said = f"{len(live.waiting)} wait, {len(live.free)} of {live.staffed} agents who are signed on are free"
        return Prospect((*steps, RoutingStep(f"queue/{wish.queue}", "matched", said)))

    def choice(self, call: CallId) -> AgentReserved | None:
        """Which agent was chosen for a caller last, and why; None: none, or it is long ago."""
        return self._choices.get(call)

    def is_open(self, queue: QueueSettings) -> bool:
        """Whether the queue's hours are now."""
        return not queue.calendar or self._calendars.opening(queue.calendar, self._clock.wall_ms()).open

    # Callers ----------------------------------------------------------------------------------------------

    def arrive(self, caller: Caller, queue: QueueSettings, wish: Wish) -> Waiting:
        """A caller comes to a queue, or goes on waiting there where an earlier process had it. Raises NotFound for an
        unknown queue."""
        before = self.left_behind.stay(caller.call, queue.name)
        arrived = CallerArrived(
            call=caller.call,
            queue=queue.name,
            number=caller.from_.number,
            priority=wish.priority,
            score=wish.score,
            needs=wish.needs,
            preferred=wish.agent or self._known_to(queue, caller.from_.number),
            open=self.is_open(queue),
            data=dict(caller.data),
            stay=before.stay if before is not None else 0,
            queued_at=before.at if before is not None else 0,
        )
        waiting = self._waiting[caller.call] = Waiting(caller, queue.name)
        try:
            self.tell(arrived)
        except (NotFound, Conflict):
            del self._waiting[caller.call]
            raise
        return waiting

    def _known_to(self, queue: QueueSettings, number: str) -> str:
        """The agent who served a number lately, where the queue has callers wait for that one."""
        agent, at = self._served.get((queue.name, number), ("", 0))
        return agent if self._clock.wall_ms() - at < queue.sticky_ms else ""

    def leaves(self, waiting: Waiting, why: str) -> None:
        """The application that served a caller is over. If the caller still waits: it was dropped for a reason, or is
        fetched (empty)."""
        call = waiting.caller.call
        if self._live.centre.waits(call):
            told = CallerDropped(call, why) if why else CallerPulled(call, "fetched")
            self._live.happened(told)
        if self._waiting.get(call) is waiting:
            del self._waiting[call]

    def _leg_ended(self, fact: LegEnded) -> None:
        waiting = self._waiting.get(fact.call)
        if waiting is not None and waiting.caller.leg == fact.leg and self._live.centre.waits(fact.call):
            left = CallerLeft(fact.call) if fact.by_party else CallerDropped(fact.call, fact.cause.name.lower())
            self._live.happened(left)

    # Work outside the queues --------------------------------------------------------------------------------

    def available(self) -> Sequence[str]:
        """Agents who are free."""
        return [name for name in self._agents if (live := self.agent(name)) is not None and live.state == "available"]

    def seat_of(self, agent: str) -> str:
        """The account at whose phone an agent sits; empty: at none."""
        live = self.agent(agent)
        return live.seat if live is not None else ""

    def lend(self, agent: str) -> int:
        """Keep an agent who is free for work outside the queues; gives the number of the loan. Raises NotFound, and
        Conflict where it is not free."""
        self.tell(AgentLent(agent))
        live = self.agent(agent)
        assert live is not None
        return live.loan

    def give_back(self, loan: int, agent: str, *, wrap_up_ms: int | None, talked: bool) -> None:
        """That work is done; the agent wraps up for so long at the most (0: not at all, None: until it is done), unless
        it is in a call of its own by now."""
        wrap_up = WrapUp("until_done") if wrap_up_ms is None else WrapUp("optional", wrap_up_ms)
        self._live.happened(AgentReturned(loan=loan, wrap_up=wrap_up, talked=talked))
        self._outbound.discard(agent)
        self._look_at_line(agent)

    # What the engine wants --------------------------------------------------------------------------------

    def _carry_out(self, order: Effect) -> None:
        match order:
            case Ring():
                self._agent_phones.ring(order)
            case StopRinging(attempt, elsewhere):
                self._agent_phones.stop_ringing(attempt, elsewhere)
            case StopCallback(attempt) | DropAgent(attempt):
                self.calling_back.end(attempt)
            case DialCallback(_, attempt, _, number):
                self.calling_back.dial(attempt, number)
            case AskWebhook():
                self._ask_webhook(order)
            case Connect(attempt, agent, call):
                if (waiting := self._waiting.get(call)) is not None and attempt in waiting.rings:
                    waiting.orders.put_nowait(Join(waiting.rings[attempt], agent))
            case SendOn(call) | Announce(call) | OfferCallback(call):
                if (waiting := self._waiting.get(call)) is not None:
                    waiting.orders.put_nowait(order)

    def _ask_webhook(self, asked: AskWebhook) -> None:
        queue, waiting = self._queues.get(asked.queue), self._waiting.get(asked.call)
        if queue is not None and waiting is not None:
            self._webhooks.ask(queue.webhook, queue.rules.step_ms / 1000, asked, waiting.caller)

    # Seats ------------------------------------------------------------------------------------------------

    async def sign_on(self, session: Session, agent: str, seat: str | None, ready: bool) -> None:
        """An agent begins, at an account's phone (None: its own account's; empty: at none). Raises NotFound, Conflict
        and Invalid."""
        settings = self._agents.get(agent)
        if settings is None:
            raise NotFound("agent", agent)
        seat = settings.account if seat is None else seat
        if seat and self._accounts.account(seat) is None:
            raise Invalid("seat", f"there is no account {seat!r}")
        other = self._seats.get(seat)
        if other is not None and other != agent:
            raise Conflict("seat-taken", f"{other} sits at {seat}")
        await store.write_sign_on(session, store.SignOn(agent, seat, ready, "" if ready else "signed on"))
        self.tell(AgentSignedOn(agent, seat, ready))
        self._seat(agent, seat)
        self._look_at_line(agent)

    async def intends(self, session: Session, agent: str, told: Input) -> None:
        """An agent, or a supervisor for it, wants it to be ready, not ready, or signed off. Raises NotFound and
        Conflict."""
        self.tell(told)
        live = self.agent(agent)
        if live is None or live.intent == "logged_out":
            await store.forget_sign_on(session, agent)
        else:
            ready = live.intent == "available"
            await store.write_sign_on(session, store.SignOn(agent, live.seat, ready, live.reason))

    def _seat(self, agent: str, seat: str) -> None:
        if seat:
            self._seats[seat] = agent

    def _publish_fact(self, fact: Fact) -> None:
        if isinstance(fact, AgentStateChanged) and fact.state == "logged_out":
            self._seats = {seat: agent for seat, agent in self._seats.items() if agent != fact.agent}
            self._outbound.discard(fact.agent)
        elif isinstance(fact, AgentReserved):
            _remember(self._choices, CallId(fact.of_call), fact)
        elif isinstance(fact, CallerLeftQueue) and fact.outcome == "answered":
            choice = self._choices.get(fact.call)
            if choice is not None and choice.number:
                _remember(self._served, (fact.queue, choice.number), (fact.agent, fact.at))
        self._publish(fact)

    def line_changed(self, account: str) -> None:
        """An account talks or calls by a leg more, or less."""
        agent = self._seats.get(account)
        if agent is not None:
            self._look_at_line(agent)

    def _look_at_line(self, agent: str) -> None:
        """Whether an agent is in a call that no queue gave it."""
        live = self.agent(agent)
        if live is None or not live.seat or self._seats.get(live.seat) != agent:
            return
        engaged = frozenset([leg for leg in self._lines.engaged(live.seat) if not self._is_ours(live, leg)])
        if self._talks.beside(agent, engaged):
            return
        if engaged and agent not in self._outbound:
            self._outbound.add(agent)
            self._live.happened(OutboundBegan(agent))
        elif not engaged and agent in self._outbound:
            self._outbound.discard(agent)
            self._live.happened(OutboundEnded(agent))

    def _is_ours(self, agent: Agent, leg: LegId) -> bool:
        """Whether a leg of an agent is a queue's: it has answered, or does so now."""
        if self._talks.has(leg) or self.calling_back.has(leg):
            return True
        attempt = agent.attempt
        waiting = self._waiting.get(attempt.waiter.call) if attempt is not None else None
        ring = waiting.rings.get(attempt.id) if waiting is not None and attempt is not None else None
        return ring is not None and leg in ring.legs


class QueueStatus(NamedTuple):
    """How it stands with a queue, as flows ask."""

    waiting: int
    wait_seconds: float
    """How long the next caller will wait, as far as one can tell; 0 where somebody is free, or nothing tells."""


_MOST_REMEMBERED = 10_000


def _remember(among: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Put something behind all others, and forget the oldest when there are too many."""
    among.pop(key, None)
    among[key] = value
    if len(among) > _MOST_REMEMBERED:
        del among[next(iter(among))]
