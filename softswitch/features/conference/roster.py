"""Who is in a room, for those who may watch it (RFC 4575): the `Rosters` port."""

from softswitch.events import Fact, MemberLeft, RoomFact
from softswitch.events.rooms import MemberJoined, MemberWaits
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import Member, State
from softswitch.features.conference.model.rules import role_of_account
from softswitch.features.conference.service import Conferences
from softswitch.kernel.errors import NotFound
from softswitch.kernel.media import Direction
from softswitch.kernel.roster import Roster, RosterMember, Status
from softswitch.kernel.watching import Permission, Subject
from softswitch.ports.watching import Watchers

_STATUS: dict[State, Status] = {
    "invited": "pending",
    "calling": "dialing-out",
    "ringing": "alerting",
    "lobby": "pending",
    "in": "connected",
    "unreached": "disconnected",
}
"""Who has left is there no more."""


class RoomRosters:
    """Provides `softswitch.ports.watching.Rosters`, and tells when a room is another. It is there before the rooms and
    those who watch them are: `connect` gives it both."""

    def __init__(self) -> None:
        self._conferences: Conferences | None = None
        self._watchers: Watchers | None = None

    def connect(self, conferences: Conferences, watchers: Watchers) -> None:
        """Before the first call."""
        self._conferences, self._watchers = conferences, watchers

    def permission(self, room: str, watcher: str) -> Permission | None:
        """Whoever is in a room, or belongs to it, may know who else is; who waits in the lobby, that there is somebody.
        None: there is no such room."""
        assert self._conferences is not None
        try:
            rules = self._conferences.rules(room)
        except NotFound:
            return None
        live = self._conferences.now(rules.number)
        states = {member.state for member in live.meeting.here() if member.account == watcher} if live else set()
        if "in" in states or role_of_account(rules, watcher) is not None:
            return Permission.PARTIES
        return Permission.STATE if states else Permission.NOTHING

    def roster(self, room: str) -> Roster | None:
        """Who is in a room, and on the way there; None: nobody is."""
        assert self._conferences is not None
        live = self._conferences.now(room)
        return None if live is None else roster_of(live.meeting)

    def heard(self, fact: Fact) -> None:
        """A fact of a room: those who watch it are told soon."""
        assert self._watchers is not None and isinstance(fact, RoomFact | MemberJoined | MemberWaits | MemberLeft)
        self._watchers.changed(Subject.ROOM, fact.room)
        if isinstance(fact, MemberJoined | MemberLeft):
            # Who has left may perhaps know no more, and who was let in may.
            self._watchers.review(fact.room)


HEARD: tuple[type[Fact], ...] = (RoomFact, MemberJoined, MemberWaits, MemberLeft)
"""What such a fact is."""


def roster_of(meeting: Meeting) -> Roster:
    """A meeting as those who watch it see it."""
    members = tuple(
        _shown(meeting, member, status)
        for member in meeting.members.values()
        if (status := _status(member)) is not None
    )
    return Roster(meeting.rules.title, members, meeting.locked, meeting.rules.most)


def _status(member: Member) -> Status | None:
    return "pending" if member.lost else _STATUS.get(member.state)


def _shown(meeting: Meeting, member: Member, status: Status) -> RosterMember:
    speaks = not member.muted and meeting.may_speak(member) and member.sound
    picture = None if member.terminal == "audio" else _direction(member.shows, member.sees)
    return RosterMember(
        id=member.id,
        number="" if member.is_camera else member.number.rpartition("/")[2],
        name=member.name,
        role="host" if member.is_host else "participant",
        status=status,
        unreached=member.unreached if status == "disconnected" else "",
        called=member.invited or member.is_camera,
        since=member.joined_at,
        sound=_direction(speaks, not member.deaf and not member.is_camera),
        picture=picture,
    )


def _direction(speaks: bool, hears: bool) -> Direction:
    if speaks:
        return Direction.SENDRECV if hears else Direction.SENDONLY
    return Direction.RECVONLY if hears else Direction.INACTIVE
