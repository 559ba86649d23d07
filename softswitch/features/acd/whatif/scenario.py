"""A scenario file: queues, who calls them, how long it takes, and who is there; in TOML."""

import csv
import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct, field, structs

from softswitch.features.acd.model.rules import (
    AgentProfile,
    Membership,
    QueueRules,
    check_agent,
    check_queue,
)
from softswitch.features.acd.whatif.chance import Draw, constant, exponential, lognormal, poisson, spread
from softswitch.features.acd.whatif.day import Day, PlannedCall, Shift
from softswitch.kernel.errors import Invalid

_MOST_CALLS = 1_000_000


class Span(Struct, frozen=True, forbid_unknown_fields=True):
    """Times drawn by chance."""

    mean_seconds: float
    spread: Literal["exponential", "lognormal", "constant"] = "exponential"
    deviation_seconds: float = 0.0
    """Of `lognormal`."""

    def draw(self, where: str) -> Draw:
        """Raises Invalid."""
        if self.mean_seconds <= 0:
            raise Invalid(f"{where}.mean_seconds", f"{self.mean_seconds} is not positive")
        if self.spread == "lognormal":
            if self.deviation_seconds <= 0:
                raise Invalid(f"{where}.deviation_seconds", f"{self.deviation_seconds} is not positive")
            return lognormal(self.mean_seconds * 1000, self.deviation_seconds * 1000)
        return (exponential if self.spread == "exponential" else constant)(self.mean_seconds * 1000)


class Arrivals(Struct, frozen=True, forbid_unknown_fields=True):
    """Who calls a queue: counts of a file, or a steady rate."""

    file: str = ""
    """CSV with the columns `DateTime` (beginning of the interval) and `Calls`; beside the scenario."""
    minutes: int = 5
    """How long its intervals are."""
    share: float = 1.0
    """Which part of the file's calls come to this queue."""
    per_hour: float = 0.0
    begin: str = "08:00"
    end: str = "18:00"
    """Of the steady rate."""


class Callbacks(Struct, frozen=True, forbid_unknown_fields=True):
    """Who would rather be called back than wait."""

    share: float
    """Of the callers."""
    after: Span
    """How long they wait before."""
    answered: float = 0.7
    """How often somebody answers when the number is called."""
    ring: Span = Span(10.0)
    """How long it rings until then."""


class ScenarioQueue(Struct, frozen=True, forbid_unknown_fields=True):
    """A queue, and its callers."""

    rules: QueueRules
    arrivals: Arrivals
    handling: Span
    patience: Span | None = None
    """None: nobody hangs up."""
    callbacks: Callbacks | None = None
    """None: nobody is called back."""
    answer: Span | None = None
    """How long phones ring; None: agents answer at once."""


class Staff(Struct, frozen=True, forbid_unknown_fields=True):
    """Some agents who are alike."""

    agents: int
    begin: str
    end: str
    queues: tuple[Membership, ...]
    name: str = "agent"
    skills: dict[str, int] = field(default_factory=dict)


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    day: str
    """`2003-03-03`: whose calls are taken from files, and on which all happens."""
    queue: tuple[ScenarioQueue, ...]
    staff: tuple[Staff, ...]
    time_zone: str = "UTC"


def read(path: Path) -> Scenario:
    """Raises Invalid naming the file, and the place in it."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Scenario)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise Invalid(str(path), str(error)) from None


def make(scenario: Scenario, folder: Path, chance: random.Random) -> Day:
    """Draw a day of the scenario. Raises Invalid naming the field."""
    clock = _clock(scenario)
    calls: list[PlannedCall] = []
    for number, each in enumerate(scenario.queue):
        check_queue(each.rules)
        calls += _calls(each, f"queue[{number}]", scenario.day, folder, clock, chance)
    if len(calls) > _MOST_CALLS:
        raise Invalid("queue", f"{len(calls)} calls are more than {_MOST_CALLS}")
    agents: list[AgentProfile] = []
    shifts: list[Shift] = []
    for number, staff in enumerate(scenario.staff):
        begin, end = clock(staff.begin, f"staff[{number}].begin"), clock(staff.end, f"staff[{number}].end")
        for count in range(staff.agents):
            profile = AgentProfile(
                id=f"{staff.name}-{number}-{count}", skills=staff.skills, queues=staff.queues, name=staff.name
            )
            check_agent(profile)
            agents.append(profile)
            shifts.append(Shift(profile.id, begin, end))
    calls.sort(key=lambda call: call.at)
    return Day(queues=[each.rules for each in scenario.queue], agents=agents, shifts=shifts, calls=calls)


def _clock(scenario: Scenario) -> Callable[[str, str], int]:
    """Times of the day as wall milliseconds; `24:00` is the day's end."""
    try:
        zone = ZoneInfo(scenario.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("time_zone", f"{scenario.time_zone!r} is no time zone, such as Europe/Berlin") from None
    date = _parsed("day", scenario.day, "no day, such as 2003-03-03", lambda text: datetime.strptime(text, "%Y-%m-%d"))

    def at(text: str, where: str) -> int:
        if text == "24:00":
            moment = date + timedelta(days=1)
        else:
            moment = datetime.combine(date, _parsed(where, text, "no time, such as 08:30", time.fromisoformat))
        return round(moment.replace(tzinfo=zone).timestamp() * 1000)

    return at


_Parsed = TypeVar("_Parsed")


def _parsed(where: str, text: str, wrong: str, parse: Callable[[str], _Parsed]) -> _Parsed:
    try:
        return parse(text)
    except ValueError:
        raise Invalid(where, f"{text!r} is {wrong}") from None


def _calls(
    queue: ScenarioQueue,
    where: str,
    day: str,
    folder: Path,
    clock: Callable[[str, str], int],
    chance: random.Random,
) -> list[PlannedCall]:
    arrivals = queue.arrivals
    if bool(arrivals.file) == bool(arrivals.per_hour):
        raise Invalid(f"{where}.arrivals", "give either a file or calls per_hour")
    if arrivals.file:
        times = []
        for begin, count in _counts(folder / arrivals.file, day, clock):
            some = sum(chance.random() < arrivals.share for _ in range(count))
            times += spread(begin, arrivals.minutes * 60_000, [some], chance)
    else:
        begin = clock(arrivals.begin, f"{where}.arrivals.begin")
        end = clock(arrivals.end, f"{where}.arrivals.end")
        times = poisson(begin, end, arrivals.per_hour / 3_600_000, chance)
    handling = queue.handling.draw(f"{where}.handling")
    patience = queue.patience.draw(f"{where}.patience") if queue.patience is not None else None
    answer = queue.answer.draw(f"{where}.answer") if queue.answer is not None else constant(0)
    calls = [
        PlannedCall(
            at=at,
            queue=queue.rules.name,
            handle_ms=handling(chance),
            patience_ms=patience(chance) if patience is not None else None,
            answer_ms=answer(chance),
        )
        for at in times
    ]
    return (
        calls if queue.callbacks is None else _called_back(queue, queue.callbacks, calls, f"{where}.callbacks", chance)
    )


def _called_back(
    queue: ScenarioQueue, callbacks: Callbacks, calls: list[PlannedCall], where: str, chance: random.Random
) -> list[PlannedCall]:
    """Let some of the callers want it so."""
    for name, part in (("share", callbacks.share), ("answered", callbacks.answered)):
        if not 0 <= part <= 1:
            raise Invalid(f"{where}.{name}", f"{part} is no part of a whole, from 0 to 1")
    after, ring = callbacks.after.draw(f"{where}.after"), callbacks.ring.draw(f"{where}.ring")

    def answers() -> tuple[int | None, ...]:
        most = queue.rules.callback.attempts
        return tuple(ring(chance) if chance.random() < callbacks.answered else None for _ in range(most))

    return [
        structs.replace(call, callback_after_ms=after(chance), callback_answers=answers())
        if chance.random() < callbacks.share
        else call
        for call in calls
    ]


def _counts(path: Path, day: str, clock: Callable[[str, str], int]) -> list[tuple[int, int]]:
    """When each interval of a day began, and how many called. Raises Invalid naming file and line."""
    counts = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("DateTime", "").startswith(day):
                    moment = datetime.fromisoformat(row["DateTime"])
                    counts.append((clock(f"{moment:%H:%M}", str(path)), int(float(row["Calls"]))))
    except OSError as error:
        raise Invalid(str(path), str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{path}: row {len(counts) + 1} of {day}", f"no DateTime and Calls: {error}") from None
    if not counts:
        raise Invalid(str(path), f"there is no row of {day} in it")
    return counts
