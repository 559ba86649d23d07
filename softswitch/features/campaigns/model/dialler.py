"""A list as a machine: what happens comes in with its time, what is to be done goes out.

An agent is lent first, and then one number is taken for it: there are never more calls than agents who wait for them,
so that nobody who answers is left without one. A call is on disk as an attempt before it is made: after a restart it
may be that a number was not called for it, but never that it is called for it a second time.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Literal

from msgspec import Struct, structs

from softswitch.events import (
    CallResult,
    CampaignState,
    CampaignStateChanged,
    RecordClosed,
    RecordCoded,
    RecordSkipped,
    RecordTried,
)
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
from softswitch.features.campaigns.model.rules import CampaignRules, Disposition
from softswitch.kernel.ids import CallId

DISK_MS = 10_000
"""How long an agent waits for the disk, which nothing is called without."""
ASK_AGAIN_MS = 5_000
"""When an agent is wanted again who is available and could not be had."""
_NO_CALL = CallId("")


class Task(Struct):
    """An agent works for the list."""

    loan: int
    agent: str
    entry: Entry
    phase: Literal["preview", "writing", "dialling"] = "preview"
    until: int = 0
    """How long the agent may look, or waits for the disk."""


class Dialler:
    """One list. Times are wall milliseconds; each method gives what is to be done, in order."""

    def __init__(self, rules: CampaignRules, is_barred: Callable[[str], bool]) -> None:
        """`is_barred`: whether nobody may call a number."""
        self.rules = rules
        self.state: CampaignState = "stopped"
        self.open = not rules.calendar
        self.tasks: dict[int, Task] = {}
        """By loan."""
        self.entries: dict[int, Entry] = {}
        """All that are not closed."""
        self._is_barred = is_barred
        self._ready: list[tuple[int, int, int]] = []
        """A heap of those that may be called: priority upside down, due, id."""
        self._later: list[tuple[int, int]] = []
        """A heap of those that are due later."""
        self._free: dict[str, None] = {}
        """Agents who are available, the longest first."""
        self._wanted: dict[str, None] = {}
        """Whom to lend we have asked for."""
        self._rests: dict[str, int] = {}
        self._last: dict[str, tuple[int, Entry]] = {}
        """The loan and the record of each agent's last call, for a code that comes after it."""
        self._out: list[Effect] = []
        self._now = 0

    @property
    def calls(self) -> bool:
        """Whether numbers are called now."""
        return self.state == "running" and self.open

    def deadline(self) -> int | None:
        """When `tick` is due at the latest; None: nothing happens by itself."""
        due = [task.until for task in self.tasks.values() if task.phase != "dialling"]
        if self.calls:
            due += [at for agent, at in self._rests.items() if agent in self._free]
            if self._later:
                due.append(self._later[0][0])
        return min(due, default=None)

    def task_of(self, agent: str) -> Task | None:
        """What an agent does for the list."""
        return next((task for task in self.tasks.values() if task.agent == agent), None)

    # What is set ------------------------------------------------------------------------------------------

    def set_rules(self, now: int, rules: CampaignRules) -> list[Effect]:
        self.rules = rules
        self.open = self.open if rules.calendar else True
        for agent in self._free.keys() - set(rules.agents):
            del self._free[agent]
        return self._done(now)

    def add(self, now: int, entries: Iterable[Entry]) -> list[Effect]:
        """More records, none of them closed. One that was being called when the switch stopped is lost."""
        self._now = now
        for entry in entries:
            self.entries[entry.id] = entry
            if entry.state == "dialling":
                self._tell_tried(entry, entry.agent, "lost", 0, _NO_CALL)
                self._settle(entry, "lost")
            else:
                self._line_up(entry)
        return self._done(now)

    def remove(self, now: int, record: int) -> list[Effect]:
        """A record is to be called no more. Refused while it is."""
        self._now = now
        entry = self.entries.get(record)
        if entry is None:
            self._out.append(Refused("no-record", f"there is no open record {record}"))
        elif any(task.entry is entry for task in self.tasks.values()):
            self._out.append(Refused("in-use", f"an agent has record {record} now"))
        else:
            self._close(entry, "removed")
        return self._done(now)

    def set_state(self, now: int, state: CampaignState, by: str = "") -> list[Effect]:
        """Run, pause or stop. Calls that are under way go on; whoever stops takes back what is only looked at."""
        self._now = now
        if state != self.state:
            self._out.append(
                CampaignStateChanged(at=now, campaign=self.rules.name, state=state, before=self.state, by=by)
            )
            self.state = state
            if state == "stopped":
                self._withdraw("stopped")
        return self._done(now)

    def set_open(self, now: int, is_open: bool) -> list[Effect]:
        """The hours begin or end."""
        self._now = now
        self.open = is_open or not self.rules.calendar
        if not self.open:
            self._withdraw("closed")
        return self._done(now)

    # Agents -----------------------------------------------------------------------------------------------

    def agent_free(self, now: int, agent: str) -> list[Effect]:
        """An agent is available."""
        if agent in self.rules.agents:
            self._free.setdefault(agent)
        return self._done(now)

    def agent_busy(self, now: int, agent: str) -> list[Effect]:
        """An agent does something else."""
        self._free.pop(agent, None)
        self._rests.pop(agent, None)
        return self._done(now)

    def lent(self, now: int, agent: str, loan: int) -> list[Effect]:
        """The agent is ours."""
        self._now = now
        self._wanted.pop(agent, None)
        self._free.pop(agent, None)
        entry = self._next() if self.calls else None
        if entry is None:
            self._out.append(GiveBack(loan, agent, wraps_up=False, talked=False))
            return self._done(now)
        self._last.pop(agent, None)
        task = self.tasks[loan] = Task(loan, agent, entry)
        if self.rules.mode == "preview":
            task.until = now + self.rules.preview_ms
            self._out.append(Show(loan, agent, entry.id, task.until))
        else:
            self._begin(task)
        return self._done(now)

    def not_lent(self, now: int, agent: str) -> list[Effect]:
        """Somebody was faster, or it may not be rung just now."""
        self._wanted.pop(agent, None)
        self._rests[agent] = now + ASK_AGAIN_MS
        return self._done(now)

    def accept(self, now: int, agent: str) -> list[Effect]:
        """The number that an agent looks at is to be called."""
        self._now = now
        task = self._preview_of(agent)
        if task is not None and not self.calls:
            self._out.append(Refused("not-running", f"{self.rules.name} is {self.state}"))
        elif task is not None:
            self._begin(task)
        return self._done(now)

    def skip(self, now: int, agent: str) -> list[Effect]:
        """It is not, for now."""
        self._now = now
        task = self._preview_of(agent)
        if task is not None:
            self._put_aside(task, "skipped")
        return self._done(now)

    def coded(self, now: int, loan: int, agent: str, code: str) -> list[Effect]:
        """What came of a call that is over, in the agent's code. It may open its record again; one that is closed is
        not closed a second time."""
        self._now = now
        loan_of_last, entry = self._last.get(agent, (0, None))
        if entry is not None and loan_of_last == loan and all(task.entry is not entry for task in self.tasks.values()):
            self._go_by_code(entry, code, agent)
        return self._done(now)

    # Calls ------------------------------------------------------------------------------------------------

    def written(self, now: int, loan: int) -> list[Effect]:
        """The attempt is on disk."""
        self._now = now
        task = self.tasks.get(loan)
        if task is None:
            pass  # too late: the agent has been let go, and that is on its way to the disk, too
        elif self.calls and not self._is_barred(task.entry.number):
            task.phase = "dialling"
            entry = task.entry
            self._out.append(Place(loan, task.agent, entry.id, entry.number, entry.attempts))
        else:
            self._take_back(task)
        return self._done(now)

    def call_over(
        self, now: int, loan: int, result: CallResult, talk_ms: int = 0, call: CallId = _NO_CALL
    ) -> list[Effect]:
        """What came of a call."""
        self._now = now
        task = self.tasks.get(loan)
        if task is None or task.phase != "dialling":
            return self._done(now)
        entry, agent = task.entry, task.agent
        self._tell_tried(entry, agent, result, talk_ms, call)
        if result == "agent_missed":
            self._rests[agent] = now + self.rules.rest_ms
            self._take_back(task)
            return self._done(now)
        del self.tasks[loan]
        talked = result in ("answered", "machine")
        self._last[agent] = (loan, entry)
        self._settle(entry, result)
        self._out.append(GiveBack(loan, agent, wraps_up=talked, talked=talked))
        return self._done(now)

    def tick(self, now: int) -> list[Effect]:
        """Nothing but time has passed."""
        return self._done(now)

    # Within -----------------------------------------------------------------------------------------------

    def _done(self, now: int) -> list[Effect]:
        self._now = now
        for task in [task for task in self.tasks.values() if task.phase == "preview" and task.until <= now]:
            self._rests[task.agent] = now + self.rules.rest_ms
            self._put_aside(task, "timeout")
        for task in [task for task in self.tasks.values() if task.phase == "writing" and task.until <= now]:
            self._rests[task.agent] = now + self.rules.rest_ms
            self._take_back(task)
        for agent in [agent for agent, at in self._rests.items() if at <= now]:
            del self._rests[agent]
        while self._later and self._later[0][0] <= now:
            due, record = heappop(self._later)
            entry = self.entries.get(record)
            if entry is not None and entry.due == due:
                heappush(self._ready, (-entry.priority, due, record))
        if self.calls:
            self._ask_for_agents()
        out, self._out = self._out, []
        return out

    def _ask_for_agents(self) -> None:
        """As many as there are records for them."""
        if self._free and (most := self._count_ready(len(self._free)) - len(self._wanted)) > 0:
            fit = [agent for agent in self._free if agent not in self._wanted and agent not in self._rests]
            for agent in fit[:most]:
                self._wanted[agent] = None
                self._out.append(Lend(agent))

    def _count_ready(self, most: int) -> int:
        """How many records may be called, as far as it matters."""
        while self._ready and not self._stands(self._ready[0]):
            heappop(self._ready)
        return min(most, len(self._ready))

    def _stands(self, place: tuple[int, int, int]) -> bool:
        """Whether a place in the heap is still that of a record that waits."""
        priority, due, record = place
        entry = self.entries.get(record)
        return entry is not None and entry.state == "waiting" and (entry.due, -entry.priority) == (due, priority)

    def _next(self) -> Entry | None:
        """Take the record that is first in order out of the line."""
        taken = {task.entry.id for task in self.tasks.values()}
        while self._ready:
            place = heappop(self._ready)
            if not self._stands(place) or place[2] in taken:
                continue
            entry = self.entries[place[2]]
            if self._is_barred(entry.number):
                self._close(entry, "do_not_call")
                continue
            return entry
        return None

    def _line_up(self, entry: Entry) -> None:
        entry.state = "waiting"
        heappush(self._later, (entry.due, entry.id))

    def _preview_of(self, agent: str) -> Task | None:
        """What an agent looks at; nothing: that is told."""
        task = self.task_of(agent)
        if task is None or task.phase != "preview":
            self._out.append(Refused("no-preview", f"{agent} has no record to look at"))
            return None
        return task

    def _begin(self, task: Task) -> None:
        entry = task.entry
        entry.attempts += 1
        entry.state, entry.agent = "dialling", task.agent
        task.phase, task.until = "writing", self._now + DISK_MS
        self._out.append(Write(task.loan, structs.replace(entry)))

    def _withdraw(self, reason: str) -> None:
        for task in [task for task in self.tasks.values() if task.phase == "preview"]:
            self._put_aside(task, reason)

    def _put_aside(self, task: Task, reason: str) -> None:
        """What an agent looks at is not called now."""
        entry = task.entry
        del self.tasks[task.loan]
        entry.due = self._now + (self.rules.skipped_ms if reason in ("skipped", "timeout") else 0)
        self._line_up(entry)
        self._out += [
            RecordSkipped(at=self._now, campaign=self.rules.name, record=entry.id, agent=task.agent, reason=reason),
            Save(structs.replace(entry)),
            GiveBack(task.loan, task.agent, wraps_up=False, talked=False),
        ]

    def _take_back(self, task: Task) -> None:
        """The number was not called: that was no attempt."""
        entry = task.entry
        del self.tasks[task.loan]
        entry.attempts -= 1
        entry.due = self._now
        self._line_up(entry)
        self._out += [Save(structs.replace(entry)), GiveBack(task.loan, task.agent, wraps_up=False, talked=False)]

    def _tell_tried(self, entry: Entry, agent: str, result: CallResult, talk_ms: int, call: CallId) -> None:
        self._out.append(
            RecordTried(
                at=self._now,
                campaign=self.rules.name,
                record=entry.id,
                agent=agent,
                number=entry.number,
                attempt=entry.attempts,
                result=result,
                talk_ms=talk_ms,
                of_call=call,
            )
        )
        if result != "agent_missed":
            entry.tries = {**entry.tries, result: entry.tries.get(result, 0) + 1}

    def _settle(self, entry: Entry, result: CallResult) -> None:
        """Whether and when a number is called again after a call."""
        entry.outcome = result
        retry = self.rules.retry.get(result)
        if retry is None:
            self._close(entry, result)
        elif entry.tries.get(result, 0) >= retry.most:
            self._close(entry, "exhausted")
        else:
            self._again(entry, retry.after_ms)

    def _go_by_code(self, entry: Entry, code: str, agent: str) -> None:
        entry.code = code
        self._out.append(RecordCoded(at=self._now, campaign=self.rules.name, record=entry.id, agent=agent, code=code))
        meaning = self.rules.dispositions.get(code, Disposition())
        if meaning.then == "again":
            self._again(entry, meaning.after_ms)
            return
        if meaning.then == "never":
            self._out.append(NeverCall(entry.number, agent))
        self._close(entry, code)

    def _again(self, entry: Entry, after_ms: int) -> None:
        if entry.attempts >= self.rules.attempts:
            self._close(entry, "exhausted")
            return
        entry.due = self._now + after_ms
        self.entries[entry.id] = entry  # a late code opens it again
        self._line_up(entry)
        self._out.append(Save(structs.replace(entry)))

    def _close(self, entry: Entry, outcome: str) -> None:
        was, entry.state, entry.outcome = entry.state, "closed", outcome
        self.entries.pop(entry.id, None)
        if was != "closed":
            self._out.append(
                RecordClosed(
                    at=self._now, campaign=self.rules.name, record=entry.id, number=entry.number, outcome=outcome
                )
            )
        self._out.append(Save(structs.replace(entry)))
