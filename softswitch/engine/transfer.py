"""Transfers: a party of a call is to talk with somebody else.

A *blind* transfer gives the call another life: the party that stays becomes its caller and is routed to the target, in
the dial plan context and with the rights of the account that asked. Until the target answers, who asked may stay, and
gets the party back if nothing comes of it; when it has hung up already, its phones are rung.

An *attended* transfer moves a leg: the party that stays goes over to the other call of who asked, and takes its place
there, whatever that place is: talking with somebody, ringing somebody, or hearing an application.
"""

from functools import partial
from typing import TYPE_CHECKING

from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Origin, TransferAsked, TransferProgress
from softswitch.engine.caller import Refer
from softswitch.engine.surroundings import Surroundings
from softswitch.events import TransferBegan, TransferCompleted, TransferFailed
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Rejected
from softswitch.kernel.ids import CallId, LegId

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall


class Transfer:
    """One under way: who asked, and is told what becomes of it."""

    __slots__ = ("_around", "_asked", "_call", "_rang", "by", "recall", "referrer", "settled")

    def __init__(self, around: Surroundings, call: CallId, by: Leg | None, asked: LegId) -> None:
        self._around = around
        self._call = call
        self._asked = asked
        self._rang = False
        self.by = by
        """Who asked, as long as it is there to take the party back; None: an administrator, who takes nobody back."""
        self.recall: Destination | None = by.destination if by is not None else None
        """Whose phones ring when nobody takes the party."""
        self.referrer: Party | None = None
        """The account that asked, as the target is told of it."""
        if self.recall is not None and self.recall.kind == "account":
            self.referrer = Party(self.recall.name)
        self.settled = False

    @property
    def asked(self) -> LegId:
        """The leg that is told what becomes of it."""
        return self._asked

    def began(self, kind: str, target: str) -> None:
        self._around.publish(
            TransferBegan(at=self._around.clock.wall_ms(), call=self._call, by=self._asked, kind=kind, target=target)
        )
        self._tell(TransferProgress(100))

    def rang(self) -> None:
        """The target rings."""
        if not self._rang and not self.settled:
            self._rang = True
            self._tell(TransferProgress(180))

    def completed(self) -> None:
        """The target took the party: who asked is told, and let go."""
        if self.settled:
            return
        self.settled = True
        self._around.publish(TransferCompleted(at=self._around.clock.wall_ms(), call=self._call, by=self._asked))
        self._tell(TransferProgress(200))

    def failed(self, cause: Cause, status: int | None) -> None:
        """The target did not."""
        if self.settled:
            return
        self.settled = True
        self._around.publish(
            TransferFailed(at=self._around.clock.wall_ms(), call=self._call, by=self._asked, cause=cause, status=status)
        )
        self._tell(TransferProgress(status if status is not None and status >= 300 else 0, cause))

    def _tell(self, progress: TransferProgress) -> None:
        # Also when its leg has ended: whoever sent a REFER and hung up is still told.
        self._around.signalling.send(self._asked, progress)


def asked(call: "LiveCall", leg: Leg, asked: TransferAsked, around: Surroundings) -> None:
    """A party asks for a transfer of whom it talks with."""
    account = leg.destination
    origin = around.origin_of(account.name) if account is not None and account.kind == "account" else None
    if origin is None:
        # Whoever is called from outside could make us call whom it likes, at our cost.
        _refuse(call, leg, around, Cause.CALL_REJECTED, 403, "only an account may")
        return
    if call.transfer is not None and not call.transfer.settled:
        _refuse(call, leg, around, Cause.TEMPORARY_FAILURE, 491, "another is under way")
        return
    if asked.replaces is not None:
        call.talk.when_quiet(partial(_attended, call, leg, asked.replaces, around))
    else:
        call.talk.when_quiet(partial(blind, call, leg, asked.target, origin, around))


def brought_in(call: "LiveCall", leg: Leg, asked: TransferAsked, refer: Refer, around: Surroundings) -> None:
    """A party in a conference room wants somebody else there, too (RFC 4579 section 5.5)."""

    def told(status: int) -> None:
        around.signalling.send(leg.id, TransferProgress(status))

    if asked.replaces is not None:
        _refuse(call, leg, around, Cause.FACILITY_REJECTED, 501, "a room takes no call in place of another")
        return
    try:
        refer(asked.target, told)
    except Conflict as conflict:
        _refuse(call, leg, around, Cause.CALL_REJECTED, 403, str(conflict))


def by_administrator(call: "LiveCall", stays: Leg, target: str, around: Surroundings) -> None:
    """Blind, for a party that talks with another. Raises Conflict."""
    other = call.other(stays)
    if other is None or (call.transfer is not None and not call.transfer.settled):
        raise Conflict("not-talking", "the party talks with nobody, or is being transferred already")
    account = other.destination
    rights = around.origin_of(account.name) if account is not None and account.kind == "account" else None
    blind(call, other, target, rights or call.origin, around)


def _refuse(call: "LiveCall", leg: Leg, around: Surroundings, cause: Cause, status: int, why: str) -> None:
    call.note(f"no transfer: {why}")
    around.signalling.send(leg.id, TransferProgress(status, cause))


def blind(call: "LiveCall", by: Leg, target: str, origin: Origin, around: Surroundings) -> None:
    """Whom a party talks with goes to a number, in the name of `origin`."""
    stays = call.other(by)
    if over(by) or stays is None:
        _refuse(call, by, around, Cause.NORMAL_UNSPECIFIED, 603, "there is nobody to transfer")
        return
    transfer = Transfer(around, call.call, by, by.id)
    transfer.began("blind", target)
    call.send_on(stays, target, transfer, origin)


def _attended(call: "LiveCall", by: Leg, replaced: LegId, around: Surroundings) -> None:
    target = call.legs.owner_of(replaced)
    if call.other(by) is None:
        _refuse(call, by, around, Cause.NORMAL_UNSPECIFIED, 603, "there is nobody to transfer")
    elif target is None or target is call:
        _refuse(call, by, around, Cause.NO_ROUTE_TO_DESTINATION, 481, "there is no such call")
    else:
        target.talk.when_quiet(partial(_move, call, by, target, replaced, around))


def _move(call: "LiveCall", by: Leg, target: "LiveCall", replaced: LegId, around: Surroundings) -> None:
    """The party that `by` talks with goes over to `target`, in the place of the leg there that is `by`'s, too."""
    stays, place = call.other(by), target.legs.get(replaced)
    if over(by) or stays is None:
        _refuse(call, by, around, Cause.NORMAL_UNSPECIFIED, 603, "there is nobody to transfer")
        return
    if place is None or not target.has_place(place):
        _refuse(call, by, around, Cause.NO_ROUTE_TO_DESTINATION, 481, "the other call is over")
        return
    if place.destination != by.destination:
        _refuse(call, by, around, Cause.CALL_REJECTED, 403, "the other call is another account's")
        return
    bring(call, stays, by, target, place, around)


def bring(call: "LiveCall", stays: Leg, by: Leg, target: "LiveCall", place: Leg, around: Surroundings) -> None:
    """A party of a call goes over to another call and takes a place there, because `by`, who has it, wants that."""
    transfer = Transfer(around, call.call, by, by.id)
    transfer.began("attended", target.call)
    if target.answered_at is None and (target.transfer is None or target.transfer.settled):
        # Its target still rings: if nobody answers, the phones of who asked do.
        target.transfer = Transfer(around, target.call, by, place.id)
        target.transfer.began("attended", target.to.number)
    transfer.completed()
    call.leave(stays, target)
    try:
        target.take_place(place, stays)
    except Rejected as rejected:
        target.note(str(rejected))
        target.hang_up(rejected.cause)


def replace(call: "LiveCall", leg: Leg, replaced: LegId, around: Surroundings) -> None:
    """A party that calls takes the place of another leg (RFC 3891), if it may.

    It may where that leg is of the same account, or its account is a party of that call; or where the leg is a phone
    that rings and may be picked up.
    """
    target = call.legs.owner_of(replaced)
    place = target.legs.get(replaced) if target is not None else None
    if target is None or place is None or not target.has_place(place):
        call.refuse(Cause.NO_ROUTE_TO_DESTINATION, 481, "the call to be taken over is over")
        return
    pickup = place.state is not LegState.UP
    parties = {party.destination for party in target.legs if party is place or not pickup}
    if leg.destination is None or leg.destination.kind != "account":
        allowed = False
    else:
        allowed = leg.destination in parties or (
            pickup and place.destination is not None and around.may_pick_up(leg.destination.name, place.destination)
        )
    if not allowed:
        call.refuse(Cause.CALL_REJECTED, 403, f"{leg.destination} may not take over that call")
        return
    target.talk.when_quiet(partial(take_over, call, leg, target, place, around))


def pick_up(call: "LiveCall", target: "LiveCall", ringing: Leg, around: Surroundings) -> None:
    """The caller of a call that was not answered yet answers a phone that rings in another."""
    target.talk.when_quiet(partial(take_over, call, call.caller_leg, target, ringing, around))


def fetch(call: "LiveCall", target: "LiveCall", around: Surroundings) -> None:
    """The caller of a call talks with the caller of another, who waits there for nobody in particular."""
    leg = call.caller_leg
    transfer = Transfer(around, target.call, None, target.caller_leg.id)
    transfer.began("parked", leg.party.number)
    call.leave(leg, target)
    try:
        target.meet(leg)
    except Rejected as rejected:
        target.note(str(rejected))
        target.hang_up(rejected.cause)
    transfer.completed()


def take_over(call: "LiveCall", leg: Leg, target: "LiveCall", place: Leg, around: Surroundings) -> None:
    """The caller of a call goes over to another call, in the place of a party there, which is let go."""
    if over(leg):
        return
    if not target.has_place(place):
        call.refuse(Cause.NO_ROUTE_TO_DESTINATION, 481, "the call to be taken over is over")
        return
    transfer = Transfer(around, target.call, None, place.id)
    transfer.began("replaced" if place.state is LegState.UP else "pickup", leg.party.number)
    call.leave(leg, target)
    try:
        target.take_place(place, leg)
    except Rejected as rejected:
        target.note(str(rejected))
        target.hang_up(rejected.cause)
    transfer.completed()
