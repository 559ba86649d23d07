"""The legs of one call: they come, they are told to go, and each leaves one fact and no port behind."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from softswitch.calls import media_plan
from softswitch.calls.clues import clues
from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Ended, HangUp
from softswitch.engine import pictures
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegArrived, LegClues, LegEnded, LegMoved, MediaFigures
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, IdSource, LegId

Owner = TypeVar("Owner")


class CallLegs(Generic[Owner]):
    """Every leg a call has now, by id. `index` tells the switch whose a leg is: `owner`'s."""

    __slots__ = ("_around", "_call", "_count", "_gone", "_index", "_legs", "_owner")

    def __init__(self, around: Surroundings, index: dict[LegId, Owner], call: CallId, owner: Owner) -> None:
        self._around = around
        self._index = index
        self._call = call
        self._owner: Owner | None = owner
        self._count = 0
        self._legs: dict[LegId, Leg] = {}
        self._gone: list[Leg] = []
        """Legs that have ended; the others' trouble may be of their making."""

    def __len__(self) -> int:
        return len(self._legs)

    def __iter__(self) -> Iterator[Leg]:
        """The legs as they are now; they may come and go while one goes through them."""
        return iter(list(self._legs.values()))

    def get(self, leg: LegId) -> Leg | None:
        return self._legs.get(leg)

    def add(self, destination: Destination | None, *, anchored: bool) -> Leg:
        """A new leg, with a local RTP port of its own if its sound passes through us.

        Raises Rejected(SWITCH_CONGESTION) when no port is left; then there is no new leg.
        """
        number = self._count + 1
        leg = Leg(IdSource.leg(self._call, number), destination, None)
        if anchored:
            self.open_media(leg)
        self._count = number
        self._legs[leg.id] = leg
        assert self._owner is not None, "a call that is over has no new legs"
        self._index[leg.id] = self._owner
        return leg

    @property
    def so_far(self) -> int:
        """How many there have been."""
        return self._count

    def count_on(self, so_far: int) -> None:
        """New legs are numbered on from these."""
        self._count = so_far

    def restore(self, leg: Leg) -> None:
        """A leg goes on that an earlier process had: nothing is new about it."""
        self._legs[leg.id] = leg
        assert self._owner is not None
        self._index[leg.id] = self._owner

    def let_go(self) -> None:
        """The call is over: no longer refer to its owner, which refers to this."""
        self._owner = None

    def open_media(self, leg: Leg) -> None:
        """Give a leg its local RTP port unless it has one. Raises Rejected(SWITCH_CONGESTION)."""
        if leg.address is None:
            leg.address = self._around.media.open(leg.id)
            leg.opened_at = self._around.clock.wall_ms()

    def close_media(self, leg: Leg) -> None:
        """Let a leg's sound bypass us from now on."""
        if leg.address is not None:
            self._around.media.close(leg.id)
            leg.address = None
            if leg.pictures:
                pictures.close(self._around, leg)

    def connect(self, leg: Leg) -> None:
        """Tell the media engine what is agreed with a leg's party, once both sides have said theirs."""
        if leg.address is not None and leg.local is not None and leg.remote is not None:
            self._around.media.connect(leg.id, leg.local, leg.remote)
            if leg.pictures:
                pictures.connect(self._around, leg)

    def give_pictures(self, leg: Leg, lines: int) -> None:
        """See `pictures.give_ports`."""
        pictures.give_ports(self._around, leg, lines)

    def hang_up(self, leg: Leg, cause: Cause, status: int | None = None, *, elsewhere: bool = False) -> None:
        """Tell a leg to end, once; its `Ended` follows."""
        if not over(leg):
            leg.leaving = True
            self._around.signalling.send(leg.id, HangUp(cause, status, elsewhere))

    def send_elsewhere(self, caller: Leg, cause: Cause, status: int, contacts: tuple[str, ...]) -> None:
        """Refuse a caller and tell it whom it may try instead."""
        if not over(caller):
            caller.leaving = True
            self._around.signalling.send(caller.id, HangUp(cause, status, contacts=contacts))

    def hang_up_all(self, cause: Cause, status: int | None = None, *, elsewhere: bool = False) -> None:
        for leg in self:
            self.hang_up(leg, cause, status, elsewhere=elsewhere)

    def owner_of(self, leg: LegId) -> Owner | None:
        """Whose a leg is, of whatever call."""
        return self._index.get(leg)

    def release(self, leg: Leg, to: CallId) -> None:
        """A leg goes on in another call, whose legs `welcome` it."""
        del self._legs[leg.id]
        self._around.publish(LegMoved(at=self._around.clock.wall_ms(), call=self._call, leg=leg.id, to=to))

    def welcome(self, leg: Leg, from_call: CallId) -> None:
        """A leg comes from another call, under the name that it has."""
        self._legs[leg.id] = leg
        assert self._owner is not None, "a call that is over has no new legs"
        self._index[leg.id] = self._owner
        self._around.publish(
            LegArrived(
                at=self._around.clock.wall_ms(),
                call=self._call,
                leg=leg.id,
                from_call=from_call,
                destination=leg.destination or Destination("guest"),
                number=leg.party.number,
                up=leg.state is LegState.UP,
            )
        )

    def evidence(
        self, leg: Leg, ended: Ended | None, answered_at: int | None, now: int
    ) -> tuple[LegClues | None, MediaFigures | None]:
        """What is out of the ordinary about a leg, and what its sound measured."""
        figures = None if leg.address is None else self._around.media.figures(leg.id)
        talked_ms = now - answered_at if answered_at is not None and leg.state is LegState.UP else 0
        return clues(leg, self._others(leg), ended, figures, talked_ms, now - leg.opened_at), figures

    def _others(self, leg: Leg) -> Iterator[Leg]:
        yield from (other for other in self._legs.values() if other is not leg)
        yield from self._gone

    def ended(self, leg: Leg, ended: Ended, answered_at: int | None) -> None:
        """A leg is over: record it and give its port back. `answered_at`: when the call was answered."""
        now = self._around.clock.wall_ms()
        evidence, figures = self.evidence(leg, ended, answered_at, now)
        codec = media_plan.speech(leg) if leg.state is LegState.UP else ""
        has_video = leg.seen or (leg.remote is not None and leg.remote.video)
        video = pictures.measured(self._around, leg) if has_video else ()
        leg.state = LegState.ENDED
        self._gone.append(leg)
        self.close_media(leg)
        del self._legs[leg.id]
        del self._index[leg.id]
        self._around.publish(
            LegEnded(
                at=now,
                call=self._call,
                leg=leg.id,
                cause=ended.cause,
                by_party=ended.by_party,
                status=ended.status,
                figures=figures,
                contacts=ended.contacts,
                clues=evidence,
                codec=codec,
                video=video,
            )
        )
