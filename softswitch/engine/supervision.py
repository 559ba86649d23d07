"""Somebody listens to a party of a call, whispers to it, talks with all, or takes its place.

The supervisor has a call of its own. Those who talk hear each other through a mix instead of a bridge as long as it
lasts, and the supervisor is in that mix, too. By itself it is muted there: whoever is to hear it is told to one by one,
so that neither who comes into the mix nor a key that the supervisor presses is heard by anybody else.

What is supervised is a leg, and the supervision goes where that goes: whoever it talks with next is heard, and while it
talks with nobody, or one of two holds the other, nobody is. It ends with the leg.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from softswitch.calls import media_plan
from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState
from softswitch.engine import transfer as transfers
from softswitch.engine.surroundings import Surroundings
from softswitch.events import SupervisionBegan, SupervisionEnded, SupervisionModeChanged
from softswitch.kernel.errors import Conflict, NotFound, Rejected
from softswitch.kernel.ids import CallId, LegId, MixId
from softswitch.ports.mixes import Mixer

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall

Mode = Literal["listen", "whisper", "barge"]
"""Who hears the supervisor: nobody, the supervised party, or all."""


class Supervision:
    """One under way."""

    __slots__ = (
        "_around",
        "_by",
        "_in",
        "_mix",
        "_mixer",
        "_over",
        "_talking",
        "_used",
        "_watching",
        "mode",
        "ordered_by",
        "supervisor",
        "watched",
    )

    def __init__(
        self,
        around: Surroundings,
        mixer: Mixer,
        watching: "Supervisions",
        by: "LiveCall",
        watched: Leg,
        mode: Mode,
        ordered_by: str,
        over: Callable[[str], None],
    ) -> None:
        """Raises Rejected(SWITCH_CONGESTION) when there are too many mixes."""
        self._around = around
        self._mixer = mixer
        self._watching = watching
        self._by = by
        self._over = over
        self.supervisor = by.caller_leg
        self.watched = watched
        self.mode = mode
        self.ordered_by = ordered_by
        self._mix = MixId(f"{watched.id}/supervised")
        self._in: MixId | None = None
        """The mix that the supervisor is in: its own, or that of a talk of three."""
        self._talking: tuple[Leg, ...] = ()
        """Who is in it with it."""
        self._used = False
        """Whether anybody has been in its own mix."""
        self._open()

    @property
    def account(self) -> str:
        """The supervisor's."""
        return self.supervisor.destination.name if self.supervisor.destination is not None else ""

    @property
    def watches(self) -> LegId:
        """The party that is supervised."""
        return self.watched.id

    @property
    def watched_account(self) -> str:
        """Whose leg that is; empty where it is no account's."""
        whose = self.watched.destination
        return whose.name if whose is not None and whose.kind == "account" else ""

    @property
    def watched_in(self) -> CallId | None:
        """The call that it is in now."""
        call = self._supervised()
        return None if call is None else call.call

    def _supervised(self) -> "LiveCall | None":
        return self._around.call_of(self.watched.id)

    # Who is heard -------------------------------------------------------------------------------------------

    def between(self, a: Leg, b: Leg) -> None:
        """Two parties, one of them the supervised one, talk from now on. While one holds the other neither is heard.

        Raises Rejected(SWITCH_CONGESTION) when there are too many mixes.
        """
        if self._used:
            # Whom the party talked with before may not have left yet, and hears nothing of this.
            self._close()
            self._open()
        self._used = True
        self._enter(self._mix)
        for leg in (a, b):
            self._mixer.join(self._mix, leg.id)
        if a.held or b.held:
            for leg in (a, b):
                self._mixer.set_hearing(self._mix, self.supervisor.id, leg.id, None)
        self._talking = (a, b)
        self._let_hear()

    def among(self, mix: MixId, legs: Sequence[Leg]) -> None:
        """The supervised party talks with several through another mix."""
        self._enter(mix)
        self._talking = tuple(legs)
        self._let_hear()

    def alone(self) -> None:
        """The supervised party talks with nobody now."""
        self._talking = ()
        if self._in == self._mix:
            self._close()
        else:
            self._leave()

    def _open(self) -> None:
        self._mixer.open_mix(self._mix, keys=True, failed=lambda reason: self.end("failed"))

    def _close(self) -> None:
        """Whoever is still in the mix hears silence, the supervisor among them."""
        self._mixer.close_mix(self._mix)
        if self._in == self._mix:
            self._in = None

    def _leave(self) -> None:
        if self._in is not None:
            self._in = None
            if not over(self.supervisor) and self.supervisor.address is not None:
                self._around.media.silence(self.supervisor.id)

    def _enter(self, mix: MixId) -> None:
        if self._in != mix:
            self._in = mix
            self._mixer.join(mix, self.supervisor.id)
            self._mixer.set_level(mix, self.supervisor.id, muted=True)

    def _let_hear(self) -> None:
        assert self._in is not None or not self._talking
        for leg in self._talking:
            if leg.address is not None and self._in is not None:
                hears = self.mode == "barge" or (self.mode == "whisper" and leg is self.watched)
                self._mixer.set_hearing(self._in, leg.id, self.supervisor.id, 0.0 if hears else None)

    # What the supervisor does -------------------------------------------------------------------------------

    def change(self, mode: Mode, ordered_by: str = "") -> None:
        """Let others hear the supervisor from now on. Raises Conflict when it is over."""
        call = self._live_call()
        if mode == self.mode:
            return
        self.mode = mode
        self._let_hear()
        self._around.publish(
            SupervisionModeChanged(
                at=self._around.clock.wall_ms(),
                call=call.call,
                leg=self.watched.id,
                by=self.account,
                supervisor=self._by.call,
                mode=mode,
                ordered_by=ordered_by,
            )
        )
        call.note(f"{self.account} supervises {self.watched.destination}: {mode}")

    def take_over(self) -> None:
        """The supervisor takes the place of the supervised party, which is let go.

        Raises Conflict when that talks with nobody, with several, asks somebody while another waits, or is transferring
        whom it talks with.
        """
        call = self._live_call()
        transferring = call.transfer is not None and not call.transfer.settled
        if call.other(self.watched) is None or not call.has_place(self.watched) or transferring:
            raise Conflict("not-talking", "the party does not talk with one other, who could be taken over")
        if call.consultation is not None:
            raise Conflict("consultation", "the party asks somebody while another waits for it")
        call.talk.when_quiet(partial(self._take_place, call))

    def _take_place(self, call: "LiveCall") -> None:
        if not over(self.supervisor) and self._supervised() is call:
            self.end("taken over")
            transfers.take_over(self._by, self.supervisor, call, self.watched, self._around)

    def _live_call(self) -> "LiveCall":
        call = self._supervised()
        if call is None or not self._watching.holds(self):
            raise Conflict("over", "the supervision is over")
        return call

    def end(self, reason: str, *, regroup: bool = True) -> None:
        """Those who talk hear each other by a bridge again, if they are to `regroup`. Ending twice does nothing."""
        call = self._supervised()
        if not self._watching.forget(self):
            return
        self._leave()
        if call is not None:
            partner = call.other(self.watched)
            if partner is not None and regroup:
                call.talk.regroup(self.watched, partner)
            self._around.publish(
                SupervisionEnded(
                    at=self._around.clock.wall_ms(),
                    call=call.call,
                    leg=self.watched.id,
                    by=self.account,
                    supervisor=self._by.call,
                    reason=reason,
                )
            )
            call.note(f"{self.account} supervises {self.watched.destination} no more: {reason}")
        self._mixer.close_mix(self._mix)
        self._over(reason)


class Supervisions:
    """All that are under way. There is none of these while there are none: see `Surroundings.watching`."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._by_watched: dict[LegId, Supervision] = {}
        self._by_supervisor: dict[LegId, Supervision] = {}

    def holds(self, one: Supervision) -> bool:
        """Whether it is under way."""
        return self._by_watched.get(one.watched.id) is one

    def watches(self, leg: Leg) -> bool:
        """Whether somebody supervises a leg."""
        return leg.id in self._by_watched

    def add(self, one: Supervision) -> None:
        self._by_watched[one.watched.id] = self._by_supervisor[one.supervisor.id] = one
        self._around.watching = self

    def forget(self, one: Supervision) -> bool:
        """False: it was over."""
        if not self.holds(one):
            return False
        del self._by_watched[one.watched.id], self._by_supervisor[one.supervisor.id]
        if not self._by_watched:
            self._around.watching = None
        return True

    # What calls tell ----------------------------------------------------------------------------------------

    def bridge(self, a: Leg, b: Leg) -> bool:
        """Two parties are to hear each other; False: nobody supervises them."""
        one = self._by_watched.get(a.id) or self._by_watched.get(b.id)
        if one is None:
            return False
        try:
            one.between(a, b)
        except Rejected:
            one.end("failed", regroup=False)
            return False
        return True

    def apart(self, *legs: Leg) -> None:
        """These hear each other no more."""
        for leg in legs:
            if (one := self._by_watched.get(leg.id)) is not None:
                one.alone()

    def mixed(self, mix: MixId, legs: Sequence[Leg]) -> None:
        """These, and no others, hear each other through a mix."""
        for leg in legs:
            if (one := self._by_watched.get(leg.id)) is not None:
                one.among(mix, legs)

    def moves(self, leg: Leg) -> None:
        """A party goes to another call. Who is supervised is so there, too; a supervisor has something else to do."""
        if (one := self._by_supervisor.get(leg.id)) is not None:
            one.end("left")

    def gone(self, leg: Leg) -> None:
        """A party ends: supervised, supervising, or neither."""
        if (one := self._by_watched.get(leg.id)) is not None:
            one.end("over", regroup=False)
        elif (one := self._by_supervisor.get(leg.id)) is not None:
            one.end("left")


def supervise(
    by: "LiveCall",
    call: "LiveCall",
    leg: Leg,
    mode: Mode,
    around: Surroundings,
    *,
    ordered_by: str,
    over: Callable[[str], None],
) -> Supervision:
    """Let the caller of `by`, who hears us, supervise a party of another call. `over` is told once, and why.

    Raises Conflict, and Rejected when there are too many mixes.
    """
    may_be_supervised(call, leg, around)
    mixer, supervisor = around.mixer, by.caller_leg
    assert mixer is not None
    if by is call or supervisor.state is not LegState.UP or supervisor.address is None:
        raise Conflict("no-supervisor", "the supervisor is in no other call, in which it hears us")
    watching = around.watching or Supervisions(around)
    one = Supervision(around, mixer, watching, by, leg, mode, ordered_by, over)
    watching.add(one)
    around.publish(
        SupervisionBegan(
            at=around.clock.wall_ms(),
            call=call.call,
            leg=leg.id,
            by=one.account,
            supervisor=by.call,
            mode=mode,
            ordered_by=ordered_by,
        )
    )
    call.note(f"{one.account} supervises {leg.destination}: {mode}")
    partner = call.other(leg)
    if partner is not None:
        call.talk.regroup(leg, partner)
    elif call.conference is not None:
        watching.mixed(call.conference.mix, call.conference.legs)
    return one


def may_be_supervised(call: "LiveCall", leg: Leg, around: Surroundings) -> None:
    """Raises Conflict where a party cannot be: it talks with nobody, its sound goes past us or in a codec that is not
    converted, or another supervises it or whom it talks with."""
    if around.mixer is None:
        raise Conflict("no-mixer", "the media engine does not mix")
    parties = call.parties()
    if leg not in parties or len(parties) < 2:
        raise Conflict("not-talking", "the party talks with nobody")
    known = (*around.media.codecs, *around.media.converts)
    for party in parties:
        if party.address is None:
            raise Conflict("not-through-us", "the sound of the call does not pass through the switch")
        if not media_plan.is_spoken(party, known):
            raise Conflict(
                "codec", f"the sound of {party.destination} is {media_plan.speech(party)}, which is not converted"
            )
        if around.watching is not None and around.watching.watches(party):
            raise Conflict("supervised", f"somebody supervises {party.destination} already")


def party(call: "LiveCall", leg: LegId | None) -> Leg:
    """Whom to supervise in a call: the party that is named, else that of an account, and of two the one that was
    called. Raises NotFound."""
    if leg is not None:
        found = call.legs.get(leg)
        if found is None:
            raise NotFound("leg", leg)
        return found
    parties = call.parties()
    called = [each for each in parties if not each.inbound and each is not call.caller_leg]
    for each in (*called, *parties):
        if each.destination is not None and each.destination.kind == "account":
            return each
    raise NotFound("party of an account in call", call.call)
