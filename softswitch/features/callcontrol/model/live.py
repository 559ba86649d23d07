"""A live call at a glance."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from softswitch.events import (
    CallAnswered,
    CallerIdentified,
    CallFact,
    CallOffered,
    CallRouted,
    LegAnswered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegHeld,
    LegMoved,
    LegRang,
    LegResumed,
)
from softswitch.kernel.ids import CallId, LegId

CallState = Literal["routing", "ringing", "talking", "held"]
LegState = Literal["invited", "ringing", "up", "ended"]


@dataclass
class LegView:
    """One party's half of a call, now."""

    leg: LegId
    role: Literal["caller", "called"]
    destination: str
    """What it belongs to: `account/1002`; for the caller, its origin."""
    number: str
    target: str
    started_at: int
    state: LegState = "invited"
    answered_at: int | None = None
    held: bool = False
    """Whether this party has put the other on hold."""


@dataclass
class CallView:
    """A call, now. Times are wall milliseconds."""

    call_id: CallId
    from_number: str
    from_name: str
    to_number: str
    origin: str
    context: str
    started_at: int
    destination: str | None = None
    """Where it was last sent."""
    answered_at: int | None = None
    legs: dict[LegId, LegView] = field(default_factory=dict)
    own: bool = False
    """Whether the switch makes it: it rings the caller first."""

    @property
    def state(self) -> CallState:
        if self.answered_at is not None:
            return "held" if any(leg.held for leg in self.legs.values()) else "talking"
        return "ringing" if any(leg.state == "ringing" for leg in self.legs.values()) else "routing"


def view(facts: Iterable[CallFact]) -> CallView | None:
    """What a call's facts say of it now; None before its `CallOffered`."""
    call: CallView | None = None
    for fact in facts:
        if isinstance(fact, CallOffered):
            origin = f"{fact.origin_kind}/{fact.origin}"
            call = CallView(fact.call, fact.from_number, fact.from_name, fact.to_number, origin, fact.context, fact.at)
            call.legs[fact.leg] = LegView(fact.leg, "caller", origin, fact.from_number, fact.source, fact.at)
        elif call is not None:
            _apply(call, fact)
    return call


def _apply(call: CallView, fact: CallFact) -> None:
    role: Literal["caller", "called"]
    match fact:
        case CallRouted(destination=destination):
            call.destination = str(destination) if destination is not None else None
        case CallerIdentified(from_number=from_number, to_number=to_number):
            call.from_number, call.to_number = from_number, to_number
        case CallAnswered():
            call.answered_at = call.answered_at or fact.at
            caller = next(leg for leg in call.legs.values() if leg.role == "caller")
            caller.state, caller.answered_at = "up", caller.answered_at or fact.at
        case LegDialed(leg=leg):
            role = "called"
            if leg in call.legs:
                role, call.own = call.legs[leg].role, True
            call.legs[leg] = LegView(leg, role, str(fact.destination), fact.number, fact.target, fact.at)
        case LegArrived(leg=leg):
            # Who comes back, or comes to ask somebody, is whom the call was said to be from.
            role = call.legs[leg].role if leg in call.legs else "called"
            call.legs[leg] = LegView(leg, role, str(fact.destination), fact.number, "", fact.at)
            if fact.up:
                call.legs[leg].state, call.legs[leg].answered_at = "up", fact.at
        case LegMoved(leg=leg) if leg in call.legs:
            call.legs[leg].state = "ended"
        case LegRang(leg=leg) | LegAnswered(leg=leg) | LegHeld(leg=leg) | LegResumed(leg=leg) | LegEnded(leg=leg):
            party = call.legs.get(leg)
            if party is None:
                return
            match fact:
                case LegRang():
                    party.state = "ringing"
                case LegAnswered():
                    if call.own and all(leg.answered_at is None for leg in call.legs.values()):
                        # Of the phones that were rung first, the one that answered is the caller's.
                        for each in call.legs.values():
                            each.role = "caller" if each is party else "called"
                    party.state, party.answered_at = "up", fact.at
                case LegHeld():
                    party.held = True
                case LegResumed():
                    party.held = False
                case LegEnded():
                    party.state, party.held = "ended", False
