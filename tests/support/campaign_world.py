"""A random day of a list: agents who come and go, numbers that answer or do not, operators, a switch that is killed."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from functools import partial

from msgspec import structs

from softswitch.events import CallResult, Fact, RecordClosed, RecordCoded, RecordTried
from softswitch.features.campaigns.model.dialler import Dialler
from softswitch.features.campaigns.model.effects import (
    Effect,
    Entry,
    GiveBack,
    Lend,
    NeverCall,
    Place,
    Refused,
    Save,
    Show,
    Write,
)
from softswitch.features.campaigns.model.rules import CampaignRules, Disposition, Retry

RESULTS: tuple[CallResult, ...] = ("answered", "busy", "no_answer", "machine", "failed", "cancelled", "agent_missed")
DISPOSITIONS = {"sold": Disposition(), "later": Disposition("again", 30_000), "never": Disposition("never")}


class ListWorld:
    """One seed's day."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.now = 0
        self.facts: list[Fact] = []
        """Those on disk."""
        self._pending: list[Fact | Entry | int] = []
        """What waits for the disk, in order; a number is a loan that waits to be told."""
        self.names = [f"a{number}" for number in range(chance.randint(1, 4))]
        self.rules = CampaignRules(
            name="spring",
            mode=chance.choice(("preview", "progressive")),
            agents=tuple(self.names),
            calendar=chance.choice(("", "office")),
            preview_ms=chance.randint(1, 30) * 1000,
            skipped_ms=chance.choice((0, 20_000)),
            rest_ms=chance.choice((0, 20_000)),
            attempts=chance.randint(1, 4),
            retry={result: Retry(chance.randint(0, 60) * 1000, chance.randint(1, 3)) for result in RESULTS[1:6]
                   if chance.random() < 0.8} | ({"lost": Retry(1000)} if chance.random() < 0.5 else {}),
            dispositions=DISPOSITIONS,
        )  # fmt: skip
        self.disk = {
            number: Entry(id=number, number=f"{chance.randint(1, 40)}", priority=chance.choice((0, 0, 1)))
            for number in range(1, chance.randint(5, 40))
        }
        self.records = set(self.disk)
        self.barred = {f"{number}" for number in range(1, 4)}
        self.available: set[str] = set()
        self.loans: dict[int, str] = {}
        self.placed: dict[int, Place] = {}
        """Calls that are under way, by loan."""
        self.calls: Counter[tuple[int, int]] = Counter()
        """How often each attempt of each record was called for."""
        self._loan = 0
        self._life = 0
        self._plans: list[tuple[int, float, int, int, Callable[[], object]]] = []
        self._planned = 0
        self.list = self._born()
        for name in self.names:
            self._plan(chance.randint(0, 20), partial(self._turn_up, name))
        for _ in range(chance.randint(5, 30)):
            self._plan(chance.randint(0, 900), self._whim)
        self._plan(1, partial(self._state, "running"))
        if chance.random() < 0.4:
            self._plan(chance.randint(20, 600), self._crash, every_life=True)

    # What happens -----------------------------------------------------------------------------------------

    def _born(self) -> Dialler:
        made = Dialler(self.rules, lambda number: number in self.barred)
        self.list = made
        self._do(
            made.add(self.now, [structs.replace(entry) for entry in self.disk.values() if entry.state != "closed"])
        )
        return made

    def _crash(self) -> None:
        """All that is not on disk is gone; agents and calls, too."""
        self._life += 1
        self._pending.clear()
        self.available.clear()
        self.loans.clear()
        self.placed.clear()
        self.list = self._born()
        for name in self.names:
            self._plan(self.chance.randint(0, 20), partial(self._turn_up, name))
        self._plan(1, partial(self._state, "running"))
        self._plan(1, partial(self._hours, True))

    def _turn_up(self, agent: str) -> None:
        if agent not in self.available and agent not in self.loans.values():
            self.available.add(agent)
            self._do(self.list.agent_free(self.now, agent))

    def _go(self, agent: str) -> None:
        if agent in self.available:
            self.available.remove(agent)
            self._do(self.list.agent_busy(self.now, agent))
            self._plan(self.chance.randint(1, 60), partial(self._turn_up, agent))

    def _state(self, state: str) -> None:
        self._do(self.list.set_state(self.now, state))  # type: ignore[arg-type]

    def _hours(self, is_open: bool) -> None:
        self._do(self.list.set_open(self.now, is_open))

    def _whim(self) -> None:
        agent, record = self.chance.choice(self.names), self.chance.choice(sorted(self.records))
        loan = self.chance.choice(sorted(self.loans) or [0])
        self.chance.choice(
            (
                partial(self._go, agent),
                partial(self._go, agent),
                lambda: self._do(self.list.accept(self.now, agent)),
                lambda: self._do(self.list.skip(self.now, agent)),
                lambda: self._do(self.list.remove(self.now, record)),
                lambda: self._do(self.list.coded(self.now, loan, agent, "later")),
                lambda: self.barred.add(f"{self.chance.randint(1, 40)}"),
                partial(self._state, "paused"),
                partial(self._state, "running"),
                partial(self._state, "stopped"),
                partial(self._state, "running"),
                partial(self._hours, False),
                partial(self._hours, True),
                partial(self._hours, True),
            )
        )()

    # The clock --------------------------------------------------------------------------------------------

    def _plan(self, seconds: int, what: Callable[[], object], every_life: bool = False) -> None:
        self._planned += 1
        life = -1 if every_life else self._life
        heapq.heappush(self._plans, (self.now + 1000 * seconds, self.chance.random(), self._planned, life, what))

    def run(self) -> None:
        """Until nothing is left to do."""
        self._run(1_000_000)
        self._state("running")
        self._hours(True)
        for name in self.names:
            self._turn_up(name)
        self._run(100_000_000)
        self._flush()

    def _run(self, until: int) -> None:
        for _ in range(20_000):
            due, plan = self.list.deadline(), self._plans[0][0] if self._plans else None
            if due is not None and due <= until and (plan is None or due < plan):
                self.now = max(self.now, due)
                self._do(self.list.tick(self.now))
            elif plan is not None and plan <= until:
                at, _, _, life, what = heapq.heappop(self._plans)
                self.now = max(self.now, at)
                if life in (-1, self._life):
                    what()
            else:
                return
        raise AssertionError("it goes on for ever")

    # What it wants ----------------------------------------------------------------------------------------

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self._check()

    def _carry_out(self, effect: Effect) -> None:
        chance = self.chance
        match effect:
            case Lend(agent):
                assert agent in self.available, f"{agent} is asked for and is not free"
                if chance.random() < 0.1:
                    self._later(partial(self._taken_by_another, agent))
                    return
                self.available.remove(agent)
                self._loan += 1
                self.loans[self._loan] = agent
                self._later(partial(self._is_lent, agent, self._loan))
            case GiveBack(loan, agent, wraps_up):
                assert self.loans.pop(loan) == agent
                assert loan not in self.placed
                self._plan(chance.randint(0, 30) if wraps_up else 0, partial(self._turn_up, agent))
                if wraps_up and chance.random() < 0.5:
                    code = chance.choice(("sold", "later", "never", "odd"))
                    self._plan(chance.randint(0, 40), lambda: self._do(self.list.coded(self.now, loan, agent, code)))
            case Show(loan, agent):
                assert self.loans[loan] == agent
                fate = chance.random()
                answer = self._accepts if fate < 0.7 else self._skips
                if fate < 0.9:
                    self._plan(chance.randint(0, 30), partial(answer, agent, loan))
            case Write(loan, entry):
                assert loan in self.loans
                self._pending += [entry, loan]
                self._plan(chance.choice((0, 1, 3, 20)), self._flush)
            case Save(entry):
                self._pending.append(entry)
                self._plan(chance.randint(0, 3), self._flush)
            case Place(loan):
                self._placed(effect)
            case NeverCall(number):
                self.barred.add(number)
            case Refused():
                pass
            case Fact():
                self._pending.append(effect)

    def _later(self, what: Callable[[], object]) -> None:
        self._plan(0, what)

    def _is_lent(self, agent: str, loan: int) -> None:
        self._do(self.list.agent_busy(self.now, agent))
        self._do(self.list.lent(self.now, agent, loan))

    def _taken_by_another(self, agent: str) -> None:
        self._do(self.list.not_lent(self.now, agent))
        if self.chance.random() < 0.5:
            self._go(agent)

    def _accepts(self, agent: str, loan: int) -> None:
        if self.loans.get(loan) == agent:
            self._do(self.list.accept(self.now, agent))

    def _skips(self, agent: str, loan: int) -> None:
        if self.loans.get(loan) == agent:
            self._do(self.list.skip(self.now, agent))

    def _flush(self) -> None:
        """All that waits is on disk."""
        written, self._pending = self._pending, []
        for each in written:
            if isinstance(each, Entry):
                self.disk[each.id] = each
            elif isinstance(each, Fact):
                self.facts.append(each)
        for loan in written:
            if isinstance(loan, int):
                if self.chance.random() < 0.02:
                    self._crash()  # between the disk and the call
                    return
                self._do(self.list.written(self.now, loan))

    def _placed(self, place: Place) -> None:
        assert self.list.state == "running" and self.list.open and place.number not in self.barred
        assert self.loans[place.loan] == place.agent and place.loan not in self.placed
        assert place.record not in {other.record for other in self.placed.values()}
        on_disk = self.disk[place.record]
        assert (on_disk.state, on_disk.attempts) == ("dialling", place.attempt), "called before it was on disk"
        assert place.attempt <= self.rules.attempts
        self.placed[place.loan] = place
        self.calls[place.record, place.attempt] += 1
        result = self.chance.choice(RESULTS)
        self._plan(self.chance.randint(0, 60), partial(self._over, place, result))

    def _over(self, place: Place, result: CallResult) -> None:
        del self.placed[place.loan]
        if result == "agent_missed":
            self.calls[place.record, place.attempt] -= 1  # the number was not called
        self._do(self.list.call_over(self.now, place.loan, result, 1000))

    # What must hold ---------------------------------------------------------------------------------------

    def _check(self) -> None:
        tasks = self.list.tasks
        assert len(self.placed) <= len(self.loans), "more calls than agents for them"
        assert {loan: task.agent for loan, task in tasks.items()}.items() <= self.loans.items()
        assert len({task.entry.id for task in tasks.values()}) == len(tasks), "two agents have one record"
        assert {loan for loan, task in tasks.items() if task.phase == "dialling"} == set(self.placed)
        assert all(count <= 1 for count in self.calls.values()), "an attempt was called for twice"
        for entry in self.list.entries.values():
            assert entry.state != "closed" and entry.attempts <= self.rules.attempts


def closed_once(facts: list[Fact]) -> bool:
    """Whether no record was closed twice without a call, or a code that opened it again, between."""
    done: set[int] = set()
    for fact in facts:
        if isinstance(fact, RecordTried) or (isinstance(fact, RecordCoded) and fact.code == "later"):
            done.discard(fact.record)
        elif isinstance(fact, RecordClosed):
            if fact.record in done:
                return False
            done.add(fact.record)
    return True
