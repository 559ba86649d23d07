"""The lines of reports, and what is divided in them."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from msgspec import Struct, structs

from softswitch.events import Outcome
from softswitch.features.queue_figures.model.service_level import DEFAULT, SHORT_MS, THRESHOLD_MS, Counts, service_level

By = Literal["queue", "skill", "trunk"]
"""What stays are counted by. One that asks for several skills counts with each; one that came by no trunk with none."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
HANDLING = ("connected", "hold", "consult", "wrap_up", "outbound")
"""States in which an agent works with somebody, or for somebody."""
SPENT: Mapping[str, str] = {"connected": "talk_ms", "hold": "hold_ms", "consult": "hold_ms", "wrap_up": "wrap_up_ms"}
"""What the time in a state counts as."""


class QueueRow(Struct, kw_only=True):
    """A queue (a skill, a trunk) in one interval. Who came in the interval counts in it, whenever the stay ended."""

    name: str
    begin: int
    threshold_ms: int = THRESHOLD_MS
    """After which an answer is late, in this row."""
    short_ms: int = SHORT_MS
    """Up to which an abandon is short."""
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    callback: int = 0
    disconnected: int = 0
    waiting: int = 0
    answered_within: int = 0
    abandoned_within: int = 0
    abandoned_short: int = 0
    answer_wait_ms: int = 0
    """Of all who were answered together."""
    longest_wait_ms: int = 0
    """Also of those who wait still."""
    conversations: int = 0
    """That ended in the interval, as the next four did; the conversations of callbacks are among them."""
    transfers: int = 0
    not_answered: int = 0
    """Rings that no agent answered (RONA)."""
    called_back: int = 0
    callbacks_failed: int = 0
    """Nobody could be called back: no answer, no time left, cancelled."""
    talk_ms: int = 0
    """Spent in the interval, as `hold_ms` and `wrap_up_ms`."""
    hold_ms: int = 0
    wrap_up_ms: int = 0

    def balances(self) -> bool:
        """The law of the account."""
        return self.offered == (
            self.answered + self.abandoned + self.overflowed + self.callback + self.disconnected + self.waiting
        )

    def speed_of_answer_ms(self) -> float | None:
        """The average; None: nobody was answered."""
        return self.answer_wait_ms / self.answered if self.answered else None

    def handle_ms(self) -> int:
        """Agents' time with its callers and for them."""
        return self.talk_ms + self.hold_ms + self.wrap_up_ms

    def average_handle_ms(self) -> float | None:
        """A conversation; None: none ended."""
        return self.handle_ms() / self.conversations if self.conversations else None

    def abandoned_percent(self) -> float | None:
        """Of those who were offered; None: nobody was."""
        return 100 * self.abandoned / self.offered if self.offered else None

    def level(self, formula: str = DEFAULT) -> float | None:
        """The service level in percent."""
        counts = Counts(
            self.answered, self.answered_within, self.abandoned, self.abandoned_within, self.abandoned_short
        )
        return service_level(counts, formula)


class AgentRow(Struct, kw_only=True):
    """An agent in one interval, signed on."""

    agent: str
    begin: int
    states: dict[str, int]
    """Milliseconds in each state; `not_ready` also as `not_ready: lunch`."""
    conversations: int = 0
    """That ended in the interval, as the rest."""
    transfers: int = 0
    not_answered: int = 0
    """Rings that the agent did not answer (RONA)."""

    def spend(self, state: str, reason: str, ms: int) -> None:
        """Count some time in a state."""
        self.states[state] = self.states.get(state, 0) + ms
        if state == "not_ready" and reason:
            name = f"not_ready: {reason}"
            self.states[name] = self.states.get(name, 0) + ms

    def signed_on_ms(self) -> int:
        return sum(ms for state, ms in self.states.items() if ":" not in state)

    def handling_ms(self) -> int:
        return sum(self.states.get(state, 0) for state in HANDLING)

    def occupancy(self) -> float | None:
        """Handling in percent of the time in which the agent was there to be given callers; None: it was not."""
        there = self.signed_on_ms() - self.states.get("not_ready", 0)
        return 100 * self.handling_ms() / there if there else None

    def utilisation(self) -> float | None:
        """Handling in percent of the time in which the agent was signed on."""
        signed_on = self.signed_on_ms()
        return 100 * self.handling_ms() / signed_on if signed_on else None


_KEPT, _GREATEST = frozenset({"name", "begin", "threshold_ms", "short_ms"}), frozenset({"longest_wait_ms"})


def add(whole: QueueRow, row: QueueRow) -> None:
    """Count a row in another."""
    for name in QueueRow.__struct_fields__:
        if name in _GREATEST:
            setattr(whole, name, max(getattr(whole, name), getattr(row, name)))
        elif name not in _KEPT:
            setattr(whole, name, getattr(whole, name) + getattr(row, name))


def total(rows: Iterable[QueueRow], name: str, begin: int) -> QueueRow:
    """Several intervals of a queue as one."""
    whole: QueueRow | None = None
    for row in rows:
        if whole is None:
            whole = structs.replace(row, name=name, begin=begin)
        else:
            add(whole, row)
    return whole or QueueRow(name=name, begin=begin)


def agent_total(rows: Iterable[AgentRow], agent: str, begin: int) -> AgentRow:
    """Several intervals of an agent as one."""
    whole = AgentRow(agent=agent, begin=begin, states={})
    for row in rows:
        for state, ms in row.states.items():
            whole.states[state] = whole.states.get(state, 0) + ms
        whole.conversations += row.conversations
        whole.transfers += row.transfers
        whole.not_answered += row.not_answered
    return whole
