"""One dial, carried out: terminals are invited, ring, refuse, and one of them may answer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from softswitch.calls import media_plan
from softswitch.calls.codec_choice import Codecs
from softswitch.calls.dial import Dial, over
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Alert, Answered, Ended, Invitation, Progressed
from softswitch.engine.caller import Candidate, Later
from softswitch.engine.legs import CallLegs
from softswitch.engine.staggered import Staggered
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegAnswered, LegDialed, LegRang
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.media import MediaDescription

MOST_CANDIDATES = 100


class Dialling:
    """The asyncio shell of `Dial`. `run` returns when nobody has answered, or when whoever did is gone again."""

    __slots__ = ("_alerted", "_around", "_call", "_dial", "_done", "_joined", "_legs", "_staggered")

    def __init__(
        self,
        around: Surroundings,
        legs: CallLegs[Any],
        call: CallId,
        *,
        alerted: Callable[[Leg, bool, bool], None],
        joined: Callable[[Leg], None],
    ) -> None:
        """`alerted` is told which terminal there is news of for the caller, whether early media came with it, and
        whether that has ended; `joined` which terminal answered first."""
        self._around = around
        self._legs = legs
        self._call = call
        self._alerted = alerted
        self._joined = joined
        self._dial = Dial()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._staggered: Staggered | None = None

    @property
    def winner(self) -> Leg | None:
        return self._dial.winner

    @property
    def open(self) -> bool:
        """Whether nobody has answered, and the time is not up."""
        return self._dial.winner is None and not self._done.done()

    @property
    def refusal(self) -> Ended:
        """What to tell the caller when nobody took the call."""
        return self._dial.refusal()

    @property
    def unheard(self) -> int | None:
        """See `DialOutcome.unheard`."""
        return self._dial.unheard

    @property
    def rings(self) -> bool:
        """Whether a terminal has been alerted."""
        return self._dial.rang

    @property
    def legs(self) -> Mapping[LegId, Leg]:
        """Those that were invited."""
        return self._dial.legs

    @property
    def empty(self) -> bool:
        """Whether no terminal was invited."""
        return not self._dial.legs

    def confirmed(self, leg: Leg) -> bool:
        """Whether the party was asked whether it takes the call, and has heard us until now."""
        return leg.id in self._dial.asked

    def holds(self, leg: Leg) -> bool:
        """Whether a leg is one of this dial's."""
        return leg.id in self._dial.legs

    def invite(
        self,
        candidates: Sequence[Candidate],
        from_: Party,
        hops_left: int,
        offer: Callable[[Leg], MediaDescription | None],
        *,
        alert: Alert | None = None,
        session_id: str = "",
        referred_by: Party | None = None,
        waits: bool = False,
    ) -> None:
        """Invite terminals, with the offer that `offer` makes for each one's leg. `alert`: how they should ring where
        nothing is said of one of them; `session_id`: the caller's half; `referred_by`: who transfers the caller to
        them, which is nobody's business outside; `waits`: whoever answers hears us before it hears the caller.

        Raises Rejected(SWITCH_CONGESTION) when no port is left for one of them.
        """
        for candidate in candidates[:MOST_CANDIDATES]:
            confirm = candidate.confirm is not None
            leg = self._legs.add(candidate.destination, anchored=candidate.anchored or confirm or waits)
            self._dial.add(leg)
            leg.party = Party(candidate.number)
            leg.codecs, leg.sees = self._rules(candidate)
            leg.local = offer(leg)
            if (confirm or waits) and leg.local is None and leg.address is not None:
                # It is to hear us before it hears the caller, who wants to be offered to.
                leg.local = media_plan.offer(self._around.media.codecs, leg.address)
            if confirm or candidate.ring_seconds is not None:
                self._stagger().invited(leg, candidate)
            self._around.publish(
                LegDialed(
                    at=self._around.clock.wall_ms(),
                    call=self._call,
                    leg=leg.id,
                    destination=candidate.destination,
                    number=candidate.number,
                    target=candidate.target.uri,
                )
            )
            self._around.signalling.dial(
                leg.id,
                Invitation(
                    candidate.target,
                    candidate.from_ or from_,
                    Party(candidate.number),
                    leg.local,
                    hops_left,
                    candidate.credentials,
                    alert=candidate.alert or alert,
                    session_id=session_id,
                    identity=candidate.identity,
                    style=candidate.style,
                    rules=candidate.rules,
                    srtp=candidate.srtp,
                    video=leg.sees,
                    referred_by=referred_by if candidate.destination.kind == "account" else None,
                ),
            )

    def await_later(self, later: Sequence[Later], invite: Callable[[Sequence[Candidate]], None]) -> None:
        """Have more terminals invited (by `invite`) when their time comes."""
        self._stagger().wait(later, invite)

    def _stagger(self) -> Staggered:
        if self._staggered is None:
            self._staggered = Staggered(self._around, self._legs, self._dial, over=self.finish, failed=self._fail)
        return self._staggered

    def _fail(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _rules(self, candidate: Candidate) -> tuple[tuple[str, ...], bool]:
        """Which codecs a terminal is told of, and whether it may have video."""
        destination = candidate.destination
        origin = self._around.origin_of(destination.name) if destination.kind == "account" else None
        if origin is None:
            return candidate.codecs, candidate.video
        return candidate.codecs or origin.codecs, candidate.video and origin.video

    def adopt(self, leg: Leg) -> None:
        """A party that was not dialled has the call, as if it had answered first. The others stop."""
        self._dial.add(leg)
        self._dial.winner = leg
        self._settle()
        for other in self._dial.legs.values():
            if other is not leg:
                self._legs.hang_up(other, Cause.ANSWERED_ELSEWHERE, elsewhere=True)

    async def run(self, ring_seconds: float = 0) -> None:
        """Wait for the outcome. An answer within `ring_seconds` lifts the limit."""
        if not self._dial.legs and not self._dial.awaited:
            return
        timer = asyncio.get_running_loop().call_later(ring_seconds, self._ring_over)
        try:
            await self._done
        finally:
            timer.cancel()
            self._settle()

    def _settle(self) -> None:
        """Nobody is waited for any more."""
        if self._staggered is not None:
            self._staggered.close()

    def finish(self) -> None:
        """Let `run` return."""
        if not self._done.done():
            self._done.set_result(None)

    def progressed(self, leg: Leg, progressed: Progressed) -> None:
        dial = self._dial
        if dial.winner is not None:
            return
        leg.session_id = progressed.session_id
        # Early media is let through when there is no doubt whose it is.
        early, ringing = progressed.media is not None and len(dial.legs) == 1, progressed.ringing
        if early and self._must_confirm(leg):
            early, ringing = False, True  # what it sends may be a mailbox's greeting
        if early:
            leg.remote = progressed.media
        news = False
        if leg.state is LegState.INVITED and ringing:
            self._around.publish(LegRang(at=self._around.clock.wall_ms(), call=self._call, leg=leg.id))
            news = dial.ringing(leg)
        if news or early or progressed.silenced:
            self._alerted(leg, early, progressed.silenced)

    def answered(self, leg: Leg, answered: Answered) -> None:
        leg.remote = answered.media or leg.remote
        leg.session_id = answered.session_id
        if leg.remote is None:
            # A 2xx that settles no sound (RFC 3261 section 13.2.1) is a refusal in disguise.
            self._legs.hang_up(leg, Cause.INTERWORKING)
            self._over(leg, Ended(Cause.INTERWORKING, by_party=True, status=488))
            return
        too_late = self._dial.winner is not None
        if not too_late and self._must_confirm(leg):
            self._ask(leg)
            return
        self._has_call(leg, too_late)

    def _has_call(self, leg: Leg, too_late: bool) -> None:
        for other in self._dial.answered(leg):
            self._legs.hang_up(other, Cause.ANSWERED_ELSEWHERE, elsewhere=True)
        if not too_late:
            self._settle()
            if leg.id not in self._dial.asked:
                self._around.publish(LegAnswered(at=self._around.clock.wall_ms(), call=self._call, leg=leg.id))
            self._joined(leg)

    def _must_confirm(self, leg: Leg) -> bool:
        return self._staggered is not None and self._staggered.must_confirm(leg)

    def _ask(self, leg: Leg) -> None:
        assert self._staggered is not None
        self._around.publish(LegAnswered(at=self._around.clock.wall_ms(), call=self._call, leg=leg.id))
        try:
            self._staggered.ask(leg)
        except (NotFound, Rejected) as error:
            owner = self._legs.owner_of(leg.id)
            if owner is not None:
                owner.note(f"{leg.destination} cannot be asked whether it takes the call: {error}")
            self._legs.hang_up(leg, Cause.NO_ANSWER)

    def pressed(self, leg: Leg, digit: str) -> bool:
        """A key; whether it was for us alone, because its party is asked whether it takes the call."""
        if leg.id not in self._dial.asked or leg is self._dial.winner:
            return False
        if self._staggered is not None and self._staggered.pressed(leg, digit) and self.open:
            self._has_call(leg, too_late=False)
        return True

    def ended(self, leg: Leg, ended: Ended) -> None:
        """A leg of this dial is gone."""
        if leg is self._dial.winner:
            self.finish()
        else:
            self._over(leg, ended)

    def _over(self, leg: Leg, ended: Ended) -> None:
        is_over = self._dial.ended(leg, ended)
        if self._staggered is not None:
            self._staggered.gone(leg)
            self._staggered.look()
        elif is_over:
            self.finish()

    def _ring_over(self) -> None:
        """Nobody answered within the time. A party that is asked may still say that it takes the call."""
        dial = self._dial
        if dial.winner is None:
            if self._staggered is not None:
                self._staggered.no_more()
            for leg in dial.legs.values():
                if not over(leg) and leg.id not in dial.asked:
                    self._legs.hang_up(leg, Cause.NO_ANSWER)
            if dial.nobody_left:
                self.finish()


def through_caller(legs: CallLegs[Any], caller: Leg, able: Codecs) -> Callable[[Leg], MediaDescription | None]:
    """Offers that pass on what the caller said, and what we convert it to; none where the caller wants to be offered
    to. `able`: what we convert between."""

    def offer(leg: Leg) -> MediaDescription | None:
        said = media_plan.spoken(caller)
        if said is None:
            return None
        if said.video:
            legs.give_pictures(leg, len(said.video))
        return media_plan.offer_to(leg, said, able, caller.codecs)

    return offer
