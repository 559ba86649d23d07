"""Who is called to a meeting."""

from collections.abc import Callable

from softswitch.calls.leg import OurVideo
from softswitch.calls.signals import Origin
from softswitch.engine.caller import Confirmation
from softswitch.events import Fact, MemberJoined, MemberLeft, MemberUnreached, MemberWaits
from softswitch.features.conference.around import Around
from softswitch.features.conference.model import effects, inputs
from softswitch.features.conference.model.room import Room
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId

VIDEO = (OurVideo(),)
"""What a room has with who has video."""
QUESTION = "conference/press-one"
_REASONS: dict[Cause, inputs.WhyUnreached] = {
    Cause.USER_BUSY: "busy",
    Cause.CALL_REJECTED: "declined",
    Cause.NO_ANSWER: "no_answer",
    Cause.NO_USER_RESPONDING: "no_answer",
    Cause.SUBSCRIBER_ABSENT: "absent",
}
_STATUSES = {
    "busy": 486,
    "declined": 603,
    "no_answer": 480,
    "absent": 480,
    "failed": 500,
    "cancelled": 487,
    "restart": 500,
}
"""What a phone is told of somebody who did not come."""


class Calling:
    """The calls of one meeting."""

    def __init__(self, around: Around, room: Room, tell: Callable[[inputs.Input], None]) -> None:
        self._around = around
        self._room = room
        self._tell = tell
        self.calls: dict[int, CallId] = {}
        """Those that nobody has answered, by members."""
        self._referred: dict[int, list[Callable[[int], None]]] = {}
        """Who is told, as a SIP status, what becomes of a member that somebody wants here."""

    def call(self, wanted: effects.Call) -> None:
        rules = self._room.meeting.rules
        kind, slash, name = wanted.number.partition("/")
        destination = Destination(kind, name) if slash else Destination("dialplan", rules.context)
        confirm = Confirmation((QUESTION,), rules.language or self._around.language) if wanted.confirm else None
        member, attempt = wanted.member, wanted.attempt
        self.calls[member] = self._around.switchboard.invite(
            Origin("conference", rules.number, rules.context),
            Party(rules.number, rules.title),
            name if slash else wanted.number,
            destination,
            Destination("conference", rules.number),
            ring_seconds=rules.ring_seconds,
            rang=lambda: self._tell(inputs.Rang(member, attempt)),
            over=lambda cause: self._over(member, attempt, cause),
            confirm=confirm,
            video=VIDEO if self._around.pictures is not None and rules.pictures != "off" else (),
        )

    def resume(self, calls: dict[int, CallId]) -> None:
        """These were answered just before the switch was killed: they are on their way into the room."""
        self.calls = calls

    def _over(self, member: int, attempt: int, cause: Cause) -> None:
        if self.calls.pop(member, None) is not None:
            self._tell(inputs.Unreached(member, attempt, _REASONS.get(cause, "failed")))

    def called(self, call: CallId) -> tuple[int, int] | None:
        """For which member, and by which attempt, a call was made that nobody has answered."""
        member = next((member for member, made in self.calls.items() if made == call), None)
        return None if member is None else (member, self._room.meeting.members[member].attempts)

    def came(self, member: int) -> None:
        """Whoever was called is here: its call is nothing of ours any more."""
        self.calls.pop(member, None)

    def stop(self, member: int) -> None:
        """Call a member no more."""
        call = self.calls.pop(member, None)
        if call is not None:
            self._around.switchboard.hang_up(call)

    def end(self) -> None:
        """The meeting is over: nobody is called any more."""
        for call in list(self.calls.values()):
            self._around.switchboard.hang_up(call)
        self.calls.clear()
        for told in [told for waiting in self._referred.values() for told in waiting]:
            told(487)
        self._referred.clear()

    # Who has been asked for, and by whom ----------------------------------------------------------------------

    def refer(self, member: int, told: Callable[[int], None]) -> None:
        """Let somebody know what becomes of a member."""
        self._referred.setdefault(member, []).append(told)

    def happened(self, fact: Fact) -> None:
        """Tell whoever is to know it."""
        if not self._referred:
            return
        status = 0
        match fact:
            case MemberJoined(member=member) | MemberWaits(member=member):
                status = 200
            case MemberUnreached(member=member, reason=reason, again_at=None):
                status = _STATUSES[reason]
            case MemberLeft(member=member):
                status = 487
        if status:
            for told in self._referred.pop(member, ()):
                told(status)
