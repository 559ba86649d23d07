"""Alarms on live figures: three levels, and when one gives way to another.

Each alarm has two bounds. A figure as good as `target` is on target; one as bad as `warning` is a warning; between them
it is normal. Whether much is good or bad is told by which bound is higher. So that an alarm does not flap, a figure
must have been beyond a bound for `hold_ms` before that counts, and must come back across it by `hysteresis`.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from softswitch.events import AlarmLevel
from softswitch.features.queue_figures.model.live import AgentNow, LiveQueue, Window
from softswitch.features.queue_figures.model.rows import HANDLING, QueueRow
from softswitch.features.queue_figures.model.service_level import DEFAULT, FORMULAS
from softswitch.kernel.errors import Invalid

Of = Literal["queue", "agent"]
ALL = "*"


class QueueView(Struct, frozen=True):
    """A queue as its alarms look at it."""

    queue: LiveQueue
    row: QueueRow
    """Of the alarm's window."""
    agents: Mapping[str, int] | None
    """How many of its agents are in each state; None: nobody knows."""
    now: int
    formula: str


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000


def _in(*states: str) -> Callable[[QueueView], float | None]:
    return lambda view: None if view.agents is None else sum(view.agents.get(state, 0) for state in states)


def _signed_on(view: QueueView) -> float | None:
    return None if view.agents is None else sum(view.agents.values()) - view.agents.get("logged_out", 0)


QUEUE_FIGURES: Mapping[str, Callable[[QueueView], float | None]] = {
    "waiting": lambda view: len(view.queue.waiting),
    "longest_wait_seconds": lambda view: _seconds(view.queue.longest_wait_ms(view.now)),
    "callbacks": lambda view: len(view.queue.callbacks),
    "agents_signed_on": _signed_on,
    "agents_available": _in("available"),
    "agents_handling": _in(*HANDLING),
    "agents_not_ready": _in("not_ready"),
    "agents_not_responding": _in("not_responding"),
    "service_level_percent": lambda view: view.row.level(view.formula),
    "abandoned_percent": lambda view: view.row.abandoned_percent(),
    "speed_of_answer_seconds": lambda view: _seconds(view.row.speed_of_answer_ms()),
    "longest_wait_of_window_seconds": lambda view: _seconds(view.row.longest_wait_ms),
    "offered": lambda view: view.row.offered,
    "answered": lambda view: view.row.answered,
    "abandoned": lambda view: view.row.abandoned,
    "overflowed": lambda view: view.row.overflowed,
    "disconnected": lambda view: view.row.disconnected,
    "callback": lambda view: view.row.callback,
    "not_answered": lambda view: view.row.not_answered,
    "transfers": lambda view: view.row.transfers,
    "callbacks_failed": lambda view: view.row.callbacks_failed,
}
"""The figures of a queue. None: there is nothing to tell it by."""


def _for(*states: str) -> Callable[[AgentNow, int], float]:
    return lambda agent, now: max(0, now - agent.since) / 1000 if agent.state in states else 0.0


AGENT_FIGURES: Mapping[str, Callable[[AgentNow, int], float]] = {
    "not_ready_seconds": _for("not_ready"),
    "available_seconds": _for("available"),
    "ringing_seconds": _for("reserved", "ringing"),
    "talk_seconds": _for("connected"),
    "hold_seconds": _for("hold", "consult"),
    "wrap_up_seconds": _for("wrap_up"),
    "not_responding_seconds": _for("not_responding"),
    "outbound_seconds": _for("outbound"),
}
"""Those of an agent: for how long it has been in a state; 0 in any other."""


class Alarm(Struct, frozen=True, kw_only=True):
    """What is watched, and from where on it is good or bad."""

    name: str
    of: Of = "queue"
    subject: str = ALL
    """The queue or agent; `*`: each of them by itself."""
    figure: str
    target: float
    warning: float
    hysteresis: float = 0.0
    hold_ms: int = 10_000
    window: Window = "30"
    time_zone: str = "UTC"
    """Of the window `day`."""
    formula: str = DEFAULT
    threshold_ms: int | None = None
    """None: as the queue is set."""
    short_ms: int | None = None
    emails: tuple[str, ...] = ()
    """Who is told when it becomes a warning, and when that is over."""


def check(alarm: Alarm) -> None:
    """Raises Invalid naming the field."""
    figures = QUEUE_FIGURES if alarm.of == "queue" else AGENT_FIGURES
    if alarm.figure not in figures:
        raise Invalid("figure", f"{alarm.figure!r} is no figure of a {alarm.of}: {', '.join(figures)}")
    if alarm.formula not in FORMULAS:
        raise Invalid("formula", f"{alarm.formula!r} is none of {', '.join(FORMULAS)}")
    if alarm.target == alarm.warning:
        raise Invalid("warning", "must be another value than target")
    if alarm.hysteresis >= abs(alarm.target - alarm.warning):
        raise Invalid("hysteresis", "must be less than lies between target and warning")


class _Bound:
    """Whether a figure is beyond a bound, for long enough."""

    def __init__(self, at: float, inclusive: bool, sign: int, alarm: Alarm) -> None:
        """`sign` 1: beyond is above; -1: below. `inclusive`: the bound itself is beyond it."""
        self.beyond = False
        self._at, self._inclusive, self._sign = at, inclusive, sign
        self._hysteresis, self._hold_ms = alarm.hysteresis, alarm.hold_ms
        self._since: int | None = None
        """Since when it has been otherwise than `beyond` says."""

    def look(self, now: int, value: float | None) -> None:
        if value is None:
            beyond = False
        else:
            over = (value - self._at) * self._sign + (self._hysteresis if self.beyond else 0.0)
            beyond = over >= 0 if self._inclusive else over > 0
        if beyond == self.beyond:
            self._since = None
            return
        if self._since is None:
            self._since = now
        if now - self._since >= self._hold_ms:
            self.beyond, self._since = beyond, None


class Watch:
    """An alarm over one queue or agent."""

    def __init__(self, alarm: Alarm) -> None:
        self.alarm = alarm
        self.value: float | None = None
        self.level: AlarmLevel = "target"
        self.since: int | None = None
        """When this level began; None: it has been since the beginning."""
        sign = 1 if alarm.warning > alarm.target else -1
        self._off_target = _Bound(alarm.target, False, sign, alarm)
        self._warning = _Bound(alarm.warning, True, sign, alarm)

    def look(self, now: int, value: float | None) -> AlarmLevel | None:
        """Take a look at the figure; gives the level before, where it is another now."""
        self.value = value
        self._off_target.look(now, value)
        self._warning.look(now, value)
        before = self.level
        if self._warning.beyond:
            self.level = "warning"
        else:
            self.level = "normal" if self._off_target.beyond else "target"
        if self.level == before:
            return None
        self.since = now
        return before
