"""Queues and agents as HTTP has them: times in seconds."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.acd.model.floor import Agent, Queue
from softswitch.features.acd.model.rules import (
    AgentProfile,
    Announcements,
    CallbackRules,
    Membership,
    Need,
    QueueRules,
    Relaxation,
    WrapUp,
)
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.kernel.destination import Destination
from softswitch.platform.rest import ABSENT, Changes, Input, Line, Moment, Name, moment

Seconds = Annotated[float, Field(ge=0, le=86_400)]
MaybeName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=64)]
MaybePlace = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_-]*/[^\x00-\x1f\x7f]*)?$", max_length=200)]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*/[^\x00-\x1f\x7f]*$", max_length=200)]
PromptName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=128)]
MaybePrompt = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._/-]*)?$", max_length=128)]
Skill = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=64)]
Digit = Annotated[str, StringConstraints(pattern=r"^[0-9*#]?$")]
StrategyName = Literal[
    "ring_all", "progressive", "longest_idle", "fewest_calls", "least_talk", "round_robin", "linear", "weighted",
    "most_skilled", "webhook",
]  # fmt: skip


class NeedShape(Input):
    """A skill that is asked for."""

    skill: Skill
    level: int = Field(default=1, ge=0, le=100, description="the least; 0 is a wish")


class RelaxationShape(Input):
    """From some waiting time on, less is asked for."""

    after_seconds: Seconds
    needs: list[NeedShape] = Field(default=[], max_length=20)
    tier: int = Field(default=0, ge=0, le=100)


class WrapUpShape(Input):
    """The time after a conversation."""

    mode: Literal["none", "optional", "fixed", "until_done"] = "optional"
    seconds: Seconds = 30
    code: Line = Field(default="", description="stands for what came of it where the agent said nothing")


class AnnouncementsShape(Input):
    """What is said to those who wait."""

    first_seconds: Seconds = 10
    every_seconds: Seconds = Field(default=45, gt=0)
    position: bool = True
    expected: bool = True
    comfort: list[PromptName] = Field(default=[], max_length=20, description="one each time, in turn")


class CallbackShape(Input):
    """How those who asked for it are called back."""

    attempts: int = Field(default=3, ge=1, le=20)
    retry_seconds: Seconds = Field(default=300, gt=0)
    most_at_once: int = Field(default=5, ge=1, le=1000)
    live_between: int = Field(default=1, ge=0, le=1000)


class QueueIn(Input):
    """A queue."""

    name: Name
    title: Line = ""
    strategy: StrategyName = "longest_idle"
    ring_seconds: Seconds = Field(default=20, gt=0)
    step_seconds: Seconds = Field(default=5, gt=0)
    missed_most: int = Field(default=1, ge=1, le=100)
    rest_seconds: Seconds = Field(default=10, gt=0)
    wrap_up: WrapUpShape = WrapUpShape()
    needs: list[NeedShape] = Field(default=[], max_length=20)
    relaxation: list[RelaxationShape] = Field(default=[], max_length=20)
    point_seconds: Seconds = Field(default=60, description="the waiting time that one VIP point is worth")
    preferred_seconds: Seconds = 20
    sticky_seconds: Annotated[float, Field(ge=0, le=90 * 86_400)] = Field(
        default=0, description="so long a number waits `preferred_seconds` for the agent who served it last"
    )
    capacity: int | None = Field(default=None, ge=0)
    length_most: int | None = Field(default=None, ge=0)
    expected_most_seconds: Seconds | None = None
    wait_most_seconds: Seconds | None = None
    when_empty: Literal["wait", "overflow"] = "wait"
    overflow_to: MaybePlace = Field(default="", description="where callers are sent on to; empty: the call ends")
    exits: dict[str, Place] = Field(
        default={}, max_length=30, description="other places for some reasons", examples=[{"digit 1": "flow/main"}]
    )
    callback_digit: Digit = ""
    callback: CallbackShape = CallbackShape()
    announcements: AnnouncementsShape | None = None
    short_abandon_seconds: Seconds = 5
    service_level_seconds: Seconds = 20
    calendar: MaybeName = Field(default="", description="its hours; empty: always open")
    greeting: MaybePrompt = Field(default="", description="a prompt that a caller hears first")
    music: MaybePrompt = Field(
        default="", description="a prompt that is heard again and again; empty: the switch's own"
    )
    webhook: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="", description="the URL that the strategy webhook asks; its host must stand in flows.http_hosts"
    )
    answered_exit: MaybePlace = Field(
        default="", description="where a caller goes when the agent has hung up", examples=["flow/survey"]
    )


class QueueChanges(Changes):
    title: Line = ABSENT
    strategy: StrategyName = ABSENT
    ring_seconds: Seconds = Field(default=ABSENT, gt=0)
    step_seconds: Seconds = Field(default=ABSENT, gt=0)
    missed_most: int = Field(default=ABSENT, ge=1, le=100)
    rest_seconds: Seconds = Field(default=ABSENT, gt=0)
    wrap_up: WrapUpShape = ABSENT
    needs: list[NeedShape] = Field(default=ABSENT, max_length=20)
    relaxation: list[RelaxationShape] = Field(default=ABSENT, max_length=20)
    point_seconds: Seconds = ABSENT
    preferred_seconds: Seconds = ABSENT
    sticky_seconds: Annotated[float, Field(ge=0, le=90 * 86_400)] = ABSENT
    capacity: int | None = Field(default=ABSENT, ge=0)
    length_most: int | None = Field(default=ABSENT, ge=0)
    expected_most_seconds: Seconds | None = ABSENT
    wait_most_seconds: Seconds | None = ABSENT
    when_empty: Literal["wait", "overflow"] = ABSENT
    overflow_to: MaybePlace = ABSENT
    exits: dict[str, Place] = Field(default=ABSENT, max_length=30, description="replaces all")
    callback_digit: Digit = ABSENT
    callback: CallbackShape = ABSENT
    announcements: AnnouncementsShape | None = ABSENT
    short_abandon_seconds: Seconds = ABSENT
    service_level_seconds: Seconds = ABSENT
    calendar: MaybeName = ABSENT
    greeting: MaybePrompt = ABSENT
    music: MaybePrompt = ABSENT
    webhook: Annotated[str, StringConstraints(max_length=500)] = ABSENT
    answered_exit: MaybePlace = ABSENT


class AccountShape(BaseModel):
    """How many came to a queue since the switch was started, and what became of them."""

    offered: int
    answered: int
    abandoned: int
    overflowed: int
    callback: int
    disconnected: int


class QueueOut(QueueIn):
    """A queue, and how it stands."""

    waiting: int
    signed_on: int
    free: int
    expected_seconds: float | None = Field(description="the wait of a caller that came now; null: nobody can tell")
    account: AccountShape


_BESIDE = ("title", "calendar", "greeting", "music", "webhook", "answered_exit")


def read_queue(said: dict[str, Any]) -> QueueSettings:
    """A queue as HTTP has it, as the engine does."""
    fields = {
        _in_ms(name): _ms(name, value) for name, value in said.items() if name not in (*_BESIDE, "sticky_seconds")
    }
    fields["wrap_up"] = WrapUp(
        said["wrap_up"]["mode"], round(said["wrap_up"]["seconds"] * 1000), said["wrap_up"]["code"]
    )
    fields["needs"] = tuple(Need(**need) for need in said["needs"])
    fields["relaxation"] = tuple(
        Relaxation(round(step["after_seconds"] * 1000), tuple(Need(**need) for need in step["needs"]), step["tier"])
        for step in said["relaxation"]
    )
    fields["overflow_to"] = Destination.parse(said["overflow_to"]) if said["overflow_to"] else None
    fields["exits"] = {reason: Destination.parse(place) for reason, place in said["exits"].items()}
    fields["callback"] = CallbackRules(**{_in_ms(name): _ms(name, value) for name, value in said["callback"].items()})
    announced = said["announcements"]
    if announced is not None:
        announced = {_in_ms(name): _ms(name, value) for name, value in announced.items()}
        announced = Announcements(**announced | {"comfort": tuple(announced["comfort"])})
    fields["announcements"] = announced
    sticky_ms = round(said["sticky_seconds"] * 1000)
    return QueueSettings(rules=QueueRules(**fields), sticky_ms=sticky_ms, **{name: said[name] for name in _BESIDE})


def write_queue(queue: QueueSettings) -> dict[str, Any]:
    """The other way."""
    rules = queue.rules
    fields = {_in_seconds(name): _seconds(name, getattr(rules, name)) for name in rules.__struct_fields__}
    fields["wrap_up"] = {"mode": rules.wrap_up.mode, "seconds": rules.wrap_up.ms / 1000, "code": rules.wrap_up.code}
    fields["needs"] = msgspec.to_builtins(rules.needs)
    fields["relaxation"] = [
        {"after_seconds": step.after_ms / 1000, "needs": msgspec.to_builtins(step.needs), "tier": step.tier}
        for step in rules.relaxation
    ]
    fields["overflow_to"] = str(rules.overflow_to) if rules.overflow_to is not None else ""
    fields["exits"] = {reason: str(place) for reason, place in rules.exits.items()}
    for name in ("callback", "announcements"):
        part = getattr(rules, name)
        fields[name] = (
            None
            if part is None
            else {_in_seconds(field): _seconds(field, getattr(part, field)) for field in part.__struct_fields__}
        )
    beside = {name: getattr(queue, name) for name in _BESIDE}
    return fields | beside | {"sticky_seconds": queue.sticky_ms / 1000}


def show_queue(queue: QueueSettings, live: Queue) -> QueueOut:
    """A queue, with how it stands."""
    expected = live.expected.wait(len(live.order), live.serving) if not live.free else 0
    tally = live.tally
    return QueueOut(
        **write_queue(queue),
        waiting=len(live.waiting),
        signed_on=live.staffed,
        free=len(live.free),
        expected_seconds=None if expected is None else expected / 1000,
        account=AccountShape(**{name: getattr(tally, name) for name in AccountShape.model_fields}),
    )


def _in_ms(name: str) -> str:
    return name.removesuffix("_seconds") + "_ms" if name.endswith("_seconds") else name


def _ms(name: str, value: Any) -> Any:
    return round(value * 1000) if name.endswith("_seconds") and value is not None else value


def _in_seconds(name: str) -> str:
    return name.removesuffix("_ms") + "_seconds" if name.endswith("_ms") else name


def _seconds(name: str, value: Any) -> Any:
    return value / 1000 if name.endswith("_ms") and value is not None else value


# Agents -----------------------------------------------------------------------------------------------------


class MembershipShape(Input):
    """An agent's part in a queue."""

    queue: Name
    rank: int = Field(default=0, ge=0, le=1000, description="queues of lower rank are served first")
    order: int = Field(default=0, ge=0, le=100_000)
    weight: int = Field(default=1, ge=1, le=1000)
    tier: int = Field(default=0, ge=0, le=100)


Skills = Annotated[dict[Skill, Annotated[int, Field(ge=1, le=100)]], Field(max_length=100)]


class AgentIn(Input):
    """An agent."""

    id: Name
    name: Line = ""
    account: MaybeName = Field(default="", description="whose phone signs it on by feature codes, and is rung")
    skills: Skills = Field(default={})
    groups: list[Name] = Field(default=[], max_length=50)
    queues: list[MembershipShape] = Field(default=[], max_length=200)
    wrap_up: WrapUpShape | None = Field(default=None, description="in place of what the queues say")
    auto_answer: bool = Field(default=False, description="the phone is asked to answer by itself")


class AgentChanges(Changes):
    name: Line = ABSENT
    account: MaybeName = ABSENT
    skills: Skills = ABSENT
    groups: list[Name] = Field(default=ABSENT, max_length=50)
    queues: list[MembershipShape] = Field(default=ABSENT, max_length=200, description="replaces all")
    wrap_up: WrapUpShape | None = ABSENT
    auto_answer: bool = ABSENT


class AgentOut(AgentIn):
    """An agent, and what it does."""

    state: str
    reason: str
    since: Moment
    seat: str
    queue: str = Field(description="whom it is reserved for, talks with, or wraps up after")
    call_id: str


def read_agent(said: dict[str, Any]) -> AgentSettings:
    """An agent as HTTP has it, as the engine does."""
    wrap_up = said["wrap_up"]
    profile = AgentProfile(
        id=said["id"],
        name=said["name"],
        skills=said["skills"],
        groups=tuple(said["groups"]),
        queues=tuple(Membership(**membership) for membership in said["queues"]),
        wrap_up=None if wrap_up is None else WrapUp(wrap_up["mode"], round(wrap_up["seconds"] * 1000), wrap_up["code"]),
    )
    return AgentSettings(profile=profile, account=said["account"], auto_answer=said["auto_answer"])


def write_agent(settings: AgentSettings) -> dict[str, Any]:
    """The other way."""
    profile, wrap_up = settings.profile, settings.profile.wrap_up
    return {
        "id": profile.id,
        "name": profile.name,
        "account": settings.account,
        "skills": dict(profile.skills),
        "groups": list(profile.groups),
        "queues": msgspec.to_builtins(profile.queues),
        "wrap_up": None
        if wrap_up is None
        else {"mode": wrap_up.mode, "seconds": wrap_up.ms / 1000, "code": wrap_up.code},
        "auto_answer": settings.auto_answer,
    }


def show_agent(settings: AgentSettings, live: Agent) -> AgentOut:
    """An agent, with what it does."""
    call, queue = "", ""
    if live.attempt is not None:
        call, queue = live.attempt.waiter.call, live.attempt.waiter.queue.name
    elif live.conversation is not None:
        call, queue = live.conversation.call, live.conversation.queue.name
    elif live.wrap_queue is not None:
        queue = live.wrap_queue.name
    return AgentOut(
        **write_agent(settings),
        state=live.state,
        reason=live.state_reason,
        since=moment(live.since),
        seat=live.seat if live.state != "logged_out" else "",
        queue=queue,
        call_id=call,
    )


class WaitingOut(BaseModel):
    """A caller that waits."""

    call_id: str
    number: str
    place: int
    since: Moment
    rings_at: list[str] = Field(description="agents whose phones ring for it")
    data: dict[str, str]
