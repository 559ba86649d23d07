"""How long a meeting may last, and how it sounds while one is alone in it."""

from softswitch.features.conference.model import arriving
from softswitch.features.conference.model.effects import Duration, Music
from softswitch.features.conference.model.inputs import Warn
from softswitch.features.conference.model.meeting import Meeting

WARNINGS = (10, 5, 1)
"""Minutes before the end of a meeting at which all are told so, where it may be longer than that."""
_MINUTE_MS = 60_000


def _ends_at(meeting: Meeting) -> int | None:
    minutes = meeting.rules.most_minutes
    return meeting.began_at + minutes * _MINUTE_MS if minutes else None


def _to_come(meeting: Meeting) -> list[int]:
    """The warnings that have not been given."""
    earlier = meeting.warned if meeting.warned is not None else meeting.rules.most_minutes
    return [minutes for minutes in WARNINGS if minutes < earlier]


def due(meeting: Meeting) -> int | None:
    """When the next is to be heard of it, or it is over; None: it may last."""
    ends_at = _ends_at(meeting)
    if ends_at is None:
        return None
    return ends_at - max(_to_come(meeting), default=0) * _MINUTE_MS


def keep_time(meeting: Meeting) -> None:
    """Warn of the end, and end."""
    ends_at = _ends_at(meeting)
    if meeting.closed or ends_at is None:
        return
    if meeting.now >= ends_at:
        arriving.end(meeting, "over")
        return
    passed = [minutes for minutes in _to_come(meeting) if meeting.now >= ends_at - minutes * _MINUTE_MS]
    if passed:
        meeting.warned = min(passed)
        _tell(meeting, meeting.warned)


def warn(meeting: Meeting, told: Warn) -> None:
    """Its schedule will end it."""
    _tell(meeting, told.minutes)


def _tell(meeting: Meeting, minutes: int) -> None:
    meeting.announce("conference/ends-in", then=(Duration(minutes * 60),))


def keep_company(meeting: Meeting) -> None:
    """Let who is alone hear music, where that is wanted."""
    alone = meeting.rules.music_alone and not meeting.closed and _only_one(meeting)
    if alone != meeting.music:
        meeting.music = alone
        if not meeting.closed:
            meeting.out.append(Music(alone))


def _only_one(meeting: Meeting) -> bool:
    inside = [member for member in meeting.people() if member.state == "in"]
    return len(inside) == 1 and inside[0].is_in
