"""What happens to a call for a room."""

from collections.abc import Callable

from msgspec import structs

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.conference.calling import VIDEO
from softswitch.features.conference.files import NAMES
from softswitch.features.conference.model.inputs import Came, CameBack, CameOfCall
from softswitch.features.conference.model.rules import Rules
from softswitch.features.conference.podium import Spot
from softswitch.features.conference.seats import Seat
from softswitch.features.conference.service import Conferences
from softswitch.features.conference.views import SLIDES
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import SoundFile
from softswitch.platform.database import DatabaseUnavailable

NAME_SECONDS = 4.0
"""Of a name that is said."""
LEAST_NAME_SECONDS = 0.4
_WHY = {"locked": "conference/is-locked", "full": "conference/is-full"}


def conference_app(conferences: Conferences) -> CallApp:
    """Takes the calls for `conference/NUMBER`."""

    async def confer(caller: Caller, number: str) -> Destination | None:
        try:
            rules = conferences.rules(number)
        except NotFound as missing:
            raise Rejected(Cause.UNALLOCATED_NUMBER, str(missing)) from missing
        if rules.language:
            caller.language = rules.language
        caller.enter_room(number, lambda wanted, told: _bring_in(conferences, caller, number, wanted, told))
        try:
            goes_to = await _serve(conferences, caller, number, rules)
        finally:
            caller.leave_room()
        return Destination("conference", goes_to) if goes_to else None

    return confer


async def _serve(conferences: Conferences, caller: Caller, number: str, rules: Rules) -> str:
    """Gives the room that the caller goes on to; empty: none."""
    seats: list[Seat] = []

    def video_changed() -> None:
        for seat in seats:
            seat.slides = _slides(caller)
            seat.video_changed()

    sees = conferences.sees(rules)
    spot = conferences.podiums.spot(number) if sees else None
    try:
        # Who comes where there is nothing to see, with pictures from an earlier talk, has none from now on.
        caller.with_video((*VIDEO, SLIDES) if sees else (), video_changed, None if spot is None else spot.floor)
        await _admit(conferences, caller, number, rules, seats, spot)
    finally:
        conferences.podiums.leave(number, spot)
    return seats[-1].goes_to if seats else ""


def _slides(caller: Caller) -> LegId | None:
    """The line by which a caller shows slides."""
    return next((line for line, ours, _ in caller.video_lines if ours.of_slides), None)


async def _admit(
    conferences: Conferences, caller: Caller, number: str, rules: Rules, seats: list[Seat], spot: Spot | None
) -> None:
    await caller.answer(wide=True)
    called = conferences.called(number, caller.call)
    told: Came | CameBack | CameOfCall | None
    if called is not None:
        told = CameOfCall(member=called[0], attempt=called[1], call=caller.call)
    elif caller.resumed and await conferences.awaits(number, caller.call):
        told = CameBack(call=caller.call)
    else:
        told = conferences.moved(number, caller.call) or await _admitted(conferences, caller, rules)
    if told is None:
        return
    why = await _attend(conferences, caller, number, told, seats, spot)
    if why:
        await caller.play(why)


def _bring_in(conferences: Conferences, caller: Caller, room: str, wanted: str, told: Callable[[int], None]) -> None:
    """A member's phone wants somebody else in the room. Raises Conflict: who is no host could let the room call at its
    cost whom its own rights do not reach."""
    live = conferences.now(room)
    member = live.member_of(caller.call) if live is not None else None
    if live is None or member is None or not member.is_in:
        raise Conflict("not-in", "it is not in the room yet")
    rights = caller.origin.kind == "account" and caller.origin.context == live.meeting.rules.context
    if not member.is_host and not rights:
        raise Conflict("not-allowed", "only hosts bring somebody in")
    live.bring_in(wanted, f"member {member.id}", told)


def factory_app(conferences: Conferences) -> CallApp:
    """Takes the calls for `conference-factory` (RFC 4579 section 5.4): a room is made for the caller, its host."""

    async def make(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account" or caller.routed_as != caller.origin:
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts make rooms")
        try:
            number = await conferences.made_for(caller.origin.name, caller.origin.context)
        except Conflict as conflict:
            raise Rejected(Cause.RESOURCE_UNAVAILABLE, str(conflict)) from conflict
        except DatabaseUnavailable as error:
            raise Rejected(Cause.TEMPORARY_FAILURE, str(error)) from error
        return Destination("conference", number)

    return make


async def _admitted(conferences: Conferences, caller: Caller, rules: Rules) -> Came | None:
    """A caller at the door; None: it does not get in, and has heard why."""
    if not conferences.open_now(rules):
        conferences.door.refused(caller, rules, "not_now")
        await caller.play("conference/not-now")
        return None
    admitted = await conferences.door.admit(caller, rules)
    if admitted is None:
        return None
    name_file = await _name_said(conferences, caller) if rules.announce == "name" else ""
    return Came(
        call=caller.call,
        number=caller.from_.number,
        name=caller.from_.name,
        role=admitted.role,
        account=admitted.account,
        name_file=name_file,
    )


async def _name_said(conferences: Conferences, caller: Caller) -> str:
    """Where the caller has said its name; empty: it has not."""
    await caller.play("conference/say-name")
    name = f"{NAMES}/{caller.call}.wav"
    recorded = await caller.record(name, most_seconds=NAME_SECONDS, silence_seconds=1.5)
    if recorded.ended_by == "fault" or recorded.seconds < LEAST_NAME_SECONDS or not recorded.spoken:
        return ""
    await conferences.prepare(SoundFile(name))
    return name


async def _attend(
    conferences: Conferences,
    caller: Caller,
    number: str,
    told: Came | CameBack | CameOfCall,
    seats: list[Seat],
    spot: Spot | None,
) -> str:
    """Be in the room, at a seat that is put among the `seats`, until one is let go: gives what is heard then."""
    room = conferences.open(number)
    seat = Seat(room)
    seats.append(seat)
    seat.slides = _slides(caller)
    if spot is not None:
        spot.seat = seat
    await caller.place(seat.put, seat.pressed)
    assert seat.leg is not None
    told = structs.replace(told, terminal=room.terminal(seat.leg))
    if not isinstance(told, CameBack) and not told.name:
        told = structs.replace(told, name=conferences.name_of(caller.call, seat.leg))
    refused = room.enter(seat, told)
    if refused:
        return _WHY.get(refused, "conference/goodbye")
    try:
        return await seat.dropped
    finally:
        room.leave(seat)
