"""The slots, and who waits in them."""

from collections.abc import Sequence

from msgspec import Struct

from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId

FIRST, LAST = 701, 720


class Parked(Struct, frozen=True, gc=False):
    """A call that waits."""

    slot: str
    call: CallId
    number: str
    """Who waits."""
    by: str
    """The account that parked it, whose phones ring when nobody fetches it."""
    since: int
    """Wall milliseconds."""


class Lot:
    """Slots 701 to 720. Calls end with the process, so their slots are kept in memory."""

    def __init__(self) -> None:
        self._parked: dict[str, Parked] = {}

    def park(self, call: CallId, number: str, by: str, since: int, slot: str = "") -> Parked:
        """Take a slot, the lowest free one where none is named.

        Raises Rejected: USER_BUSY for one that is taken, SWITCH_CONGESTION when all are, UNALLOCATED_NUMBER for a slot
        that there is not.
        """
        slots = [str(each) for each in range(FIRST, LAST + 1)]
        if slot and slot not in slots:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no parking slot {slot}")
        if slot in self._parked:
            raise Rejected(Cause.USER_BUSY, f"somebody is parked at {slot}")
        slot = slot or next((each for each in slots if each not in self._parked), "")
        if not slot:
            raise Rejected(Cause.SWITCH_CONGESTION, "every parking slot is taken")
        parked = self._parked[slot] = Parked(slot, call, number, by, since)
        return parked

    def leave(self, parked: Parked) -> None:
        """The call waits no more."""
        if self._parked.get(parked.slot) is parked:
            del self._parked[parked.slot]

    def at(self, slot: str) -> Parked | None:
        """Who waits at a slot."""
        return self._parked.get(slot)

    def all(self) -> Sequence[Parked]:
        """Everybody, by slot."""
        return [self._parked[slot] for slot in sorted(self._parked)]
