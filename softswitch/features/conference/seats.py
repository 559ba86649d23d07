"""Where callers are in a meeting."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.members import Terminal
from softswitch.kernel.ids import LegId


class Venue(Protocol):
    """Where seats stand (`softswitch.features.conference.live.LiveRoom`)."""

    def tell(self, told: inputs.Input) -> None: ...
    def seat_moved(self, seat: "Seat") -> None: ...
    def terminal(self, leg: LegId) -> Terminal: ...
    def redraw(self) -> None: ...


class Seat:
    """Where a caller is in a meeting: kept by the application that has the caller."""

    def __init__(self, room: Venue) -> None:
        self._room = room
        self.leg: LegId | None = None
        self.member = 0
        """0: it has not come in yet."""
        self.where = ""
        self.knows = False
        """Whether the caller has been told already where it is: it was there before the switch was killed."""
        self.at: LegId | None = None
        """The leg that has been put there."""
        self.slides: LegId | None = None
        """The line of its slides; None: its phone has none."""
        self.goes_to = ""
        """The room that the caller goes on to, once it is dropped; empty: none."""
        self.dropped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The prompt that is heard last, once the caller is to go."""

    def put(self, leg: LegId) -> None:
        """The caller's leg, or the leg of who has taken the caller's place, goes where the caller is."""
        self.leg = leg
        if self.member:
            # Whoever takes a place has another phone, whose lines are told of as soon as they are agreed.
            self.slides = None
            self._room.seat_moved(self)
            self._room.tell(inputs.Held(self.member, False))
            self.video_changed()

    def pressed(self, key: str) -> None:
        if self.member:
            self._room.tell(inputs.Pressed(self.member, key))

    def video_changed(self) -> None:
        """Perhaps its phone sends pictures now, or no more; or takes others."""
        if self.member and self.leg is not None:
            self._room.tell(inputs.TerminalIs(self.member, self._room.terminal(self.leg)))
            self._room.redraw()


class Seats:
    """Those of a meeting that are taken, by members and by legs."""

    def __init__(self) -> None:
        self._of: dict[int, Seat] = {}
        self._by_leg: dict[LegId, int] = {}

    def __getitem__(self, member: int) -> Seat:
        return self._of[member]

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._of.values())

    def get(self, member: int) -> Seat | None:
        return self._of.get(member)

    def take(self, member: int, seat: Seat) -> None:
        """A member sits down."""
        seat.member = member
        self._of[member] = seat

    def free(self, member: int) -> Seat | None:
        """A member gets up: gives where it sat."""
        seat = self._of.pop(member, None)
        if seat is not None and seat.leg is not None:
            self._by_leg.pop(seat.leg, None)
        return seat

    def moved(self, seat: Seat) -> None:
        """Another leg than before may be at a seat."""
        assert seat.leg is not None
        if seat.at is not None:
            self._by_leg.pop(seat.at, None)
        self._by_leg[seat.leg], seat.at = seat.member, seat.leg

    def member(self, leg: LegId) -> int | None:
        """Who sits there whose leg this is."""
        return self._by_leg.get(leg)

    def leg(self, member: int) -> LegId | None:
        """The leg of a member that is in the mix."""
        seat = self._of.get(member)
        return seat.leg if seat is not None and seat.where == "mix" else None
