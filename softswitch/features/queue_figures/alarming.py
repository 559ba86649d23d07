"""Alarms: kept in the database, looked at every second, told to the bus and by e-mail."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from msgspec import json, structs
from sqlalchemy import delete, select

from softswitch.events import AlarmLevel, Fact, QueueAlarmChanged
from softswitch.features.queue_figures.model.alarms import (
    AGENT_FIGURES,
    ALL,
    QUEUE_FIGURES,
    Alarm,
    QueueView,
    Watch,
    check,
)
from softswitch.features.queue_figures.model.live import LiveQueue, since
from softswitch.features.queue_figures.model.rows import QueueRow
from softswitch.features.queue_figures.needs import Post
from softswitch.features.queue_figures.service import Figures
from softswitch.features.queue_figures.tables import AlarmRow
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.platform.background import Background
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

MOST_ALARMS = 500
LOOK_SECONDS = 1.0
PART = "queue-alarms"
"""Its name among the parts that other processes may change (`softswitch.platform.changes`)."""
_decode = json.Decoder(Alarm).decode


class Alarms:
    """All alarms of one switch."""

    def __init__(self, figures: Figures, publish: Callable[[Fact], None], post: Post | None) -> None:
        """`post`: who sends e-mail; None: nobody here."""
        self._figures = figures
        self._publish = publish
        self._post = post
        self._alarms: dict[str, Alarm] = {}
        self._watches: dict[str, dict[str, Watch]] = {}
        """Of each alarm, by its subjects."""
        self._background = Background("queue alarms")

    # What is set ------------------------------------------------------------------------------------------

    async def load(self, database: Database) -> None:
        """Read all anew; those that are as they were go on."""
        async with database.reading() as session:
            stored = [_decode(body) for body in await session.scalars(select(AlarmRow.body))]
        self._watches = {
            alarm.name: self._watches.get(alarm.name, {}) if self._alarms.get(alarm.name) == alarm else {}
            for alarm in stored
        }
        self._alarms = {alarm.name: alarm for alarm in stored}

    def all(self) -> Sequence[Alarm]:
        """By name."""
        return [self._alarms[name] for name in sorted(self._alarms)]

    def find(self, name: str) -> Alarm:
        """Raises NotFound."""
        if name not in self._alarms:
            raise NotFound("alarm", name)
        return self._alarms[name]

    def watches(self, name: str) -> Mapping[str, Watch]:
        """How an alarm stands, by its subjects."""
        return self._watches.get(name, {})

    async def add(self, session: Session, alarm: Alarm) -> None:
        """Raises Conflict for a name that is taken, or too many, and Invalid."""
        if alarm.name in self._alarms:
            raise Conflict("alarm-exists", f"there is an alarm {alarm.name!r} already")
        if len(self._alarms) >= MOST_ALARMS:
            raise Conflict("too-many-alarms", f"there are {MOST_ALARMS} alarms already")
        await self._store(session, alarm)

    async def change(self, session: Session, name: str, changes: Mapping[str, object]) -> Alarm:
        """Raises NotFound and Invalid."""
        alarm = structs.replace(self.find(name), **changes)
        await self._store(session, alarm)
        return alarm

    async def remove(self, session: Session, name: str) -> None:
        """Raises NotFound."""
        self.find(name)
        await session.execute(delete(AlarmRow).where(AlarmRow.name == name))
        await count_change(session, PART)

        def forget() -> None:
            self._alarms.pop(name, None)
            self._watches.pop(name, None)

        session.after_commit(forget)

    async def _store(self, session: Session, alarm: Alarm) -> None:
        check(alarm)
        since(alarm.window, self._figures.now(), alarm.time_zone)
        await session.merge(AlarmRow(name=alarm.name, body=json.encode(alarm).decode()))
        await count_change(session, PART)

        def keep() -> None:
            self._alarms[alarm.name] = alarm
            self._watches[alarm.name] = {}

        session.after_commit(keep)

    # What they see ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look every second from now on."""
        self._background.start(self._look_on())

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        await self._background.stop()

    async def _look_on(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                log.exception("the alarms of queues could not be looked at")
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look at every figure that is watched."""
        if not self._alarms:
            return
        now = self._figures.now()
        rows: dict[tuple[object, ...], QueueRow] = {}
        """Those of this look, of which several alarms may want the same."""
        for alarm in list(self._alarms.values()):
            watches = self._watches[alarm.name]
            values = dict(self._of_agents(alarm, now) if alarm.of == "agent" else self._of_queues(alarm, now, rows))
            for subject in watches.keys() - values.keys():
                self._see(watches[subject], subject, now, None)  # it is gone: nothing is wrong with it any more
                if watches[subject].level == "target":
                    del watches[subject]
            for subject, value in values.items():
                if subject not in watches:
                    watches[subject] = Watch(alarm)
                self._see(watches[subject], subject, now, value)

    def _of_agents(self, alarm: Alarm, now: int) -> Iterable[tuple[str, float | None]]:
        agents = self._figures.live.agents
        names = list(agents) if alarm.subject == ALL else [alarm.subject]
        for name in names:
            if name in agents and agents[name].state != "logged_out":
                yield name, AGENT_FIGURES[alarm.figure](agents[name], now)

    def _of_queues(
        self, alarm: Alarm, now: int, rows: dict[tuple[object, ...], QueueRow]
    ) -> Iterable[tuple[str, float | None]]:
        begin = since(alarm.window, now, alarm.time_zone)
        for name in self._figures.queues() if alarm.subject == ALL else [alarm.subject]:
            queue = self._figures.queue(name) or LiveQueue(name)
            threshold_ms, short_ms = self._figures.service_level(name)
            threshold_ms = threshold_ms if alarm.threshold_ms is None else alarm.threshold_ms
            short_ms = short_ms if alarm.short_ms is None else alarm.short_ms
            key = (name, begin, threshold_ms, short_ms)
            if key not in rows:
                rows[key] = queue.row(begin, now, threshold_ms, short_ms)
            view = QueueView(queue, rows[key], self._figures.agents_of(name), now, alarm.formula)
            yield name, QUEUE_FIGURES[alarm.figure](view)

    def _see(self, watch: Watch, subject: str, now: int, value: float | None) -> None:
        before = watch.look(now, value)
        if before is None:
            return
        alarm = watch.alarm
        self._publish(
            QueueAlarmChanged(
                at=now,
                alarm=alarm.name,
                of=alarm.of,
                subject=subject,
                figure=alarm.figure,
                level=watch.level,
                before=before,
                value=value,
            )
        )
        if "warning" in (watch.level, before):
            self._mail(alarm, subject, watch.level, value)

    def _mail(self, alarm: Alarm, subject: str, level: AlarmLevel, value: float | None) -> None:
        what = f"{alarm.figure.replace('_', ' ')} of {alarm.of} {subject}"
        shown = "unknown" if value is None else f"{value:.1f}".removesuffix(".0")
        head = f"Warning: {what}: {shown}" if level == "warning" else f"Over: {what}: {shown}"
        text = (
            f"The {what} is {shown}.\n\n"
            f"The alarm {alarm.name} has the target {alarm.target:g}, and warns at {alarm.warning:g}. "
            f"It stands at: {level}.\n"
        )
        for to in alarm.emails:
            if self._post is None or not self._post.mail(to, head, text):
                log.error("an e-mail about an alarm could not be sent", alarm=alarm.name, to=to)
