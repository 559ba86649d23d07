"""What stories about conference rooms begin with, and what must hold of every room at any time."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from softswitch.events import (
    CameraJoined,
    CameraLeft,
    Fact,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    MemberUnreached,
    MemberWaits,
    RoomClosed,
    RoomOpened,
)
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model.members import Member
from softswitch.features.conference.model.rules import Rules, checked
from softswitch.kernel.ids import LegId
from softswitch.kernel.sound import Prompt, Sound, SoundFile, Tone
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.switch import SimulatedSwitch


async def until(true: Callable[[], bool], within: float = 30.0) -> None:
    """Wait for something; it is looked for ten times a second."""
    for _ in range(round(within * 10)):
        if true():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError


def furnish(house: SimulatedSwitch, number: str, **rules: object) -> Rules:
    """Let a room be so."""
    conferences = house.features.conferences
    before = conferences.rules(number) if conferences.exists(number) else Rules(number=number)
    conferences._take(checked(replace(before, **rules)))
    return conferences.rules(number)


def live(house: SimulatedSwitch, number: str) -> LiveRoom:
    room = house.features.conferences.now(number)
    assert room is not None, f"nobody is in {number}"
    return room


def roster(house: SimulatedSwitch, number: str) -> dict[str, str]:
    """Members' numbers, and how each stands."""
    return {member.number: member.state for member in live(house, number).meeting.members.values()}


def member_of(house: SimulatedSwitch, number: str, user: str) -> Member:
    """The member that an account is, as it stands last."""
    return [each for each in live(house, number).meeting.members.values() if user in (each.number, each.account)][-1]


def word(sound: Sound) -> str:
    match sound:
        case Prompt(name):
            return name.partition("/")[2]
        case SoundFile(name):
            return f"<{name}>"
        case Tone():
            return "tone"
    return ""


def heard(house: SimulatedSwitch, call: PhoneCall, leg: LegId | None = None) -> list[str]:
    """What a party has been told so far, prompts by their names without a language."""
    leg = leg or house.leg_of(call)
    return [word(sound) for hearer, sounds in house.media.played if hearer == leg for sound in sounds if word(sound)]


def announced(house: SimulatedSwitch) -> list[str]:
    """What rooms have been told so far."""
    return ["+".join(word(sound) for sound in sounds if word(sound)) for _, sounds in house.media.announced]


async def inside(house: SimulatedSwitch, phone: Phone, number: str, keys: str = "") -> PhoneCall:
    """Somebody who has come into a room, where it must key in something first."""
    call = phone.call(number)
    await call.until("up")
    if keys:
        await until(lambda: bool(heard(house, call)))
        house.press(call, keys)
    await until(lambda: in_mix(house, call))
    return call


def in_mix(house: SimulatedSwitch, call: PhoneCall) -> bool:
    return any(house.leg_of(call) in mix.members for mix in house.media.mixes.values())


def facts(house: SimulatedSwitch, kind: type[Fact]) -> list[Fact]:
    return [fact for fact in house.facts if type(fact) is kind]


def broken_rooms(house: SimulatedSwitch) -> list[str]:
    """What does not hold: nobody is in two mixes, and who is in a room by its roster is in its mix, and nobody else."""
    found = []
    members = [leg for mix in house.media.mixes.values() for leg in mix.members]
    found += [f"{leg} is in two mixes" for leg in {leg for leg in members if members.count(leg) > 1}]
    for number, room in house.features.conferences._live.items():
        meeting = room.meeting
        by_roster = {room.seats[member.id].leg for member in meeting.inside() if not member.is_camera}
        # A camera is there once it is fetched, and only if it is heard at all.
        cameras = [seat for member in meeting.inside() if member.is_camera and (seat := room.seats.get(member.id))]
        by_roster |= {seat.leg for seat in cameras}
        in_sound = set(house.media.mixes[room.mix].members)
        if by_roster != in_sound:
            found.append(f"the roster of {number} has {by_roster}, its mix {in_sound}")
        if not any(True for _ in meeting.people()) and not meeting.awaited():
            found.append(f"{number} lives with nobody in it")
    return found


def unbalanced(facts: list[Fact]) -> list[str]:
    """Meetings that opened and did not close once, members that joined and did not leave once, calls of rooms of which
    nothing became."""
    opened = [(fact.room, fact.meeting) for fact in facts if isinstance(fact, RoomOpened)]
    closed = [(fact.room, fact.meeting) for fact in facts if isinstance(fact, RoomClosed)]
    found = [] if sorted(opened) == sorted(closed) else [f"opened {opened}, closed {closed}"]
    here: set[tuple[str, int, int]] = set()
    called: set[tuple[str, int, int]] = set()
    for fact in facts:
        if isinstance(fact, MemberJoined):
            member = (fact.room, fact.meeting, fact.member)
            if member in here:
                found.append(f"{member} joined twice")
            here.add(member)
        elif isinstance(fact, MemberInvited):
            member = (fact.room, fact.meeting, fact.member)
            if member in called:
                found.append(f"{member} is called twice at once")
            called.add(member)
        if isinstance(fact, MemberJoined | MemberWaits | MemberUnreached):
            called.discard((fact.room, fact.meeting, fact.member))
        elif isinstance(fact, MemberLeft):
            here.discard((fact.room, fact.meeting, fact.member))
    found += [f"nothing became of the call of {member}" for member in called]
    return found + [f"{member} never left" for member in here]


def lasting_cameras(facts: list[Fact]) -> list[str]:
    """Those that came and did not leave once."""
    came = sorted((fact.room, fact.meeting, fact.member) for fact in facts if isinstance(fact, CameraJoined))
    left = sorted((fact.room, fact.meeting, fact.member) for fact in facts if isinstance(fact, CameraLeft))
    return [] if came == left else [f"cameras came {came} and left {left}"]
