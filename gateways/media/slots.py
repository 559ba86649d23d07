"""Which leg holds which slot of the media engine, and which mix. Pure."""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

Holder = TypeVar("Holder", bound=Hashable)


class Slot(Struct, frozen=True, gc=False):
    """A place in the engine: `number` names it (of a leg: its port), `epoch` tells this user of it from the last."""

    number: int
    epoch: int


class Slots(Generic[Holder]):
    """A slot that was given back waits behind all others, so that a port rests before its next call: what its
    last party still sends finds nobody."""

    def __init__(self, count: int) -> None:
        self._free = deque(range(count))
        self._held: dict[Holder, Slot] = {}
        self._holders: dict[int, Holder] = {}
        self._epochs = 0

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def __contains__(self, holder: Holder) -> bool:
        return holder in self._held

    def take(self, holder: Holder) -> Slot | None:
        """None when none is free."""
        assert holder not in self._held, f"{holder} has a slot already"
        if not self._free:
            return None
        self._epochs += 1
        slot = Slot(self._free.popleft(), self._epochs)
        self._held[holder] = slot
        self._holders[slot.number] = holder
        return slot

    def of(self, holder: Holder) -> Slot:
        """Its slot. To have none raises KeyError: a bug of the caller's."""
        return self._held[holder]

    def holder(self, number: int, epoch: int) -> Holder | None:
        """Whose event this is; None when that user of the slot has gone."""
        holder = self._holders.get(number)
        return holder if holder is not None and self._held[holder].epoch == epoch else None

    def at(self, number: int) -> Holder | None:
        """Who holds a slot now."""
        return self._holders.get(number)

    def give_back(self, holder: Holder) -> Slot | None:
        """None when it holds none."""
        slot = self._held.pop(holder, None)
        if slot is not None:
            del self._holders[slot.number]
            self._free.append(slot.number)
        return slot
