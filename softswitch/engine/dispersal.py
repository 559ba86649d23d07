"""The parties of a call go to one destination, each by itself: into a conference room, say."""

from typing import TYPE_CHECKING

from softswitch.calls.leg import Leg
from softswitch.calls.signals import Origin
from softswitch.engine.surroundings import Surroundings
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall


def disperse(call: "LiveCall", destination: Destination, around: Surroundings) -> None:
    """One of them goes on in this call, each other in one of its own.

    Raises Conflict where nobody has answered, or a party is being transferred or asks somebody.
    """
    if call.transfer is not None and not call.transfer.settled:
        raise Conflict("transfer", "a party is being transferred")
    if call.consultation is not None:
        raise Conflict("consultation", "a party asks somebody")
    parties = call.parties()
    if not parties:
        raise Conflict("not-talking", "nobody has answered")
    if call.conference is not None:
        call.conference.close()
        call.conference = None
    elif len(parties) == 2:
        call.talk.part(*parties)
    stays, *others = parties
    call.note(f"its parties go to {destination}")
    for leg in others:
        around.new_call(_rights(leg, call, around)).take_from(call, leg, destination)
    call.hand_to(stays, destination)


def _rights(leg: Leg, call: "LiveCall", around: Surroundings) -> Origin:
    account = leg.destination
    own = around.origin_of(account.name) if account is not None and account.kind == "account" else None
    return own or call.origin
