"""Two established legs: whatever one party offers is put to the other, and its reply brought back.

Hold, resume, a new codec, a new address: all are offers to this machine. One exchange runs at a time; the user
agent below refuses what overlaps on one leg (RFC 3261 section 14), so that only an exchange from the other side
can meet one that is still running here.
"""

from enum import Enum
from typing import NamedTuple

from msgspec import Struct, structs

from softswitch.calls.codec_choice import Codecs
from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, Open
from softswitch.calls.media_plan import answer_to, offer_to, relayed, through
from softswitch.calls.signals import (
    AcceptOffer,
    Confirm,
    Confirmed,
    LegCommand,
    LegSignal,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
    OfferWithdrawn,
    RefuseOffer,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import Direction, MediaDescription


class Send(Struct, frozen=True, gc=False):
    """Effect: give a leg a command."""

    leg: Leg
    command: LegCommand


class Connect(Struct, frozen=True, gc=False):
    """Effect: what is agreed with a leg's party has changed; tell the media engine."""

    leg: Leg


class Held(Struct, frozen=True, gc=False):
    """Effect: a party put the other on hold, or resumed."""

    leg: Leg
    held: bool


Effect = Send | Connect | Held


class _Before(NamedTuple):
    """What held before an offer."""

    asker_said: MediaDescription | None
    asker_was_told: MediaDescription | None
    other_was_told: MediaDescription | None


class State(Enum):
    IDLE = "idle"
    ASKED = "asked"
    """The other party has the offer (or was asked for one)."""
    AWAITING_ANSWER = "awaiting answer"
    """The other party made the offer; the asking one has it and must answer."""
    WITHDRAWN = "withdrawn"
    """The asking party took its offer back, and the other one's reply is still due."""
    RESTORING = "restoring"
    """The other party had agreed already; it is offered again what held before."""


class Relay:
    """The exchange of offers between two legs. Returns what should be done."""

    def __init__(self, a: Leg, b: Leg, *, music: bool = False, able: Codecs = ()) -> None:
        """`music`: whether a party on hold hears ours. `able`: what we convert between."""
        self._a, self._b = a, b
        self._able = able
        self._music = music
        self._asker = a
        self._late = False
        self._before: _Before | None = None
        """What held before the last offer, while that may come to nothing."""
        self.state = State.IDLE

    def receive(self, leg: Leg, signal: LegSignal) -> list[Effect]:
        """A leg's signal; those that are no part of an exchange of offers have no effect here."""
        match self.state, signal:
            case State.IDLE, Offered(media, at_once) if leg.open is self.other(leg).open is Open.NOTHING:
                return self._ask(leg, media, at_once)
            case _, Offered():
                # RFC 3261 section 14.2: a second offer before the first is answered meets 491.
                return [Send(leg, RefuseOffer(Cause.TEMPORARY_FAILURE, 491))]
            case State.ASKED, OfferAnswered(media) if leg is not self._asker:
                if media is None:  # a 2xx without a description settles nothing
                    return self._refuse(Cause.PROTOCOL_ERROR, 488)
                return self._bring_back(media)
            case State.ASKED, OfferRefused(cause, status) if leg is not self._asker:
                return self._refuse(cause, status)
            case State.AWAITING_ANSWER, Confirmed(media) if leg is self._asker and media is not None:
                return self._settle(media)
            case _, OfferWithdrawn() if leg is self._asker and self._before is not None:
                return self._withdraw()
            case State.WITHDRAWN, OfferAnswered(media) if leg is not self._asker:
                return self._restore(media)
            case State.RESTORING, OfferAnswered(media) if leg is not self._asker:
                return self._restored(media)
            case ((State.WITHDRAWN | State.RESTORING), OfferRefused()) if leg is not self._asker:
                self.state = State.IDLE
                return []
            case _:
                return []

    def await_answer(self, asker: Leg) -> None:
        """The other party made an offer that `asker` was told and has yet to answer (late offer)."""
        self._asker, self._late, self.state = asker, True, State.AWAITING_ANSWER

    def between(self, a: Leg, b: Leg) -> bool:
        """Whether these are the two legs."""
        return self._a is a and self._b is b

    @property
    def legs(self) -> tuple[Leg, Leg]:
        return self._a, self._b

    def holds(self, leg: Leg) -> bool:
        """Whether this is one of the legs."""
        return leg is self._a or leg is self._b

    def awaits(self, leg: Leg) -> bool:
        """Whether it is this leg that must answer the offer it was told."""
        return self.state is State.AWAITING_ANSWER and leg is self._asker

    def other(self, leg: Leg) -> Leg:
        """The one that is not this one."""
        return self._b if leg is self._a else self._a

    def abandon(self) -> list[Effect]:
        """The two part: what is open between them is brought to an end, or left on the leg as our own."""
        state, self.state = self.state, State.IDLE
        asker, asked = self._asker, self.other(self._asker)
        effects: list[Effect] = []
        if state is State.ASKED:
            asked.open = Open.REQUEST if self._late else Open.OFFER
            again = not over(asked)  # who asked may ask whoever is there next
            status = 491 if again else 488
            effects.append(Send(asker, RefuseOffer(Cause.TEMPORARY_FAILURE if again else Cause.INTERWORKING, status)))
        elif state in (State.WITHDRAWN, State.RESTORING):
            asked.open = Open.REQUEST if self._late and state is State.WITHDRAWN else Open.OFFER
        elif state is State.AWAITING_ANSWER:
            asker.open = Open.ANSWER
            if asked.remote is not None:
                # Its offer must be answered now (RFC 3261 section 13.2.2.4), and taking it whole is an answer.
                address = asked.address or asked.remote.address
                reply = through(asked.remote, address)
                asked.local = structs.replace(reply, direction=reply.direction.reversed)
                effects.append(Send(asked, Confirm(asked.local)))
        return [effect for effect in effects if not over(effect.leg)]

    def _refuse(self, cause: Cause, status: int) -> list[Effect]:
        self.state = State.IDLE
        self._go_back()
        return [Send(self._asker, RefuseOffer(cause, status))]

    def _ask(self, asker: Leg, offered: MediaDescription | None, at_once: bool) -> list[Effect]:
        other = self.other(asker)
        self._asker, self._before = asker, _Before(asker.remote, asker.local, other.local)
        self.state = State.ASKED
        if offered is None:
            self._late = True
            return [Send(other, Offer(None))]
        self._late = False
        asker.remote = offered
        other.local = relayed(other, offered, self._able, asker.codecs, music=self._music)
        return [Send(other, Offer(other.local, at_once))]

    def _go_back(self) -> None:
        """What held before the offer holds again, as far as the asking party and our words to the other go."""
        if self._before is not None:
            asker = self._asker
            asker.remote, asker.local, self.other(asker).local = self._before
            self._before = None

    def _withdraw(self) -> list[Effect]:
        """The asking party hears nothing of what comes or came of its offer."""
        if self.state is State.ASKED:
            self.state = State.WITHDRAWN
            self._go_back()
            return []
        answer_due = self.state is State.AWAITING_ANSWER
        self._go_back()
        return self._answer_for_asker() if answer_due else self._offer_again()

    def _restore(self, replied: MediaDescription | None) -> list[Effect]:
        """The other party agreed to what was taken back meanwhile."""
        if replied is not None:
            self.other(self._asker).remote = replied
            if self._late:
                return self._answer_for_asker()
        return self._offer_again()

    def _answer_for_asker(self) -> list[Effect]:
        """The other party's offer must be answered: with what the asking one had last said."""
        assert self._asker.remote is not None, "an established party has said what it hears"
        return self._settle(self._asker.remote)

    def _offer_again(self) -> list[Effect]:
        """The other party must come back to what held before."""
        asker, other = self._asker, self.other(self._asker)
        assert asker.remote is not None, "an established party has said what it hears"
        self.state = State.RESTORING
        other.local = relayed(other, asker.remote, self._able, asker.codecs, music=self._music)
        return [Send(other, Offer(other.local))]

    def _restored(self, replied: MediaDescription | None) -> list[Effect]:
        asker, other = self._asker, self.other(self._asker)
        self.state = State.IDLE
        other.remote = replied or other.remote
        return [Connect(asker), Connect(other), *_held(asker), *_held(other)]

    def _bring_back(self, replied: MediaDescription) -> list[Effect]:
        asker, other = self._asker, self.other(self._asker)
        other.remote = replied
        if self._late:
            asker.local = offer_to(asker, replied, self._able, other.codecs)
            self.state = State.AWAITING_ANSWER
            return [Send(asker, AcceptOffer(asker.local))]
        asker.local = answer_to(asker, replied, self._able)
        if asker.remote is not None and asker.remote.direction is Direction.INACTIVE:
            # RFC 3264 section 6.1: "If a stream is offered as inactive, it MUST be answered as inactive."
            asker.local = structs.replace(asker.local, direction=Direction.INACTIVE)
        self.state = State.IDLE
        return [Send(asker, AcceptOffer(asker.local)), Connect(asker), Connect(other), *_held(asker), *_held(other)]

    def _settle(self, answered: MediaDescription) -> list[Effect]:
        asker, other = self._asker, self.other(self._asker)
        self.state = State.IDLE
        self._before = None
        asker.remote = answered
        other.local = answer_to(other, answered, self._able)
        return [Send(other, Confirm(other.local)), Connect(asker), Connect(other), *_held(asker), *_held(other)]


def _held(leg: Leg) -> list[Effect]:
    """The change of hold that a leg's newest description means, if any."""
    holds = leg.remote is not None and leg.remote.on_hold
    if holds == leg.held:
        return []
    leg.held = holds
    return [Held(leg, holds)]
