"""/api/v1/alarms: figures that are watched, and how they stand."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from softswitch.events import AlarmLevel
from softswitch.features.queue_figures.alarming import Alarms
from softswitch.features.queue_figures.api import Formula
from softswitch.features.queue_figures.model.alarms import AGENT_FIGURES, ALL, QUEUE_FIGURES, Alarm, Of
from softswitch.features.queue_figures.model.live import Window
from softswitch.platform.auth import Operator
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Moment, Name, Page, Paging, Writing, moment

Figure = Annotated[
    str,
    Field(
        max_length=64,
        description=f"of a queue: {', '.join(QUEUE_FIGURES)}; of an agent: {', '.join(AGENT_FIGURES)}",
    ),
]
Value = Annotated[float, Field(ge=-1e9, le=1e9)]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")]
Emails = Annotated[list[Email], Field(max_length=10)]
Ms = Annotated[int, Field(ge=0, le=86_400_000)]
Zone = Annotated[str, Field(max_length=64)]
Subject = Annotated[str, Field(max_length=100, description="a queue's or an agent's name; `*`: each by itself")]


class AlarmIn(Input):
    """What is watched. The target is where the figure should be; from `warning` on it is a warning; between them the
    level is `normal`. Which is higher says whether much is good or bad."""

    name: Name
    of: Of = "queue"
    subject: Subject = ALL
    figure: Figure
    target: Value
    warning: Value
    hysteresis: Annotated[Value, Field(ge=0)] = 0.0
    hold_ms: Ms = Field(default=10_000, description="how long a figure must be beyond a bound before that counts")
    window: Window = Field(default="30", description="of figures that count: minutes until now, or the day")
    time_zone: Zone = "UTC"
    formula: Formula = Field(default="short_excluded", description="of the service level")
    threshold_ms: Ms | None = Field(default=None, description="T of the formula; null: as the queue is set")
    short_ms: Ms | None = Field(default=None, description="s of the formula; null: as the queue is set")
    emails: Emails = Field(default=[], description="who is told when it becomes a warning, and when that is over")


class AlarmChanges(Changes):
    subject: Subject = ABSENT
    figure: Figure = ABSENT
    target: Value = ABSENT
    warning: Value = ABSENT
    hysteresis: Annotated[Value, Field(ge=0)] = ABSENT
    hold_ms: Ms = ABSENT
    window: Window = ABSENT
    time_zone: Zone = ABSENT
    formula: Formula = ABSENT
    threshold_ms: Ms | None = ABSENT
    short_ms: Ms | None = ABSENT
    emails: Emails = ABSENT


class StandingOut(BaseModel):
    """How a figure stands."""

    subject: str
    level: AlarmLevel
    value: float | None = Field(description="null: there is nothing to tell it by")
    since: Moment | None = Field(description="when the level began; null: it has been so since the alarm was set")


class AlarmOut(AlarmIn):
    standing: list[StandingOut]


def build_router(alarms: Alarms) -> APIRouter:
    """The routes over one switch's alarms."""
    router = APIRouter(prefix="/alarms", tags=["reports"])

    def show(alarm: Alarm) -> AlarmOut:
        standing = [
            StandingOut(subject=subject, level=watch.level, value=watch.value, since=moment(watch.since))
            for subject, watch in sorted(alarms.watches(alarm.name).items())
        ]
        fields = {name: getattr(alarm, name) for name in Alarm.__struct_fields__}
        return AlarmOut(**{**fields, "emails": list(alarm.emails), "standing": standing})

    @router.get("")
    async def list_alarms(paging: Paging) -> Page[AlarmOut]:
        """All alarms and how they stand, by name."""
        after = paging.after(str)
        found = [alarm for alarm in alarms.all() if after is None or alarm.name > after]
        return paging.page(found, lambda alarm: alarm.name, show)

    @router.post("", status_code=201)
    async def add_alarm(body: AlarmIn, session: Writing, who: Operator) -> AlarmOut:
        """Watch a figure from now on."""
        alarm = Alarm(**_given(body.model_dump()))
        await alarms.add(session, alarm)
        return show(alarm)

    @router.get("/{name}")
    async def get_alarm(name: Key) -> AlarmOut:
        """One alarm and how it stands."""
        return show(alarms.find(name))

    @router.patch("/{name}")
    async def change_alarm(name: Key, body: AlarmChanges, session: Writing, who: Operator) -> AlarmOut:
        """Watch it otherwise; it stands at target until it is looked at."""
        return show(await alarms.change(session, name, _given(body.named())))

    @router.delete("/{name}", status_code=204)
    async def remove_alarm(name: Key, session: Writing, who: Operator) -> None:
        """Watch it no more."""
        await alarms.remove(session, name)

    return router


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "emails": tuple(fields["emails"])} if "emails" in fields else fields
