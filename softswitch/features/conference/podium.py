"""Who may show slides in a room: floor control (RFC 8855) for phones that have it."""

from collections.abc import Callable

from softswitch.calls.leg import OurFloor
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model import inputs
from softswitch.features.conference.needs import Floors
from softswitch.features.conference.seats import Seat

BY = "floor control"
MOST_USERS = 0xFFFF


class Spot:
    """A caller on its way to a room's podium, or there."""

    def __init__(self, user: int, floor: OurFloor) -> None:
        self.user = user
        self.floor = floor
        """What its phone is told."""
        self.seat: Seat | None = None
        """Where it sits, once it is in the room."""


class Podium:
    """Of one room: as long as somebody is there who may ask for it."""

    def __init__(
        self, room: str, floors: Floors, number: Callable[[], int], find: Callable[[str], LiveRoom | None]
    ) -> None:
        self._room = room
        self._floors = floors
        self._number = number
        self._conference = conference = number()
        self._find = find
        self._spots: dict[int, Spot] = {}
        floors.open_floor(conference, self._may_have, self._held)

    def spot(self) -> Spot | None:
        """For one more caller; None: there are too many."""
        if len(self._spots) >= MOST_USERS:
            return None
        # Not one after the other: who is in the room could speak for whoever comes next.
        user = self._number() % MOST_USERS + 1
        while user in self._spots:
            user = user % MOST_USERS + 1
        spot = Spot(user, OurFloor(self._floors.address, self._conference, user))
        self._spots[spot.user] = spot
        self._floors.add_user(self._conference, spot.user)
        return spot

    def leave(self, spot: Spot) -> bool:
        """A caller is gone; whether the podium is, too, with the last of them."""
        self._floors.remove_user(self._conference, spot.user)
        del self._spots[spot.user]
        if not self._spots:
            self._floors.close_floor(self._conference)
        return not self._spots

    def _may_have(self, user: int) -> bool:
        room, spot = self._find(self._room), self._spots.get(user)
        if room is None or spot is None or spot.seat is None or not spot.seat.member:
            return False
        member = room.meeting.members[spot.seat.member]
        return member.is_in and not member.video_off and room.meeting.may_speak(member)

    def _held(self, user: int | None) -> None:
        room = self._find(self._room)
        if room is None:
            return
        seat = None if user is None else self._spots[user].seat
        if seat is not None:
            room.tell(inputs.Present(by=BY, member=seat.member, on=True))
            return
        for member in [member for member in room.meeting.here() if member.presenter]:
            room.tell(inputs.Present(by=BY, member=member.id, on=False))


class Podiums:
    """Of all rooms."""

    def __init__(
        self, floors: Floors | None, find: Callable[[str], LiveRoom | None], number: Callable[[], int]
    ) -> None:
        """`floors` None: phones are told of no floor control. `number` gives names of conferences and users: 32 bits
        that nobody guesses."""
        self._floors = floors
        self._find = find
        self._number = number
        self._podiums: dict[str, Podium] = {}

    def spot(self, room: str) -> Spot | None:
        """For a caller who comes to a room."""
        if self._floors is None:
            return None
        if room not in self._podiums:
            self._podiums[room] = Podium(room, self._floors, self._number, self._find)
        return self._podiums[room].spot()

    def leave(self, room: str, spot: Spot | None) -> None:
        """It is gone."""
        if spot is not None and self._podiums[room].leave(spot):
            del self._podiums[room]
