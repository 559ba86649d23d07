"""What the people behind model phones do: drawn at random from a seed, written down, then done on time."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from tests.support.phone_calls import PhoneCall

Offers = tuple[tuple[float, str], ...]
"""Seconds after the answer, and the direction that is then offered by re-INVITE; `""`: let the other side offer."""


@dataclass(frozen=True)
class CallerScript:
    """Someone dials."""

    number: str
    patience: float = 50.0
    """Seconds until the caller gives up on a call that nobody answered."""
    talk: float = 10.0
    """Seconds after the answer at which the caller hangs up."""
    offer: bool = True
    offers: Offers = ()
    refuse_offers: int = 0
    answer_delay: float = 0.0

    def play(self, call: PhoneCall, loop: asyncio.AbstractEventLoop) -> None:
        """Carry the script out on a call that was just placed."""
        call.refuse_offers, call.answer_delay = self.refuse_offers, self.answer_delay
        give_up = loop.call_later(self.patience, call.cancel)
        _once_up(call, loop, give_up, self.talk, self.offers)


@dataclass(frozen=True)
class CalleeScript:
    """Someone's phone is called."""

    ring_after: float | None = 0.1
    """None: no 180 at all."""
    early_media: bool = False
    then: str = "answer"
    """`answer`, `refuse`, `never`."""
    after: float = 2.0
    """Seconds from the INVITE to the answer or refusal."""
    status: int = 486
    talk: float = 30.0
    offers: Offers = ()
    refuse_offers: int = 0
    answer_delay: float = 0.0

    def play(self, call: PhoneCall, loop: asyncio.AbstractEventLoop) -> None:
        """Carry the script out on a call that just came in."""
        call.refuse_offers, call.answer_delay = self.refuse_offers, self.answer_delay
        if self.ring_after is not None:
            loop.call_later(self.ring_after, lambda: call.ring(early_media=self.early_media))
        if self.then == "answer":
            loop.call_later(self.after, call.answer)
        elif self.then == "refuse":
            extra = "Contact: <sip:elsewhere@10.9.9.9>" if self.status == 302 else ""
            loop.call_later(self.after, lambda: call.refuse(self.status, extra))
        _once_up(call, loop, None, self.talk, self.offers)


def _once_up(
    call: PhoneCall, loop: asyncio.AbstractEventLoop, give_up: asyncio.TimerHandle | None, talk: float, offers: Offers
) -> None:
    timers: list[asyncio.TimerHandle] = [give_up] if give_up else []

    def changed(call: PhoneCall) -> None:
        if call.state == "up" and len(timers) == (1 if give_up else 0):
            timers.append(loop.call_later(talk, call.hang_up))
            for at, direction in offers:
                timers.append(loop.call_later(at, _offer, call, direction))
        elif call.state == "over":
            for timer in timers:
                timer.cancel()

    call.on_change.append(changed)


def _offer(call: PhoneCall, direction: str) -> None:
    if call.phone.sees and call.phone.random.random() < 0.3:
        call.offers.shows = not call.offers.shows
    if direction:
        call.offer_again(direction)
    else:
        call.offer_again(offer=False)


@dataclass(frozen=True)
class Habits:
    """How likely people of one run are to do what: drawn once a run, so that runs differ in kind (swarm testing)."""

    random: Random = field(repr=False)
    answers: float = 0.7
    refuses: float = 0.6
    """Of those who do not answer."""
    impatient: float = 0.25
    late_offers: float = 0.15
    negotiates: float = 0.3
    refuses_offers: float = 0.1
    early: float = 0.15
    in_step: bool = False
    """Whether both sides negotiate on the full second, and so often at once."""

    @staticmethod
    def draw(chance: Random) -> "Habits":
        def some(most: float) -> float:
            return chance.random() * most if chance.random() < 0.7 else 0.0

        return Habits(
            chance,
            answers=0.3 + 0.7 * chance.random(),
            refuses=chance.random(),
            impatient=some(0.7),
            late_offers=some(0.4),
            negotiates=some(1.0),
            refuses_offers=some(0.4),
            early=some(0.5),
            in_step=chance.random() < 0.4,
        )

    def _offers(self, talk: float) -> Offers:
        chance = self.random
        if chance.random() >= self.negotiates:
            return ()
        kinds = ("sendonly", "sendrecv", "inactive", "sendrecv", "")
        times = [chance.random() * talk for _ in range(chance.randint(1, 4))]
        return tuple(sorted((float(round(at)) if self.in_step else at, chance.choice(kinds)) for at in times))

    def _ways(self) -> tuple[int, float]:
        """How this person takes re-INVITEs: a status to refuse with, and the delay of the reply."""
        chance = self.random
        refuse = 488 if chance.random() < self.refuses_offers else 0
        return refuse, chance.choice((0.0, 0.0, chance.random() * 3))

    def caller(self, number: str) -> CallerScript:
        chance = self.random
        patience = chance.random() * 8 if chance.random() < self.impatient else 40 + chance.random() * 20
        talk = chance.choice((chance.random() * 0.5, chance.random() * 30, chance.random() * 120))
        return CallerScript(
            number, patience, talk, chance.random() >= self.late_offers, self._offers(talk), *self._ways()
        )

    def callee(self) -> CalleeScript:
        chance = self.random
        then = "answer"
        if chance.random() >= self.answers:
            then = "refuse" if chance.random() < self.refuses else "never"
        ring_after = chance.choice((None, 0.0, chance.random() * 2))
        talk = chance.choice((chance.random() * 0.5, chance.random() * 60, chance.random() * 120))
        return CalleeScript(
            ring_after,
            chance.random() < self.early,
            then,
            chance.choice((chance.random() * 0.3, chance.random() * 15)),
            chance.choice((486, 603, 480, 404, 302, 500, 503)),
            talk,
            self._offers(talk),
            *self._ways(),
        )
