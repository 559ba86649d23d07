"""The schedules of rooms, kept: who is near a meeting is reminded, members are called, who overstays is let go."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from softswitch.events import MeetingReminded
from softswitch.features.conference import store
from softswitch.features.conference.around import Around
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.model.schedule import LATE_MS, Due, Entry, beginnings, checked, due, meets
from softswitch.features.conference.needs import Calendars, Post
from softswitch.features.conference.service import Conferences
from softswitch.kernel.errors import Conflict, Invalid, NotFound, SwitchError
from softswitch.platform.background import Background
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, DatabaseUnavailable, Session

log = structlog.get_logger(__name__)

CHANGED = "conference-schedule"
"""What these are called among the `Changes`."""
LOOK_SECONDS = 15.0
MOST_ENTRIES = 200
"""Of one room."""
_BY = "the schedule"


class _Words(NamedTuple):
    """What an e-mail says."""

    subject: str
    text: str
    pin: str
    calls: str


_MAIL = {
    "en": _Words(
        "Conference: {title}, {when}",
        "{title}\n\nWhen: {when}, {minutes} minutes\nDial: {room}\n",
        "PIN: {pin}\n",
        "You need not dial: the room calls you.\n",
    ),
    "zh": _Words(
        "会议：{title}，{when}",
        "{title}\n\n时间：{when}，{minutes} 分钟\n请拨：{room}\n",
        "密码：{pin}\n",
        "您不必拨号，会议开始时系统会呼叫您。\n",
    ),
}


class Schedule:
    """Of all rooms. Memory changes when a change is stored."""

    def __init__(
        self, conferences: Conferences, around: Around, calendars: Calendars, post: Post, database: Database
    ) -> None:
        self._conferences = conferences
        self._around = around
        self._calendars = calendars
        self._post = post
        self._database = database
        self._entries: dict[str, dict[str, Entry]] = {}
        self._done: dict[tuple[str, str], int] = {}
        """What was due until then has been done."""
        self._background = Background("the schedule of conferences")
        conferences.meets_now = self.meets_now
        conferences.removed = self._room_gone
        conferences.users_of = self.users_of

    async def load(self, database: Database) -> None:
        """Read all of them."""
        async with database.reading() as session:
            stored = await store.entries(session)
        self._entries = {}
        for room, entry, done in stored:
            self._entries.setdefault(room, {})[entry.name] = entry
            self._done[room, entry.name] = max(done, self._done.get((room, entry.name), 0))

    def start(self) -> None:
        """Look again and again from now on."""
        self._background.start(self._look_on())

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        await self._background.stop()

    # What others ask ------------------------------------------------------------------------------------------

    def of(self, room: str) -> Sequence[Entry]:
        """A room's entries, by name. Raises NotFound for a room that there is not."""
        self._conferences.rules(room)
        return [entry for _, entry in sorted(self._entries.get(room, {}).items())]

    def next(self, entry: Entry) -> int | None:
        """When its next meeting begins, or the one that goes on has begun."""
        now = self._around.clock.wall_ms()
        return next(beginnings(entry, now - entry.minutes * 60_000 + 1, self._is_open), None)

    def meets_now(self, room: str, now: int) -> bool:
        """Whether a room has a meeting, or one is so near that one gets in."""
        early = self._conferences.rules(room).opens_minutes * 60_000
        return any(meets(entry, now, early, self._is_open) for entry in self._entries.get(room, {}).values())

    def users_of(self, calendar: str) -> Sequence[str]:
        """Which entries go by a calendar."""
        return [
            f"the schedule of conference {room}, {entry.name}"
            for room, entries in self._entries.items()
            for entry in entries.values()
            if entry.calendar == calendar
        ]

    def _is_open(self, calendar: str, at_ms: int) -> bool:
        try:
            return self._calendars.opening(calendar, at_ms).open
        except NotFound:
            return True  # a calendar that is gone closes nothing

    # What is changed ------------------------------------------------------------------------------------------

    async def put(self, session: Session, room: str, entry: Entry) -> Entry:
        """Add an entry, or change the one of its name. Raises NotFound, Invalid and Conflict."""
        self._conferences.rules(room)
        if entry.calendar and not self._calendars.exists(entry.calendar):
            raise Invalid("calendar", f"there is no calendar {entry.calendar!r}")
        others = self._entries.get(room, {}).keys() - {entry.name}
        if len(others) >= MOST_ENTRIES:
            raise Conflict("too-many", f"at most {MOST_ENTRIES} entries of one room")
        now = self._around.clock.wall_ms()
        await store.write_entry(session, room, checked(entry), now)
        await count_change(session, CHANGED)

        def take() -> None:
            self._entries.setdefault(room, {})[entry.name] = entry
            self._done[room, entry.name] = now

        session.after_commit(take)
        return entry

    async def remove(self, session: Session, room: str, name: str) -> None:
        """Raises NotFound."""
        if not await store.remove_entry(session, room, name):
            raise NotFound("entry in the schedule", name)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget(room, name))

    def _forget(self, room: str, name: str) -> None:
        self._entries.get(room, {}).pop(name, None)
        self._done.pop((room, name), None)

    async def _room_gone(self, session: Session, room: str) -> None:
        await store.remove_entries(session, room)
        await count_change(session, CHANGED)

        def forget() -> None:
            self._entries.pop(room, None)

        session.after_commit(forget)

    # What is due ----------------------------------------------------------------------------------------------

    async def look(self) -> int:
        """Do what is due: gives how much that was. Raises DatabaseUnavailable."""
        now = self._around.clock.wall_ms()
        done: dict[tuple[str, str], int] = {}
        count = 0
        for room, entries in list(self._entries.items()):
            if not self._conferences.exists(room):
                continue  # another process has deleted it
            for entry in list(entries.values()):
                since = max(self._done.get((room, entry.name), now), now - LATE_MS)
                what = due(entry, since, now, self._is_open)
                for each in what:
                    self._do(self._conferences.rules(room), entry, each)
                if what:
                    done[room, entry.name] = now
                    count += len(what)
                self._done[room, entry.name] = now
        if done:
            async with self._database.session() as session:
                await store.entries_done(session, done)
        return count

    def _do(self, rules: Rules, entry: Entry, what: Due) -> None:
        members = entry.members or rules.members
        try:
            if what.what == "remind":
                self._remind(rules, entry, what, members)
            elif what.what == "begin" and entry.calls:
                called = [member for member in members if member.number]
                if called:
                    self._conferences.invite(rules.number, called, _BY)
            elif what.what == "warn" and (live := self._conferences.now(rules.number)) is not None:
                if self._around.clock.wall_ms() - what.at < 60_000:  # else the next one tells them better
                    live.tell(inputs.Warn(what.minutes))
            elif what.what == "end" and entry.ends and self._conferences.now(rules.number) is not None:
                self._conferences.meeting(rules.number).order(inputs.End(by=_BY, reason="over"))
        except SwitchError as error:
            log.warning("what a schedule wants cannot be", room=rules.number, entry=entry.name, error=str(error))

    def _remind(self, rules: Rules, entry: Entry, what: Due, members: Sequence[Invitee]) -> None:
        mailed = sum(self._mail(rules, entry, what, member) for member in members if member.email)
        self._around.publish(
            MeetingReminded(
                at=self._around.clock.wall_ms(),
                room=rules.number,
                entry=entry.name,
                title=entry.title or rules.title,
                starts_at=what.starts_at,
                ends_at=what.starts_at + entry.minutes * 60_000,
                minutes=what.minutes,
                members=tuple(member.number for member in members if member.number),
                mailed=mailed,
            )
        )

    def _mail(self, rules: Rules, entry: Entry, what: Due, member: Invitee) -> bool:
        words = _MAIL[rules.language or self._around.language]
        pin = rules.host_pin if member.role == "host" and rules.host_pin else rules.pin
        start = datetime.fromtimestamp(what.starts_at / 1000, ZoneInfo(entry.timezone))
        said: Mapping[str, object] = {
            "title": entry.title or rules.title or rules.number,
            "when": f"{start:%Y-%m-%d %H:%M} {entry.timezone}",
            "minutes": entry.minutes,
            "room": rules.number,
            "pin": pin,
        }
        text = words.text + (words.pin if pin else "") + (words.calls if entry.calls and member.number else "")
        return self._post.mail(member.email, words.subject.format(**said), text.format(**said))

    async def _look_on(self) -> None:
        while True:
            try:
                async with self._background.uncut:
                    await self.look()
            except DatabaseUnavailable as error:
                log.warning("what the schedule has done could not be stored", error=str(error))
            except Exception:
                log.exception("the schedule of conferences could not be looked at")
            await asyncio.sleep(LOOK_SECONDS)
