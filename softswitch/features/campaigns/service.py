"""Lists of numbers, live: each a `Dialler`, with what is told to it and carried out for it.

What is to be done is done in a turn of its own, since the facts that lead to it come from the middle of a call's work.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from msgspec import Struct

from softswitch.engine.bus import Bus
from softswitch.events import (
    AgentStateChanged,
    AgentWrapUpCoded,
    CalendarOverridden,
    CampaignState,
    Fact,
    RecordDialled,
    RecordPreviewed,
)
from softswitch.feature import Handler, hears
from softswitch.features.campaigns import store
from softswitch.features.campaigns.barring import Barring
from softswitch.features.campaigns.model.dialler import Dialler
from softswitch.features.campaigns.model.effects import (
    Effect,
    EntryState,
    GiveBack,
    Lend,
    NeverCall,
    Place,
    Refused,
    Save,
    Show,
    Write,
)
from softswitch.features.campaigns.model.rules import (
    MOST_RECORDS,
    CampaignRules,
    canonical,
    check_campaign,
)
from softswitch.features.campaigns.model.upload import NewRecord
from softswitch.features.campaigns.needs import Agents, Calendars, Log, Telephones
from softswitch.features.campaigns.store import Stored
from softswitch.features.campaigns.under_way import Calling, UnderWay
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound, Rejected, SwitchError
from softswitch.kernel.ids import CallId
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

CHANGED = "campaigns"
"""What these are called among the `Changes`."""
MOST_LISTS = 100
LOOK_SECONDS = 10.0
"""How often it is looked whether the hours of a list have begun or ended."""
_AT_ONCE = 500
"""Records that are added in one turn."""


class Preview(Struct, frozen=True):
    """What an agent looks at."""

    campaign: str
    record: int
    number: str
    attached: Mapping[str, str]
    until: int
    """Wall milliseconds; 0: it was taken."""


class Counts(Struct, frozen=True):
    """How far a list has come."""

    total: int
    calling: int
    outcomes: Mapping[str, int]
    """Of the records that are closed."""

    @property
    def open(self) -> int:
        return self.total - sum(self.outcomes.values())


class Campaigns:
    """All lists. Memory changes when a change is stored."""

    def __init__(
        self, clock: Clock, bus: Bus, written: Log, agents: Agents, telephones: Telephones, calendars: Calendars
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._log = written
        self._agents = agents
        self._calendars = calendars
        self._lists: dict[str, Dialler] = {}
        self._wanted: dict[str, CampaignState] = {}
        """What is stored of each list's state."""
        self._attached: dict[int, str] = {}
        """What is known of whom each record is, of those that are not closed: as JSON."""
        self._last_record: dict[str, int] = {}
        self.barring = Barring(clock, written, CHANGED)
        self._under_way = UnderWay(bus, agents, telephones, self._call_over)
        self._orders: deque[tuple[str, Effect]] = deque()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hours: asyncio.TimerHandle | None = None
        self._started = False

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What is always heard; facts of calls only while there are some of ours."""
        return (
            hears(AgentStateChanged, self._agent_changed),
            hears(AgentWrapUpCoded, self._coded),
            hears(CalendarOverridden, self._overridden),
        )

    async def load(self, database: Database) -> None:
        """Read all of them: before the start, and again when another process has changed some."""
        async with database.reading() as session:
            lists = await store.all_lists(session)
            await self.barring.load(session)
            last = self._last_record
            records = {name: await store.open_records(session, name, last.get(name, 0)) for name in lists}
        for name in self._lists.keys() - lists.keys():
            self._forget(name)
        for name, (rules, state) in lists.items():
            self._take(rules, state)
            for start in range(0, len(records[name]), _AT_ONCE):
                self._add(name, records[name][start : start + _AT_ONCE])
                await asyncio.sleep(0)

    def start(self) -> None:
        """Calls may be made from now on: lists that ran when the switch was stopped go on."""
        self._started = True
        self._look_at_hours()
        for name, state in self._wanted.items():
            self._tell(name, self._lists[name].set_state(self._now(), state))
        for agent in self._agents.available():
            self._free(agent)

    def stop(self) -> None:
        """No more calls are made; those that are under way are heard to their ends."""
        self._started = False
        for handle in (self._hours, self._timer):
            if handle is not None:
                handle.cancel()

    # What is known --------------------------------------------------------------------------------------------

    def lists(self) -> Sequence[str]:
        """Their names, in order."""
        return sorted(self._lists)

    def one(self, name: str) -> Dialler:
        """A list, to be looked at. Raises NotFound."""
        if name not in self._lists:
            raise NotFound("campaign", name)
        return self._lists[name]

    async def counts(self, session: Session, name: str) -> Counts:
        """How far it has come."""
        total, outcomes = await store.outcomes(session, name)
        return Counts(total, len(self.one(name).tasks), outcomes)

    async def records(
        self, session: Session, name: str, state: EntryState | None, after: int, most: int
    ) -> Sequence[Stored]:
        """Some of its records, as they are stored. Raises NotFound."""
        self.one(name)
        return await store.records(session, name, state, after, most)

    async def record(self, session: Session, name: str, number: int) -> Stored:
        """One of them. Raises NotFound."""
        found = await store.record(session, name, number) if name in self._lists else None
        if found is None:
            raise NotFound("record", str(number))
        return found

    def preview(self, agent: str) -> Preview:
        """What an agent looks at, or is called for it just now. Raises NotFound."""
        name, dialler = self._serves(agent)
        task = dialler.task_of(agent)
        assert task is not None
        until = task.until if task.phase == "preview" else 0
        return Preview(name, task.entry.id, task.entry.number, self._known_of(task.entry.id), until)

    def _known_of(self, record: int) -> dict[str, str]:
        return store.read_attributes(self._attached.get(record, "{}"))

    def calling(self, loan: int) -> tuple[Place, str] | None:
        """What is to be called for an agent, and the number that is shown (empty: its own); None: nothing any more."""
        calling = self._under_way.of(loan)
        return None if calling is None else (calling.place, self._lists[calling.campaign].rules.caller_id)

    @property
    def calls(self) -> int:
        """How many there are."""
        return len(self._under_way)

    # Agents -----------------------------------------------------------------------------------------------

    def accept(self, agent: str) -> None:
        """The number that an agent looks at is to be called. Raises NotFound and Conflict."""
        name, dialler = self._serves(agent)
        self._ask(name, dialler.accept(self._now(), agent))

    def skip(self, agent: str) -> None:
        """It is not, for now. Raises NotFound and Conflict."""
        name, dialler = self._serves(agent)
        self._ask(name, dialler.skip(self._now(), agent))

    def _serves(self, agent: str) -> tuple[str, Dialler]:
        for name, dialler in self._lists.items():
            if dialler.task_of(agent) is not None:
                return name, dialler
        raise NotFound("preview of", agent)

    def _agent_changed(self, fact: AgentStateChanged) -> None:
        if fact.state == "available":
            self._free(fact.agent)
            return
        for name, dialler in self._lists.items():
            if fact.agent in dialler.rules.agents:
                self._tell(name, dialler.agent_busy(self._now(), fact.agent))

    def _free(self, agent: str) -> None:
        for name, dialler in self._lists.items():
            if agent in dialler.rules.agents:
                self._tell(name, dialler.agent_free(self._now(), agent))

    def _coded(self, fact: AgentWrapUpCoded) -> None:
        if not fact.queue:
            for name, dialler in self._lists.items():
                if fact.agent in dialler.rules.agents:
                    self._tell(name, dialler.coded(self._now(), fact.stay, fact.agent, fact.code))

    # Hours ------------------------------------------------------------------------------------------------

    def _look_at_hours(self) -> None:
        self._hours = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_at_hours)
        for name in self._lists:
            self._look_at_calendar(name)

    def _look_at_calendar(self, name: str) -> None:
        dialler = self._lists[name]
        calendar = dialler.rules.calendar
        if calendar:
            try:
                is_open = self._calendars.opening(calendar, self._now()).open
            except NotFound:
                is_open = False  # nobody may be called at an hour that nobody knows
            if is_open != dialler.open:
                self._tell(name, dialler.set_open(self._now(), is_open))

    def _overridden(self, fact: CalendarOverridden) -> None:
        for name, dialler in self._lists.items():
            if dialler.rules.calendar == fact.calendar:
                self._look_at_calendar(name)

    # What a list wants ------------------------------------------------------------------------------------

    def _now(self) -> int:
        return self._clock.wall_ms()

    def _ask(self, name: str, effects: Sequence[Effect]) -> None:
        """What somebody asked for. Raises Conflict or NotFound where it cannot be."""
        refused = next((effect for effect in effects if isinstance(effect, Refused)), None)
        self._tell(name, effects)
        if refused is not None:
            raise _error(refused)

    def _tell(self, name: str, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Fact):
                self._bus.publish(effect)
            elif isinstance(effect, (Save, Write)):
                self._log.add(store.PROGRESS, store.progress_row(name, effect.entry))
                if isinstance(effect, Write):
                    self._log.then(partial(self._written, name, effect.loan))
            elif not isinstance(effect, Refused):
                self._orders.append((name, effect))
        if self._orders and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)
        self._set_timer()

    def _take_turn(self) -> None:
        self._turn = None
        while self._orders:
            name, order = self._orders.popleft()
            try:
                self._carry_out(name, order)
            except Exception:
                log.exception("what a list wants could not be done", campaign=name, order=repr(order))

    def _carry_out(self, name: str, order: Effect) -> None:
        dialler = self._lists.get(name)
        match order:
            case Lend(agent) if dialler is not None:
                self._lend(name, dialler, agent)
            case GiveBack(loan, agent, wraps_up, talked):
                rules = dialler.rules if dialler is not None else None
                until_done = rules is not None and rules.wrap_up_until_done
                most = rules.wrap_up_ms if rules is not None else 0
                wrap_up_ms = 0 if not wraps_up else None if until_done else most
                self._agents.give_back(loan, agent, wrap_up_ms=wrap_up_ms, talked=talked)
            case Show(_, agent, record, until) if dialler is not None and record in dialler.entries:
                self._bus.publish(
                    RecordPreviewed(
                        at=self._now(),
                        campaign=name,
                        record=record,
                        agent=agent,
                        number=dialler.entries[record].number,
                        attached=self._known_of(record),
                        until=until,
                    )
                )
            case Place() if dialler is not None:
                self._place(name, dialler, order)
            case NeverCall(number, agent):
                self.barring.told(number, agent, name)

    def _lend(self, name: str, dialler: Dialler, agent: str) -> None:
        try:
            if not self._started:
                raise Conflict("stopping", "the switch is being stopped")
            loan = self._agents.lend(agent)
        except (NotFound, Conflict):
            self._tell(name, dialler.not_lent(self._now(), agent))
        else:
            self._tell(name, dialler.lent(self._now(), agent, loan))

    def _written(self, name: str, loan: int) -> None:
        if (dialler := self._lists.get(name)) is not None:
            self._look_at_calendar(name)
            self._tell(name, dialler.written(self._now(), loan))

    def _place(self, name: str, dialler: Dialler, place: Place) -> None:
        try:
            if not self._started:
                raise NotFound("phone of", place.agent)
            calling = self._under_way.begin(name, place, auto_answer=dialler.rules.auto_answer)
        except (NotFound, Conflict, Rejected) as error:
            log.info("an agent cannot be rung for a list", campaign=name, agent=place.agent, error=str(error))
            self._tell(name, dialler.call_over(self._now(), place.loan, "agent_missed"))
            return
        self._bus.publish(
            RecordDialled(
                at=self._now(),
                campaign=name,
                record=place.record,
                agent=place.agent,
                number=place.number,
                attempt=place.attempt,
                attached=self._known_of(place.record),
                of_call=calling.call,
            )
        )

    def _call_over(self, calling: Calling, call: CallId) -> None:
        if (dialler := self._lists.get(calling.campaign)) is not None:
            result, talk_ms = calling.course.result()
            self._tell(calling.campaign, dialler.call_over(self._now(), calling.place.loan, result, talk_ms, call))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [at for dialler in self._lists.values() if (at := dialler.deadline()) is not None]
        if due and self._started:
            seconds = max(0, min(due) - self._now()) / 1000
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for name, dialler in self._lists.items():
            due = dialler.deadline()
            if due is not None and due <= self._now():
                self._tell(name, dialler.tick(self._now()))
        self._set_timer()

    # What is changed --------------------------------------------------------------------------------------

    async def create(self, session: Session, rules: CampaignRules) -> None:
        """Add a list, stopped and without records. Raises Conflict and Invalid."""
        known = await store.all_lists(session)
        if rules.name in known:
            raise Conflict("exists", f"there is a campaign {rules.name} already")
        if len(known) >= MOST_LISTS:
            raise Conflict("too-many", f"there are {MOST_LISTS} campaigns already")
        await self._set(session, rules, "stopped")

    async def change(
        self, session: Session, name: str, edit: Callable[[CampaignRules], CampaignRules]
    ) -> CampaignRules:
        """Set a list otherwise; calls that are under way go on. Raises NotFound and Invalid."""
        known = (await store.all_lists(session)).get(name)
        if known is None:
            raise NotFound("campaign", name)
        rules = edit(known[0])
        await self._set(session, rules, known[1])
        return rules

    async def set_state(self, session: Session, name: str, state: CampaignState, by: str) -> None:
        """Run, pause or stop. Raises NotFound, and Invalid for a list that nobody serves."""
        known = (await store.all_lists(session)).get(name)
        if known is None:
            raise NotFound("campaign", name)
        if state == "running" and not known[0].agents:
            raise Invalid("agents", "nobody serves this list")
        await store.write_list(session, known[0], state)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(known[0], state, by))

    async def remove(self, session: Session, name: str) -> None:
        """Delete a list with its records. Raises NotFound, and Conflict while it runs or is called for."""
        if name not in await store.all_lists(session):
            raise NotFound("campaign", name)
        dialler = self._lists.get(name)
        if dialler is not None and (dialler.state == "running" or dialler.tasks):
            raise Conflict("running", f"{name} runs, or an agent calls for it")
        await store.remove_list(session, name)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget(name))

    async def _set(self, session: Session, rules: CampaignRules, state: CampaignState) -> None:
        check_campaign(rules)
        if rules.calendar and not self._calendars.exists(rules.calendar):
            raise Invalid("calendar", f"there is no calendar {rules.calendar!r}")
        await store.write_list(session, rules, state)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(rules, state))

    async def add(self, session: Session, name: str, records: Sequence[NewRecord]) -> tuple[int, int]:
        """Add records, but for numbers that the list has; gives how many were added, and how many it had. Raises
        NotFound, and Conflict where they are too many."""
        if name not in await store.all_lists(session):
            raise NotFound("campaign", name)
        fresh: dict[str, NewRecord] = {}
        for each in records:
            fresh.setdefault(canonical(each.number), each)
        total, known = await store.known(session, name, list(fresh))
        for number in known:
            del fresh[number]
        if total + len(fresh) > MOST_RECORDS:
            raise Conflict("too-many-records", f"a campaign may have {MOST_RECORDS} records")
        stored = await store.add_records(session, name, list(fresh.values()))
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take_up(name, stored, 0))
        return len(stored), len(records) - len(stored)

    def close(self, name: str, record: int) -> None:
        """A record is called no more. Raises NotFound, and Conflict while an agent has it."""
        self._ask(name, self.one(name).remove(self._now(), record))

    def _take(self, rules: CampaignRules, state: CampaignState, by: str = "") -> None:
        self._wanted[rules.name] = state
        dialler = self._lists.get(rules.name)
        if dialler is None:
            dialler = self._lists[rules.name] = Dialler(rules, self.barring.__contains__)
        elif dialler.rules != rules:
            self._tell(rules.name, dialler.set_rules(self._now(), rules))
        if self._started:
            self._look_at_calendar(rules.name)
            self._tell(rules.name, dialler.set_state(self._now(), state, by))
            for agent in self._agents.available():
                if agent in rules.agents:
                    self._tell(rules.name, dialler.agent_free(self._now(), agent))

    def _forget(self, name: str) -> None:
        dialler = self._lists.pop(name, None)
        self._wanted.pop(name, None)
        self._last_record.pop(name, None)
        if dialler is not None:
            for record in dialler.entries:
                self._attached.pop(record, None)

    def _take_up(self, name: str, records: Sequence[Stored], start: int) -> None:
        """Add records that are stored, a few in each turn of the event loop: calls do not wait for a file."""
        self._add(name, records[start : start + _AT_ONCE])
        if start + _AT_ONCE < len(records):
            asyncio.get_running_loop().call_soon(self._take_up, name, records, start + _AT_ONCE)

    def _add(self, name: str, records: Sequence[Stored]) -> None:
        if not records or name not in self._lists:
            return
        fresh = [each for each in records if each.entry.id > self._last_record.get(name, 0)]
        self._attached.update((each.entry.id, each.written) for each in fresh)
        self._last_record[name] = max(each.entry.id for each in records)
        self._tell(name, self._lists[name].add(self._now(), [each.entry for each in fresh]))


def _error(refused: Refused) -> SwitchError:
    if refused.error_id == "no-record":
        return NotFound("open record", refused.message.rpartition(" ")[2])
    return Conflict(refused.error_id, refused.message)
