"""A contact centre's world made of chance: callers, agents, phones and supervisors around the queue engine.

Times are coarse, so that answers, hang-ups, log-outs, forced states and time-outs fall into the same millisecond all
the time, in any order; some steps come late. It does what the engine says, knows for itself who rings for whom and who
talks with whom, and asserts after every step what must hold.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import structs

from softswitch.events import (
    AgentReleased,
    AgentReserved,
    AgentStateChanged,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    Fact,
)
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.choosing import fits
from softswitch.features.acd.model.effects import (
    AskWebhook,
    Connect,
    DialCallback,
    DropAgent,
    OfferCallback,
    Refused,
    Ring,
    SendOn,
    StopCallback,
    StopRinging,
)
from softswitch.features.acd.model.rules import (
    AgentProfile,
    Announcements,
    CallbackRules,
    Membership,
    Need,
    QueueRules,
    Relaxation,
    Strategy,
    WrapUp,
)
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId

STRATEGIES: Sequence[Strategy] = (
    "ring_all", "progressive", "longest_idle", "fewest_calls", "least_talk", "round_robin", "linear", "weighted",
    "most_skilled", "webhook",
)  # fmt: skip
SKILLS = ("english", "greek", "loans")
GRAIN = 1_000
"""Everything outside happens at multiples of this."""


class World:
    """One seed's day."""

    def __init__(self, seed: int, callers: int = 60) -> None:
        self.chance = random.Random(seed)
        self.centre = Centre()
        self.now = 0
        self.facts: list[Fact] = []
        self._plans: list[tuple[int, float, int, Callable[[], inputs.Input | None]]] = []
        self._planned = 0
        self.rules = {f"q{number}": self._rules(f"q{number}") for number in range(self.chance.randint(1, 3))}
        self.profiles = {f"a{number}": self._profile(f"a{number}") for number in range(self.chance.randint(1, 6))}
        self.ringing: dict[int, tuple[str, CallId]] = {}
        """Phones that were told to ring, by attempt."""
        self.on_line: dict[int, str] = {}
        """Agents who answered for a callback, by attempt."""
        self.talking: dict[str, CallId] = {}
        self.attempts: dict[str, int] = {}
        """Of each agent's last conversation."""
        self.gone: set[CallId] = set()
        self.numbers: dict[CallId, CallerQueued] = {}
        self.callbacks: set[int] = set()
        self.forced: set[tuple[str, int]] = set()
        for rules in self.rules.values():
            self._step(inputs.QueueSet(rules))
        for profile in self.profiles.values():
            self._step(inputs.AgentSet(profile))
            self._plan(self._some(0, 60), partial(inputs.AgentSignedOn, profile.id))
        for number in range(callers):
            self._plan(self._some(0, 900), partial(self._arrival, CallId(f"c{number}")))
        for _ in range(callers // 2):
            self._plan(self._some(0, 1_200), self._whim)
        self.last_whim = 1_200 * GRAIN

    # Chance -----------------------------------------------------------------------------------------------

    def _some(self, least: int, most: int) -> int:
        return self.chance.randint(least, most) * GRAIN

    def _rules(self, name: str) -> QueueRules:
        one_of, some = self.chance.choice, self._some
        return QueueRules(
            name=name,
            strategy=one_of(STRATEGIES),
            ring_ms=some(5, 20),
            step_ms=some(2, 5),
            missed_most=one_of((1, 1, 2)),
            rest_ms=some(1, 10),
            wrap_up=WrapUp(one_of(("none", "optional", "fixed", "until_done")), some(0, 30), one_of(("", "coded"))),
            needs=tuple(Need(skill, self.chance.randint(0, 2)) for skill in SKILLS if self.chance.random() < 0.2),
            relaxation=one_of(((), (Relaxation(some(5, 20), tuple(Need(skill, 0) for skill in SKILLS), 1),))),
            point_ms=some(1, 60),
            preferred_ms=some(0, 30),
            capacity=one_of((None, None, 8)),
            length_most=one_of((None, None, 6)),
            expected_most_ms=one_of((None, None, 300_000)),
            wait_most_ms=one_of((None, some(30, 300))),
            when_empty=one_of(("wait", "overflow")),
            overflow_to=one_of((None, *(Destination("queue", f"q{number}") for number in range(2)))),
            exits={"digit 1": Destination("voicemail", "1001")},
            callback_digit="2",
            callback=CallbackRules(self.chance.randint(1, 3), some(10, 60), self.chance.randint(1, 3), one_of((0, 1))),
            announcements=one_of((None, Announcements(some(0, 10), some(5, 30), comfort=("queue/thanks",)))),
        )

    def _profile(self, name: str) -> AgentProfile:
        queues = [queue for queue in self.rules if self.chance.random() < 0.8] or [next(iter(self.rules))]
        return AgentProfile(
            id=name,
            skills={skill: self.chance.randint(1, 3) for skill in SKILLS if self.chance.random() < 0.6},
            queues=tuple(
                Membership(
                    queue=queue,
                    rank=self.chance.randint(0, 1),
                    order=self.chance.randint(0, 3),
                    weight=self.chance.randint(1, 3),
                    tier=self.chance.choice((0, 0, 1)),
                )
                for queue in queues
            ),
            wrap_up=self.chance.choice((None, None, WrapUp("fixed", self._some(1, 20)))),
        )

    def _arrival(self, call: CallId, queue: str = "", waited: int = 0) -> inputs.CallerArrived:
        if not waited:
            self._plan(self._some(1, 400), lambda: self._hang_up(call))
            for _ in range(self.chance.choice((0, 0, 1))):
                self._plan(self._some(1, 60), lambda: inputs.DigitPressed(call, self.chance.choice("123")))
        return inputs.CallerArrived(
            call=call,
            queue=queue or self.chance.choice(list(self.rules)),
            priority=self.chance.choice((0, 0, 0, 1)),
            score=self.chance.choice((0, 0, 2)),
            needs=tuple(Need(skill, 1) for skill in SKILLS if self.chance.random() < 0.1),
            preferred=self.chance.choice(("", "", "", *self.profiles)),
            waited_ms=waited,
            open=self.chance.random() < 0.97,
        )

    def _hang_up(self, call: CallId) -> inputs.Input | None:
        if call in self.gone:
            return None
        self.gone.add(call)
        self._parted(call)
        return inputs.CallerLeft(call)

    def _parted(self, call: CallId) -> None:
        self.talking = {agent: other for agent, other in self.talking.items() if other != call}

    def _whim(self) -> inputs.Input:
        """Somebody does something, whether it makes sense or not."""
        agent = self.chance.choice(list(self.profiles))
        call = CallId(f"c{self.chance.randint(0, 60)}")
        told: inputs.Input = self.chance.choice(
            (
                inputs.AgentSignedOn(agent),
                inputs.AgentSignedOff(agent),
                inputs.AgentReady(agent),
                inputs.AgentReady(agent),
                inputs.AgentNotReady(agent, "lunch"),
                inputs.ForceState(agent, self.chance.choice(("available", "not_ready", "logged_out")), "", "boss"),
                inputs.OutboundBegan(agent),
                inputs.OutboundEnded(agent),
                inputs.AgentLent(agent),
                inputs.AgentLent(self.chance.choice(list(self.profiles))),
                inputs.WrapUpDone(agent),
                inputs.WrapUpCode(agent, "sold"),
                inputs.AgentHeld(self.attempts.get(agent, 0)),
                inputs.AgentResumed(self.attempts.get(agent, 0)),
                inputs.AgentConsulted(self.attempts.get(agent, 0)),
                inputs.CallerPulled(call),
                inputs.CallbackCancelled(self.chance.choice(sorted(self.callbacks) or [1])),
                inputs.AgentSet(self._profile(agent)),
                inputs.QueueSet(self._rules(self.chance.choice(list(self.rules)))),
            )
        )
        if isinstance(told, inputs.ForceState):
            self.forced.add((agent, self.now))
        if isinstance(told, inputs.QueueSet):
            self.rules[told.rules.name] = told.rules
        return told

    # The clock --------------------------------------------------------------------------------------------

    def _plan(self, after: int, what: Callable[[], inputs.Input | None]) -> None:
        self._planned += 1
        at = -(-(self.now + after) // GRAIN) * GRAIN
        heapq.heappush(self._plans, (at, self.chance.random(), self._planned, what))

    def run(self) -> None:
        """To the end of the day, when everybody has gone."""
        while self._plans:
            at, _, _, what = self._plans[0]
            due = self.centre.deadline()
            if due is not None and due < at and self.chance.random() < 0.9:
                self.now = max(self.now, due)
                self._step(inputs.Tick())
                continue
            heapq.heappop(self._plans)
            self.now = max(self.now, at)
            told = what()
            if told is not None:
                self._step(told)
        self._close()

    def _close(self) -> None:
        """Agents who can serve everybody stay and are ready until nobody waits, talks, or is to be called back."""
        everything = (Relaxation(1, tuple(Need(skill, 0) for skill in SKILLS)),)
        for name, rules in self.rules.items():
            self.rules[name] = structs.replace(rules, relaxation=everything)
            self._step(inputs.QueueSet(self.rules[name]))
        for name in self.profiles:
            queues = tuple(Membership(queue=queue) for queue in self.rules)
            self._step(inputs.AgentSet(AgentProfile(id=name, queues=queues)))
        for _ in range(3_000):
            if self._everybody_to_work():
                continue
            due = self.centre.deadline()
            plan = self._plans[0][0] if self._plans else None
            if due is None and plan is None:
                break
            if plan is not None and (due is None or plan <= due):
                at, _, _, what = heapq.heappop(self._plans)
                self.now = max(self.now, at)
                told = what()
                if told is not None:
                    self._step(told)
            elif due is not None:
                self.now = max(self.now, due)
                self._step(inputs.Tick())

    def _everybody_to_work(self) -> bool:
        """Whether somebody did not."""
        count = len(self.facts)
        for name in self.profiles:
            agent = self.centre.agent(name)
            assert agent is not None
            if agent.state == "logged_out":
                self._step(inputs.AgentSignedOn(name))
            elif agent.state in ("not_ready", "not_responding", "wrap_up"):
                self._step(inputs.AgentReady(name))
            elif agent.state == "outbound" and agent.conversation is None:
                self._step(inputs.OutboundEnded(name))
        return len(self.facts) > count

    # The engine -------------------------------------------------------------------------------------------

    def _step(self, told: inputs.Input) -> None:
        if isinstance(told, inputs.AgentHungUp):
            self.talking = {agent: call for agent, call in self.talking.items() if self.attempts[agent] != told.attempt}
        before = self.now
        effects = self.centre.step(self.now, told)
        for effect in effects:
            if isinstance(effect, Fact):
                assert effect.at <= before
                assert not self.facts or self.facts[-1].at <= effect.at
                self.facts.append(effect)
            self._do(effect)
        self._check()
        for effect in effects:
            if isinstance(effect, AgentReserved):
                self._nobody_was_passed(effect)

    def _do(self, effect: object) -> None:
        chance = self.chance
        match effect:
            case CallerQueued():
                self.numbers[effect.call] = effect
            case Ring():
                busy = {agent for agent, _ in self.ringing.values()} | set(self.talking) | set(self.on_line.values())
                assert effect.agent not in busy, f"{effect.agent} rings twice, or talks"
                self.ringing[effect.attempt] = (effect.agent, effect.call)
                self._plan(self._some(0, 2), lambda: inputs.AgentRang(effect.attempt))
                fate = chance.random()
                if fate < 0.75:
                    self._plan(self._some(0, 8), lambda: self._pick_up(effect.attempt))
                elif fate < 0.85:
                    self._plan(self._some(0, 5), lambda: self._refuse(effect.attempt))
            case StopRinging():
                self.ringing.pop(effect.attempt, None)
            case Connect():
                assert effect.call not in self.gone
                assert effect.agent not in self.talking and effect.call not in self.talking.values()
                if self.on_line.pop(effect.attempt, None) is None:
                    agent, call = self.ringing.pop(effect.attempt)
                    assert (agent, call) == (effect.agent, effect.call)
                self.talking[effect.agent] = effect.call
                self.attempts[effect.agent] = effect.attempt
                self._talk(effect.agent, effect.call, effect.attempt)
            case DialCallback():
                agent, _ = self.ringing.pop(effect.attempt)
                assert agent == effect.agent and effect.stay in self.callbacks
                self.on_line[effect.attempt] = agent
                call = CallId(f"back-{effect.stay}-{self.now}")
                self._plan(self._some(0, 20), lambda: self._called_back(effect.attempt, call))
                if chance.random() < 0.2:
                    self._plan(self._some(0, 10), lambda: self._gives_up(effect.attempt))
            case DropAgent():
                del self.on_line[effect.attempt]
            case StopCallback() | AgentReserved() | AgentReleased():
                pass
            case AskWebhook():
                agents = tuple(chance.sample(effect.agents, chance.randint(0, len(effect.agents))))
                fate = chance.random()
                if fate < 0.7:
                    self._plan(self._some(0, 4), lambda: inputs.WebhookAnswered(effect.question, agents))
                elif fate < 0.85:
                    self._plan(self._some(0, 4), lambda: inputs.WebhookFailed(effect.question))
            case OfferCallback():
                windows = chance.choice(((), ((self.now + self._some(0, 30), self.now + self._some(31, 900)),)))
                self._plan(
                    self._some(0, 20),
                    lambda: inputs.CallbackAccepted(call=effect.call, number="5551", windows=windows),
                )
            case CallbackRequested():
                self.callbacks.add(effect.stay)
            case CallbackEnded():
                self.callbacks.remove(effect.stay)
            case SendOn():
                to = effect.to
                if effect.reason == "callback" or to is None or to.name not in self.rules:
                    self.gone.add(effect.call)
                elif effect.call not in self.gone:
                    self._plan(0, lambda: self._moved(effect.call, to.name, effect.waited_ms))
            case CallerLeftQueue():
                if effect.reason == "pulled":
                    self.gone.add(effect.call)
            case AgentStateChanged():
                if effect.state == "outbound" and effect.stay and not effect.queue:
                    self._lent(effect.agent, effect.stay)
                if effect.state == "logged_out" and effect.by:
                    self.on_line = {number: agent for number, agent in self.on_line.items() if agent != effect.agent}
            case Refused() | _:
                pass

    def _lent(self, agent: str, loan: int) -> None:
        assert agent not in self.talking and agent not in {other for other, _ in self.ringing.values()}
        wraps = self.chance.choice((None, WrapUp("optional", self._some(0, 30)), WrapUp("until_done")))
        back = inputs.AgentReturned(loan=loan, wrap_up=wraps, talked=self.chance.random() < 0.5)
        self._plan(self._some(1, 80), lambda: back)
        if self.chance.random() < 0.1:
            self._plan(self._some(1, 80), lambda: back)  # told twice

    def _moved(self, call: CallId, queue: str, waited: int) -> inputs.Input | None:
        if call in self.gone or len([fact for fact in self.facts if getattr(fact, "call", "") == call]) > 20:
            return None if call in self.gone else self._hang_up(call)
        return self._arrival(call, queue, max(waited, 1))

    def _pick_up(self, attempt: int) -> inputs.Input:
        return inputs.AgentAnswered(attempt)

    def _refuse(self, attempt: int) -> inputs.Input | None:
        if self.ringing.pop(attempt, None) is None:
            return None
        return inputs.AgentRefused(attempt, self.chance.choice(("busy", "refused", "unreachable")))

    def _talk(self, agent: str, call: CallId, attempt: int) -> None:
        def agent_hangs_up() -> inputs.Input | None:
            if self.talking.get(agent) != call:
                return inputs.AgentHungUp(attempt)  # its phone tells of the end, however late
            self.gone.add(call)
            return inputs.AgentHungUp(attempt, transferred=self.chance.random() < 0.1)

        self._plan(self._some(0, 60), agent_hangs_up)
        self._plan(self._some(0, 80), lambda: self._hang_up(call))

    def _called_back(self, attempt: int, call: CallId) -> inputs.Input | None:
        if attempt in self.on_line and self.chance.random() < 0.5:
            return inputs.CallbackFailed(attempt)
        return inputs.CallbackAnswered(attempt, call)  # perhaps too late

    def _gives_up(self, attempt: int) -> inputs.Input | None:
        return inputs.AgentHungUp(attempt) if self.on_line.pop(attempt, None) is not None else None

    # What must hold ---------------------------------------------------------------------------------------

    def _check(self) -> None:
        floor = self.centre._floor
        rung = sorted(agent for agent, _ in self.ringing.values())
        assert len(set(rung)) == len(rung)
        assert rung == sorted(attempt.agent.id for attempt in floor.attempts.values())
        assert {agent.id: call for call, agent in floor.talking.items()} == self.talking
        assert len(floor.on_line) == len(floor.talking) + len(floor.dialling)
        assert {agent.loan: agent for agent in floor.agents.values() if agent.loan} == floor.loans
        assert all(agent.state == "outbound" and agent.attempt is None for agent in floor.loans.values())
        assert not floor.out and not floor.freed and not floor.unmatched and not floor.later
        for queue in floor.queues.values():
            assert queue.tally.waiting() == len(queue.waiting), "the account does not add up"
            assert all(queue.lines.values())
            busy = sum(waiter.stay in floor.callbacks and bool(waiter.attempts) for waiter in floor.callbacks.values()
                       if waiter.queue is queue)  # fmt: skip
            busy += sum(waiter.queue is queue for stay, agent in floor.dialling.items()
                        if (waiter := floor.callbacks[stay]) and agent)  # fmt: skip
            assert queue.callbacks_at_once == busy
            free = {
                agent.id for agent in floor.agents.values()
                if agent.state == "available" and not agent.resting and queue.name in
                {member.queue.name for member in agent.members}
            }  # fmt: skip
            assert set(queue.free) == free
            assert queue.serving == sum(
                member.agent.state not in ("logged_out", "not_ready", "not_responding")
                for member in queue.members.values()
            )
            assert queue.staffed == sum(member.agent.state != "logged_out" for member in queue.members.values())
            for waiter in queue.waiting.values():
                places = bool(waiter.attempts) + waiter.in_line + (waiter.question is not None)
                assert places + ("again" in waiter.due) == 1, "a caller is in two places, or in none"
                assert [entry for entry in queue.order if entry[1] is waiter]
            if queue.rules.strategy != "webhook":
                self._nobody_waits_whom_somebody_could_take(
                    queue.lines, queue.free, queue.callbacks_at_once, queue.rules
                )

    def _nobody_was_passed(self, reserved: AgentReserved) -> None:
        """Who waits in the same queue for what this agent has, comes later in order."""
        floor = self.centre._floor
        queue, agent = floor.queues[reserved.queue], floor.agents[reserved.agent]
        waiter = queue.waiting.get(reserved.stay)
        member = queue.members.get(agent.id)
        if waiter is None or member is None or queue.rules.strategy == "webhook":
            return
        for demand, line in queue.lines.items():
            if not demand.callback and fits(member, demand):
                assert line[0][0] > waiter.key, f"{waiter.call} passed {line[0][1].call}"

    @staticmethod
    def _nobody_waits_whom_somebody_could_take(lines, free, callbacks, rules) -> None:  # type: ignore[no-untyped-def]
        for demand in lines:
            if demand.callback and callbacks >= rules.callback.most_at_once:
                continue
            assert not any(fits(member, demand) for member in free.values()), f"an agent is free for {demand}"
