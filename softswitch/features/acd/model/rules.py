"""What is set for a queue and for an agent: values. All times are milliseconds."""

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct, field

from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid

Strategy = Literal[
    "ring_all", "progressive", "longest_idle", "fewest_calls", "least_talk", "round_robin", "linear", "weighted",
    "most_skilled", "webhook",
]  # fmt: skip
"""Which of the agents that may take a caller is rung.

`ring_all`: all at once. `progressive`: the longest idle first, then one more at each step, while the earlier ring on.
`longest_idle`. `fewest_calls`, `least_talk`: since sign-on. `round_robin`: the next in order after the one rung last.
`linear`: the first in order. `weighted`: in proportion to the members' weights. `most_skilled`: the highest sum of
levels in the skills that are asked for, then the longest idle. `webhook`: another system is asked.
"""

WrapUpMode = Literal["none", "optional", "fixed", "until_done"]
"""`none`: available at once. `optional`: for the set time, or until the agent says that it is done. `fixed`: for
exactly the set time. `until_done`: until the agent says so."""


class WrapUp(Struct, frozen=True):
    """The time after a conversation."""

    mode: WrapUpMode = "optional"
    ms: int = 30_000
    code: str = ""
    """Stands for what came of the conversation where the agent said nothing."""


class Need(Struct, frozen=True, order=True):
    """A skill that a caller asks for."""

    skill: str
    level: int = 1
    """The least that an agent must have; 0 is a wish, which only `most_skilled` looks at."""


class Relaxation(Struct, frozen=True):
    """From some waiting time on, less is asked for."""

    after_ms: int
    needs: tuple[Need, ...] = ()
    """These levels from now on, where they are lower than what was asked so far."""
    tier: int = 0
    """Members up to this tier from now on."""


class Announcements(Struct, frozen=True):
    """What is said to those who wait."""

    first_ms: int = 10_000
    every_ms: int = 45_000
    position: bool = True
    expected: bool = True
    comfort: tuple[str, ...] = ()
    """Prompts, one each time, in turn."""


class CallbackRules(Struct, frozen=True):
    """How those who asked for it are called back. They keep their place in the queue."""

    attempts: int = 3
    retry_ms: int = 300_000
    most_at_once: int = 5
    """So many agents at the most are rung for callbacks, or call a number, at any moment."""
    live_between: int = 1
    """Between two callbacks so many waiting callers are served, as long as any wait: numbers that do not answer must
    not keep agents from callers who do. 0: the place in the queue alone decides."""


class QueueRules(Struct, frozen=True, kw_only=True):
    """A queue."""

    name: str
    strategy: Strategy = "longest_idle"
    ring_ms: int = 20_000
    step_ms: int = 5_000
    """`progressive`: until one more is rung; `webhook`: until the longest idle is taken for want of an answer."""
    missed_most: int = 1
    """After so many unanswered rings in a row an agent is not responding. Where several phones ring at once, not
    answering is no fault."""
    rest_ms: int = 10_000
    """How long an agent whose phone refused, or did not answer where that is no fault, is not rung."""
    wrap_up: WrapUp = WrapUp()
    needs: tuple[Need, ...] = ()
    relaxation: tuple[Relaxation, ...] = ()
    """By rising `after_ms`."""
    point_ms: int = 60_000
    """The waiting time that one point of a caller's VIP score is worth."""
    preferred_ms: int = 20_000
    """How long a caller waits for its preferred agent alone, if that is signed on."""
    capacity: int | None = None
    """So many may wait; more are sent on (`full`)."""
    length_most: int | None = None
    """Who would come behind so many is sent on (`length`)."""
    expected_most_ms: int | None = None
    """Who would have to wait longer, as far as one can tell, is sent on (`expected`)."""
    wait_most_ms: int | None = None
    """Who has waited so long is sent on (`time`), unless a phone rings for it: then when that ends unanswered."""
    when_empty: Literal["wait", "overflow"] = "wait"
    """With no agent signed on: callers wait, or are sent on (`no_agents`)."""
    overflow_to: Destination | None = None
    """Where callers are sent on to; None: the call ends."""
    exits: Mapping[str, Destination] = field(default_factory=dict)
    """Other places for some reasons: `{"closed": …}`, and for digits: `{"digit 1": …}`."""
    callback_digit: str = ""
    callback: CallbackRules = CallbackRules()
    announcements: Announcements | None = None
    short_abandon_ms: int = 5_000
    service_level_ms: int = 20_000

    def exit_for(self, reason: str) -> Destination | None:
        return self.exits.get(reason, self.overflow_to)


class Membership(Struct, frozen=True, kw_only=True):
    """An agent's part in a queue."""

    queue: str
    rank: int = 0
    """The agent serves its queues of lower rank first."""
    order: int = 0
    """Its place among the queue's agents, for `linear` and `round_robin`."""
    weight: int = 1
    tier: int = 0
    """0: from the start; others as the queue relaxes."""


class AgentProfile(Struct, frozen=True, kw_only=True):
    """A person who serves queues."""

    id: str
    name: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    """Levels, from 1."""
    groups: tuple[str, ...] = ()
    queues: tuple[Membership, ...] = ()
    wrap_up: WrapUp | None = None
    """In place of what the queues say."""


def check_queue(rules: QueueRules) -> None:
    """Raises Invalid naming the field."""
    where = f"queue {rules.name}"
    if not rules.name:
        raise Invalid("queue.name", "must not be empty")
    if rules.strategy not in get_args(Strategy):
        raise Invalid(f"{where}: strategy", f"{rules.strategy!r} is none of {', '.join(get_args(Strategy))}")
    if rules.wrap_up.mode not in get_args(WrapUpMode):
        raise Invalid(f"{where}: wrap_up.mode", f"{rules.wrap_up.mode!r} is none of {', '.join(get_args(WrapUpMode))}")
    positive = {
        "ring_ms": rules.ring_ms,
        "step_ms": rules.step_ms,
        "missed_most": rules.missed_most,
        "rest_ms": rules.rest_ms,
        "callback.attempts": rules.callback.attempts,
        "callback.retry_ms": rules.callback.retry_ms,
        "callback.most_at_once": rules.callback.most_at_once,
        "announcements.every_ms": rules.announcements.every_ms if rules.announcements else 1,
    }
    for name, value in positive.items():
        if value < 1:
            raise Invalid(f"{where}: {name}", f"{value} is not positive")
    not_negative = {
        "wrap_up.ms": rules.wrap_up.ms,
        "point_ms": rules.point_ms,
        "preferred_ms": rules.preferred_ms,
        "capacity": rules.capacity or 0,
        "length_most": rules.length_most or 0,
        "expected_most_ms": rules.expected_most_ms or 0,
        "wait_most_ms": rules.wait_most_ms or 0,
        "callback.live_between": rules.callback.live_between,
        "announcements.first_ms": rules.announcements.first_ms if rules.announcements else 0,
    }
    for name, value in not_negative.items():
        if value < 0:
            raise Invalid(f"{where}: {name}", f"{value} is negative")
    steps = [step.after_ms for step in rules.relaxation]
    if steps != sorted(set(steps)) or any(step < 1 for step in steps):
        raise Invalid(f"{where}: relaxation", f"the steps must come at rising times, and come at {steps} ms")


def check_agent(profile: AgentProfile) -> None:
    """Raises Invalid naming the field."""
    if not profile.id:
        raise Invalid("agent.id", "must not be empty")
    where = f"agent {profile.id}"
    queues = [membership.queue for membership in profile.queues]
    if len(set(queues)) < len(queues):
        raise Invalid(f"{where}: queues", "a queue stands there twice")
    for membership in profile.queues:
        if membership.weight < 1:
            raise Invalid(f"{where}: queues.{membership.queue}.weight", f"{membership.weight} is not positive")
    for skill, level in profile.skills.items():
        if level < 1:
            raise Invalid(f"{where}: skills.{skill}", f"{level} is not positive")
