"""Cameras of a meeting, live: fetched, seen by way of the pictures, and heard from a seat in the mix."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from softswitch.features.conference.around import Around
from softswitch.features.conference.model import effects, inputs
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.seats import Seat, Seats, Venue
from softswitch.kernel.errors import NotPermitted, SwitchError
from softswitch.kernel.ids import MixId

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 30.0
"""Until the address of a camera that has none is looked up again. What breaks off later, the composer begins anew."""


class Cameras:
    """Of one meeting."""

    def __init__(
        self, around: Around, room: Room, mix: MixId, seats: Seats, venue: Venue, unseal: Callable[[str], str]
    ) -> None:
        """`unseal` gives a camera's URL of its `source`."""
        self._pictures = around.pictures
        self._room = room
        self._mix = mix
        self._seats = seats
        self._venue = venue
        self._unseal = unseal
        self._fetching: dict[int, asyncio.Task[None]] = {}

    def open(self, wanted: effects.OpenCamera) -> None:
        """Fetch one."""
        self._fetching[wanted.member] = asyncio.get_running_loop().create_task(self._fetch(wanted))

    def close(self, member: int) -> None:
        """Fetch it no more."""
        fetching = self._fetching.pop(member, None)
        if fetching is not None:
            fetching.cancel()
        self._seats.free(member)
        if self._pictures is not None:
            self._pictures.remove_camera(self._mix, member)

    async def _fetch(self, wanted: effects.OpenCamera) -> None:
        while True:
            try:
                await self._begin(wanted)
                return
            except SwitchError as error:
                self._lost(wanted.member, str(error))
                log.warning("a camera cannot be fetched", room=self._mix, camera=wanted.name, reason=str(error))
                if isinstance(error, NotPermitted):
                    return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _begin(self, wanted: effects.OpenCamera) -> None:
        rules = self._room.meeting.rules
        if self._pictures is None or rules.pictures == "off":
            raise NotPermitted("the room has no pictures")
        if wanted.source:
            url = self._unseal(wanted.source)
        else:
            url = next((each.url for each in rules.cameras if each.name == wanted.name), "")
        member = wanted.member
        leg = await self._pictures.add_camera(self._mix, member, url, wanted.sound, partial(self._lost, member))
        if leg is not None:
            seat = Seat(self._venue)
            seat.leg, seat.where = leg, "mix"
            self._seats.take(member, seat)
            self._venue.seat_moved(seat)

    def _lost(self, member: int, reason: str) -> None:
        """A camera gives no pictures, and why; no reason: it gives some."""
        self._venue.tell(inputs.CameraIs(member, reason))
