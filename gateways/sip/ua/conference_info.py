"""What those who watch a room are told of it: the conference event package (RFC 4575)."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from gateways.sip.ua import markup
from gateways.sip.ua.addressing import escaped_user
from softswitch.kernel.media import Direction
from softswitch.kernel.roster import Roster, RosterMember

EVENT = "conference"
MIME = "application/conference-info+xml"

MOST_GONE = 200
"""Members that have left and are remembered, for watchers who have not heard of it yet."""
EMPTY = Roster("", ())
_DECLARED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" version="'
)
_END = "</conference-info>\n"


class _Entry(Struct, frozen=True, gc=False):
    """A user, by its URI: all who are in the room by one number. Nobody is left where there are no members."""

    members: tuple[RosterMember, ...]
    revision: int
    """In which it became so."""


class RoomHistory:
    """A room by revision, so that whoever knows one revision can be told what changed since."""

    def __init__(self, host: str) -> None:
        """`host`: the domain of the numbers."""
        self.revision = 0
        self.roster = EMPTY
        self._host = host
        self._users: dict[str, _Entry] = {}
        self._gone: deque[tuple[str, int]] = deque()
        self._forgotten = 0
        """The revision up to which ends may have been forgotten."""

    def look(self, roster: Roster | None) -> None:
        """Take the room as it is now; None: there is no meeting in it."""
        roster = roster or EMPTY
        now: dict[str, tuple[RosterMember, ...]] = {}
        for member in roster.members:
            entity = self._entity(member)
            now[entity] = (*now.get(entity, ()), member)
        if roster == self.roster:
            return
        self.roster = roster
        self.revision += 1
        for entity, members in now.items():
            known = self._users.get(entity)
            if known is None or known.members != members:
                self._users[entity] = _Entry(members, self.revision)
        for entity in [each for each in self._users if each not in now]:
            del self._users[entity]
            self._gone.append((entity, self.revision))
        while len(self._gone) > MOST_GONE:
            self._forgotten = self._gone.popleft()[1]

    def _entity(self, member: RosterMember) -> str:
        if member.number:
            return f"sip:{escaped_user(member.number)}@{self._host}"
        # Section 5.6: who wants to stay unknown still is somebody else than the next one.
        return f"sip:anonymous{member.id}@anonymous.invalid"

    def since(self, revision: int) -> tuple[dict[str, tuple[RosterMember, ...]], list[str]] | None:
        """Who changed after a revision, and who left; None: too long ago to tell."""
        if revision < self._forgotten:
            return None
        changed = {entity: entry.members for entity, entry in self._users.items() if entry.revision > revision}
        return changed, [entity for entity, at in self._gone if at > revision and entity not in self._users]

    def everybody(self) -> dict[str, tuple[RosterMember, ...]]:
        """All who are there."""
        return {entity: entry.members for entity, entry in self._users.items()}


def write(history: RoomHistory, since: int | None, entity: str, *, parties: bool = True) -> tuple[bytes, bytes]:
    """The document before and behind its version: what changed since a revision, or everything (None). Without
    `parties`, how the room is, and not who is there."""
    if not parties:
        return _DECLARED, f'" state="full" entity={markup.attribute(entity)}>{_room(history.roster)}{_END}'.encode()
    news = history.since(since) if since is not None else None
    changed, gone = news if news is not None else (history.everybody(), [])
    state = "full" if news is None else "partial"
    users = "".join(_user(uri, members) for uri, members in changed.items())
    # Section 5.6: a user that has left is named once more, as deleted.
    left = "".join(f'<user entity={markup.attribute(uri)} state="deleted"/>' for uri in gone)
    tail = (
        f'" state="{state}" entity={markup.attribute(entity)}>{_room(history.roster)}'
        f'<users state="{state}">{users}{left}</users>{_END}'
    )
    return _DECLARED, tail.encode()


def _room(roster: Roster) -> str:
    title = f"<display-text>{markup.text(roster.title)}</display-text>" if roster.title else ""
    most = f"<maximum-user-count>{roster.most}</maximum-user-count>" if roster.most is not None else ""
    present = [member for member in roster.members if member.status in ("connected", "on-hold")]
    return (
        f"<conference-description>{title}{most}</conference-description>"
        f"<conference-state><user-count>{len(present)}</user-count><active>{_word(bool(present))}</active>"
        f"<locked>{_word(roster.locked)}</locked></conference-state>"
    )


def _word(true: bool) -> str:
    return "true" if true else "false"


def _user(entity: str, members: Iterable[RosterMember]) -> str:
    members = tuple(members)
    name = next((member.name for member in members if member.name), "")
    shown = f"<display-text>{markup.text(name)}</display-text>" if name else ""
    roles = "".join(f"<entry>{markup.text(role)}</entry>" for role in dict.fromkeys(each.role for each in members))
    endpoints = "".join(_endpoint(entity, member) for member in members)
    return f'<user entity={markup.attribute(entity)} state="full">{shown}<roles>{roles}</roles>{endpoints}</user>'


def _endpoint(entity: str, member: RosterMember) -> str:
    """Section 5.7; its URI tells apart several phones of one number."""
    uri = f"{entity};member={member.id}"
    joined = "dialed-out" if member.called else "dialed-in"
    details = _unreached(member.unreached) if member.status == "disconnected" else _joined(member)
    return (
        f'<endpoint entity={markup.attribute(uri)} state="full"><status>{member.status}</status>'
        f"<joining-method>{joined}</joining-method>{details}</endpoint>"
    )


def _unreached(why: str) -> str:
    # Section 5.7.5: who was neither busy nor ever there has "failed".
    method = "busy" if why == "busy" else "failed"
    reason = f"<reason>{markup.text(why.replace('_', ' '))}</reason>"
    return f"<disconnection-method>{method}</disconnection-method><disconnection-info>{reason}</disconnection-info>"


def _joined(member: RosterMember) -> str:
    when = ""
    if member.since is not None:
        at = datetime.fromtimestamp(member.since / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        when = f"<joining-info><when>{at}</when></joining-info>"
    video = _media(2, "video", member.picture) if member.picture is not None else ""
    return when + _media(1, "audio", member.sound) + video


def _media(number: int, kind: str, direction: Direction) -> str:
    # Section 5.8.5: the status is seen from the participant.
    return f'<media id="{number}"><type>{kind}</type><status>{direction.value}</status></media>'
