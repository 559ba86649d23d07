"""The rooms: what is set of each, and the meetings that live."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from msgspec.structs import replace

from softswitch.events import Fact, LegHeld, LegResumed, RoomRecordingEnded
from softswitch.feature import Handler, hears
from softswitch.features.conference import store
from softswitch.features.conference.around import Around
from softswitch.features.conference.door import Door
from softswitch.features.conference.files import deleted
from softswitch.features.conference.left_behind import LeftBehind
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model import cameras, inputs
from softswitch.features.conference.model.returning import Kept
from softswitch.features.conference.model.rules import Invitee, Rules, checked
from softswitch.features.conference.needs import Bus, Files, Parties, WriteBehind
from softswitch.features.conference.podium import Podiums
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, SwitchError, Unavailable
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.sound import SoundFile
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, DatabaseUnavailable, Session
from softswitch.platform.vault import Vault

log = structlog.get_logger(__name__)

CHANGED = "conferences"
"""What these are called among the `Changes`."""
MOST_ROOMS = 10_000
FIRST_INSTANT, LAST_INSTANT = 3100, 3999
"""Numbers of rooms that are made at once, unless one is named."""
COMPLETE_SECONDS = 5.0
"""After which a file is complete that was recorded when the switch was killed."""
CAMERA = "conference/camera"
"""What URLs of cameras that meetings have are sealed for."""
MOST_OF_ACCOUNT = 10
"""Rooms that one account has made at once and that are still there: their numbers are few, and for all."""
MOVING_SECONDS = 60.0
"""The longest time from one room to another."""
UNUSED_SECONDS = 600.0
"""How long an instant room stays to which nobody comes."""


class Conferences:
    """Every room. Memory changes when a change is stored."""

    def __init__(
        self,
        around: Around,
        parties: Parties,
        database: Database,
        vault: Vault,
        files: Files,
        bus: Bus,
        written: WriteBehind,
    ) -> None:
        self._around = replace(around, unseal=lambda sealed: vault.open(sealed, CAMERA))
        self._parties = parties
        self._database = database
        self._vault = vault
        self._files = files
        self.left_behind = LeftBehind(bus, written)
        self.left_behind.follow(self.now)
        self._changed: Callable[[str], None] | None = None
        self.door = Door(around.clock, around.publish, written)
        self.podiums = Podiums(around.floors, self.now, lambda: secrets.randbits(32))
        self._rooms: dict[str, Rules] = {}
        self._live: dict[str, LiveRoom] = {}
        self._moving: dict[CallId, tuple[str, inputs.Came, float]] = {}
        """Who is on its way from one room to another, to which, and since when."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.meets_now: Callable[[str, int], bool] = lambda room, now: False
        """Whether a scheduled room has a meeting, or soon has; the schedule says."""
        self.users_of: Callable[[str], Sequence[str]] = lambda calendar: ()
        """What goes by a calendar; the schedule says."""
        self.removed: Callable[[Session, str], Awaitable[None]] | None = None
        """Told of a room that is deleted, in the transaction that does it."""

    async def load(self, database: Database) -> None:
        """Read all of them: before the first call, and again when another process has changed one."""
        async with database.reading() as session:
            self._rooms = {rules.number: rules for rules in await store.rooms(session, self._vault)}

    def pictures_changed(self) -> None:
        """Pictures can be composed that could not, or no more."""
        for room in self._live.values():
            room.redraw()

    async def stop(self) -> None:
        """End the meetings that still go on, and begin nothing more."""
        for room in list(self._live.values()):
            room.tell(inputs.End(by="the switch", reason="switch_stopped"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What calls ask -------------------------------------------------------------------------------------------

    def rules(self, number: str) -> Rules:
        """What is set of a room. Raises NotFound."""
        rules = self._rooms.get(number)
        if rules is None:
            raise NotFound("conference", number)
        return rules

    def exists(self, number: str) -> bool:
        return number in self._rooms

    def open_now(self, rules: Rules) -> bool:
        """Whether one gets in now."""
        if rules.kind != "scheduled" or rules.number in self._live:
            return True
        return self.meets_now(rules.number, self._around.clock.wall_ms())

    def called(self, number: str, call: CallId) -> tuple[int, int] | None:
        """For which member a room has made a call, and by which attempt."""
        room = self._live.get(number)
        return None if room is None else room.called(call)

    def sees(self, rules: Rules) -> bool:
        """Whether members of a room may have pictures."""
        return self._around.pictures is not None and rules.pictures != "off"

    async def awaits(self, number: str, call: CallId) -> bool:
        """Whether somebody was in a room by a call when the switch was killed, and is awaited back."""
        room = self._live.get(number)
        member = None if room is None else room.awaits(call)
        if member is not None and member.name_file:
            try:
                await self.prepare(SoundFile(member.name_file))
            except SwitchError as error:
                log.warning("the name that a member has said is gone", room=number, error=str(error))
                member.name_file = ""
        return member is not None

    async def prepare(self, sound: SoundFile) -> None:
        await self._around.sounds.prepare([sound])

    def open(self, number: str) -> LiveRoom:
        """The meeting of a room: the one that lives, or a new one. Raises NotFound, and Rejected(SWITCH_CONGESTION)."""
        room = self._live.get(number)
        if room is None:
            room = self._live[number] = LiveRoom(self.rules(number), self._around, self._over, self._changed)
        return room

    # Over the end of a process -----------------------------------------------------------------------------

    async def read(self) -> None:
        """What an earlier process has written down: before anything else is."""
        await self.left_behind.read(self._database)
        await self.door.read(self._database)

    def survive(self) -> None:
        """Write meetings down from now on: members' calls may outlive the switch."""
        self._changed = self.left_behind.touch

    def resume(self, lives: Callable[[CallId], bool]) -> None:
        """Go on with the meetings that an earlier process was killed in, before its calls do; `lives` tells which of
        them have outlived it. Instant rooms to which nobody has come are forgotten in time."""
        self.left_behind.resume(self._open_again, lives, self._around.clock.wall_ms())
        for number in self._live.keys() - self._rooms.keys():
            self._live[number].tell(inputs.End(by="the switch", reason="fault"))
        for number, rules in self._rooms.items():
            if rules.kind == "instant" and number not in self._live:
                self._unused_later(number)

    def _open_again(self, kept: Kept) -> LiveRoom:
        rules = self._rooms.get(kept.room)
        room = LiveRoom(rules or Rules(number=kept.room), self._around, self._over, self.left_behind.touch, kept)
        self._live[kept.room] = room
        if kept.recording_to:
            self._begin(self._tell_recorded(kept))
        return room

    def recording_deleted(self, number: str, name: str, by: str) -> None:
        """Somebody has deleted a file of a room."""
        self._around.publish(deleted(number, name, at=self._around.clock.wall_ms(), reason="wanted", by=by))

    async def _tell_recorded(self, kept: Kept) -> None:
        """What was recorded until the switch was killed is complete."""
        await asyncio.sleep(COMPLETE_SECONDS)
        file = f"{kept.recording_to}.wav"
        milliseconds = await self._files.milliseconds(file)
        sound = "" if milliseconds is None else file

        def tell(file: str, milliseconds: int, reason: str) -> None:
            self._around.publish(
                RoomRecordingEnded(
                    at=self._around.clock.wall_ms(),
                    room=kept.room,
                    meeting=kept.began_at,
                    file=file,
                    milliseconds=milliseconds,
                    reason=reason or "restart",
                )
            )

        tell(sound, milliseconds or 0, "")
        if self._around.pictures is not None:
            self._around.pictures.keep(kept.recording_to, sound, kept.recording_began, tell)

    def subscriptions(self) -> Sequence[tuple[type[Fact], Handler]]:
        """What is heard of calls."""

        def held(fact: LegHeld) -> None:
            for room in self._live.values():
                room.held(fact.leg, True)

        def resumed(fact: LegResumed) -> None:
            for room in self._live.values():
                room.held(fact.leg, False)

        return (hears(LegHeld, held), hears(LegResumed, resumed))

    def slides_flow(self, line: LegId, flows: bool) -> None:
        """Pictures come on a line, or come no more: on one of slides that means something."""
        for room in list(self._live.values()):
            room.slides_flow(line, flows)

    def _over(self, room: LiveRoom) -> None:
        rules = room.meeting.rules
        if self._live.get(rules.number) is room:
            del self._live[rules.number]
        names = [member.name_file for member in room.meeting.members.values() if member.name_file]
        if names:
            self._begin(self._files.forget(names))
        if rules.kind == "instant":
            self._begin(self._forget(rules.number))

    async def _forget(self, number: str) -> None:
        """An instant room is gone with its meeting."""
        try:
            async with self._database.session() as session:
                await self.remove(session, number)
        except (DatabaseUnavailable, SwitchError) as error:
            log.warning("a room that is over could not be deleted", room=number, error=str(error))

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What administrators and members want ---------------------------------------------------------------------

    def now(self, number: str) -> LiveRoom | None:
        """The meeting that goes on in a room."""
        return self._live.get(number)

    def meeting(self, number: str) -> LiveRoom:
        """The meeting of a room. Raises NotFound, and Conflict where there is none now."""
        self.rules(number)
        room = self.now(number)
        if room is None:
            raise Conflict("no-meeting", f"nobody is in the room {number}")
        return room

    def invite(self, number: str, invitees: Sequence[Invitee], by: str, attempts: int | None = None) -> None:
        """Let a room call some. Raises NotFound and Conflict."""
        self.open(number).order(inputs.Invite(by=by, invitees=tuple(invitees), attempts=attempts))

    async def add_camera(self, number: str, name: str, url: str, sound: bool, by: str) -> None:
        """Let a camera be a member of a meeting, or another under this name. Raises Unavailable, NotFound, Conflict,
        Invalid and NotPermitted."""
        room = self.meeting(number)
        if room.pictures is None:
            raise Unavailable("there are no pictures on this switch")
        if room.meeting.rules.pictures == "off":
            raise Conflict("no-pictures", f"the room {number} has no pictures")
        await room.pictures.check_camera(url)
        if self.meeting(number) is not room:
            raise Conflict("no-meeting", f"the meeting of the room {number} has ended")
        room.order(inputs.AddCamera(by=by, name=name, source=self._vault.seal(url, CAMERA), sound=sound))

    def remove_camera(self, number: str, name: str, by: str) -> None:
        """It is a member no more. Raises NotFound and Conflict."""
        room = self.meeting(number)
        member = cameras.named(room.meeting, name)
        if member is None:
            raise NotFound("camera", name)
        room.order(inputs.Kick(by=by, member=member.id))

    def start(self, number: str, by: str) -> None:
        """Let a room call all its members. Raises NotFound, and Conflict where it has none to call."""
        members = [member for member in self.rules(number).members if member.number]
        if not members:
            raise Conflict("no-members", f"the room {number} has no members that could be called")
        self.invite(number, members, by)

    def move(self, number: str, member: int, to: str, by: str) -> None:
        """Let a member go on to another room, as who it is and without a PIN. Raises NotFound, and Conflict where it
        cannot."""
        room, rules = self.meeting(number), self.rules(to)
        who = room.member(member)
        there = self._live.get(to)
        if to == number:
            raise Conflict("here", f"member {member} is in the room {to} now")
        if not self.open_now(rules):
            raise Conflict("not-now", f"nobody gets into the room {to} now")
        if there is not None and there.meeting.locked and who.role != "host":
            raise Conflict("locked", f"the room {to} is locked")
        if there is not None and there.meeting.is_full(who.role):
            raise Conflict("full", f"the room {to} is full")
        call = who.call
        came = (
            inputs.Came(
                call=call,
                number=who.number,
                name=who.name,
                role=who.role,
                account=who.account,
                name_file=who.name_file,
            )
            if call is not None
            else None
        )
        room.order(inputs.Move(by=by, member=member, room=to))
        if came is not None:
            now = self._around.clock.monotonic()
            self._moving = {each: way for each, way in self._moving.items() if way[2] > now - MOVING_SECONDS}
            self._moving[came.call] = to, came, now

    def moved(self, number: str, call: CallId) -> inputs.Came | None:
        """Who comes by a call that was sent here from another room; None: it was not."""
        to, came, _ = self._moving.pop(call, ("", None, 0.0))
        return came if to == number else None

    def bring(self, number: str, call: CallId) -> None:
        """Let the parties of a call come into a room. Raises NotFound, and Conflict where they cannot."""
        self.rules(number)
        self._around.switchboard.disperse(call, Destination("conference", number))

    def name_of(self, call: CallId, leg: LegId) -> str:
        """How a party is called by whose phone it is; empty: that says nothing."""
        account = self._parties.account_of(call, leg)
        return self._parties.account_name(account) if account else ""

    def of_call(self, call: CallId, leg: LegId) -> str:
        """A party of a call wants a room of it: makes one and lets them come; gives in words what comes of it."""
        account = self._parties.account_of(call, leg)
        if not account:
            return "only accounts may"
        try:
            rules = Rules(number=self._free_number(), kind="instant", members=self._makes(account))
        except Conflict as conflict:
            return str(conflict)
        self._begin(self._make_of(call, rules))
        return rules.number

    async def made_for(self, account: str, context: str) -> str:
        """Make a room at once, whose host is an account: gives its number. Raises Conflict, and DatabaseUnavailable."""
        hosts = self._makes(account)
        async with self._database.session() as session:
            rules = await self.create(session, Rules(number="", kind="instant", members=hosts, context=context))
        return rules.number

    async def _make_of(self, call: CallId, rules: Rules) -> None:
        try:
            async with self._database.session() as session:
                await self.create(session, rules)
            self.bring(rules.number, call)
        except (DatabaseUnavailable, SwitchError) as error:
            log.warning("no room could be made of a call", call=call, error=str(error))

    def page(self, after: str | None, most: int) -> Sequence[Rules]:
        """Some of the rooms by number, from behind one on."""
        numbers = sorted(number for number in self._rooms if after is None or number > after)
        return [self._rooms[number] for number in numbers[:most]]

    def _makes(self, account: str) -> tuple[Invitee, ...]:
        """The host of a room that an account makes at once. Raises Conflict when it has made too many."""
        hosts = (Invitee(number=f"account/{account}", role="host"),)
        made = sum(rules.kind == "instant" and rules.members == hosts for rules in self._rooms.values())
        if made >= MOST_OF_ACCOUNT:
            raise Conflict("too-many", f"{MOST_OF_ACCOUNT} rooms of this account are there already")
        return hosts

    def _free_number(self) -> str:
        for number in range(FIRST_INSTANT, LAST_INSTANT + 1):
            if str(number) not in self._rooms:
                return str(number)
        raise Conflict("no-number", "no number is left for another room")

    # What is stored -------------------------------------------------------------------------------------------

    async def create(self, session: Session, rules: Rules) -> Rules:
        """Add a room; one without a number gets a free one. Raises Conflict and Invalid."""
        if not rules.number:
            rules = replace(rules, number=self._free_number())
        if rules.number in self._rooms or await store.room(session, rules.number, self._vault) is not None:
            raise Conflict("exists", f"there is a conference {rules.number} already")
        if len(self._rooms) >= MOST_ROOMS:
            raise Conflict("too-many", f"at most {MOST_ROOMS} rooms")
        await self._set(session, checked(rules))
        if rules.kind == "instant":
            session.after_commit(lambda: self._unused_later(rules.number))
        return rules

    def _unused_later(self, number: str) -> None:
        asyncio.get_running_loop().call_later(UNUSED_SECONDS, self._if_unused, number)

    def _if_unused(self, number: str) -> None:
        rules = self._rooms.get(number)
        if rules is not None and rules.kind == "instant" and number not in self._live:
            self._begin(self._forget(number))

    async def change(self, session: Session, number: str, changes: Mapping[str, Any]) -> Rules:
        """Set what `changes` names, fields of `Rules`. Raises NotFound and Invalid."""
        stored = await store.room(session, number, self._vault)
        if stored is None:
            raise NotFound("conference", number)
        return await self._set(session, checked(replace(stored, **changes)))

    async def remove(self, session: Session, number: str) -> None:
        """Delete a room. Raises NotFound, and Conflict while somebody is in it."""
        if number in self._live:
            raise Conflict("in-use", f"somebody is in the room {number}, or is called: end the meeting first")
        if not await store.remove(session, number):
            raise NotFound("conference", number)
        if self.removed is not None:
            await self.removed(session, number)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._gone(number))

    def _gone(self, number: str) -> None:
        self._rooms.pop(number, None)

    async def _set(self, session: Session, rules: Rules) -> Rules:
        await store.write(session, rules, self._vault)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(rules))
        return rules

    def _take(self, rules: Rules) -> None:
        self._rooms[rules.number] = rules
        if (room := self._live.get(rules.number)) is not None:
            room.set_rules(rules)
