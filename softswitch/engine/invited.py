"""A call that the switch makes to somebody, for an application that is to have whoever answers.

Applications find whom to ring, as they do for any caller: the dial plan, the rules of an account or of a person with
one number, a trunk. What they dial for the caller rings with our own offer; who answers is the caller from then on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from softswitch.calls.leg import Leg, OurVideo
from softswitch.calls.signals import Origin
from softswitch.engine.call import CallApp, LiveCall
from softswitch.engine.caller import Candidate, Confirmation, DialOutcome, Later
from softswitch.engine.dialling import Dialling
from softswitch.engine.surroundings import Surroundings
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.kernel.media import MediaDescription


class InvitedCall(LiveCall):
    """Made by `Switch.invite`."""

    __slots__ = ("_home", "_rang", "_until", "confirm")

    def __init__(
        self,
        around: Surroundings,
        apps: Mapping[str, CallApp],
        index: dict[LegId, LiveCall],
        over: Callable[[CallId], None],
        call: CallId,
        origin: Origin,
        *,
        home: Destination,
        rang: Callable[[], None],
        confirm: Confirmation | None,
        video: tuple[OurVideo, ...] = (),
    ) -> None:
        """`home`: which application has whoever answers; `rang` is told when somebody is alerted; `confirm`: what is
        asked of whoever answers behind a trunk, unless the terminal has a question of its own; `video`: what is offered
        beside the sound, see `Caller.with_video`."""
        super().__init__(around, apps, index, over, call, origin)
        self._home = home
        self._rang = rang
        self.confirm = confirm
        self._until = 0.0
        self._shows = video

    def invite(self, from_: Party, to: Party, destination: Destination, ring_seconds: float) -> None:
        """Set it going."""
        self.from_, self.to = from_, to
        self._until = asyncio.get_running_loop().time() + ring_seconds
        self._publish_offered(IdSource.leg(self.call, 1), "")
        self.begin(lambda: self.route(destination))

    @property
    def cause(self) -> Cause:
        """How it ended."""
        return self._cause[0] if self._cause else Cause.NORMAL_CLEARING

    @property
    def _awaits(self) -> bool:
        """Whether nobody has answered yet."""
        return self.legs.get(self.caller_leg.id) is None

    async def answer(self, *, wide: bool = False) -> None:
        if self._awaits:
            refusal = self._dial.refusal.cause if self._dial is not None and not self._dial.empty else Cause.NO_ANSWER
            raise Rejected(refusal, "a machine of ours would answer, where a person is wanted")
        await super().answer(wide=wide)

    async def dial(
        self, candidates: Sequence[Candidate], ring_seconds: float, later: Sequence[Later] = ()
    ) -> DialOutcome:
        if not self._awaits:
            return await super().dial(candidates, ring_seconds, later)
        left = self._until - asyncio.get_running_loop().time()
        if self._hops_left <= 1 or left <= 0:
            return DialOutcome(False, Cause.NO_ANSWER)
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._came)
        self._invite(dial, candidates)
        if later:
            dial.await_later(later, self.also)
        elif not candidates:
            return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
        await dial.run(min(ring_seconds, left))
        if dial.empty:
            return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
        refusal = dial.refusal
        return DialOutcome(False, refusal.cause, refusal.status, refusal.contacts, dial.unheard)

    def also(self, candidates: Sequence[Candidate]) -> None:
        if not self._awaits:
            super().also(candidates)
        elif self._dial is not None and self._dial.open:
            self._invite(self._dial, candidates)

    def _invite(self, dial: Dialling, candidates: Sequence[Candidate], *, waits: bool = False) -> None:
        if not self._awaits:
            super()._invite(dial, candidates, waits=waits)
            return
        dial.invite([self._own(each) for each in candidates], self.from_, self._hops_left - 1, self._offer)

    def _own(self, candidate: Candidate) -> Candidate:
        """A terminal whose sound comes to us, whatever its own rules are."""
        confirm = candidate.confirm
        if confirm is None and candidate.destination.kind == "trunk":
            confirm = self.confirm
        return structs.replace(candidate, anchored=True, confirm=confirm)

    def _offer(self, leg: Leg) -> MediaDescription:
        """Wide-band first, where that is cheap: what a room hears is worth it."""
        media = self._around.media
        wide = [codec for codec in media.converts if codec not in media.codecs and codec.name in _WIDE]
        leg.shows = self._shows
        return self.talk.our_offer(leg, (*wide, *media.codecs))

    def _alerted(self, leg: Leg, early: bool, silenced: bool) -> None:
        if self._awaits:
            self._rang()
        else:
            super()._alerted(leg, early, silenced)

    def _came(self, leg: Leg) -> None:
        """Somebody has answered: what found it is done with."""
        self.caller_leg, self.from_ = leg, leg.party
        self._dial = None
        self.legs.connect(leg)
        self.begin(lambda: self.route(self._home))


_WIDE = ("G722",)
"""Codecs for speech of 7 kHz that are offered to whoever is called, before those that cost least."""
