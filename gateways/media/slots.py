"""Which leg holds which slot of the media engine. Pure."""

from collections import deque

from msgspec import Struct

from softswitch.kernel.ids import LegId


class Slot(Struct, frozen=True, gc=False):
    """A leg's place in the engine: `number` names its port, `epoch` tells this user of it from the last."""

    number: int
    epoch: int


class Slots:
    """A slot that was given back waits behind all others, so that a port rests before its next call: what its
    last party still sends finds nobody."""

    def __init__(self, count: int) -> None:
        self._free = deque(range(count))
        self._held: dict[LegId, Slot] = {}
        self._holders: dict[int, LegId] = {}
        self._epochs = 0

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def __contains__(self, leg: LegId) -> bool:
        return leg in self._held

    def take(self, leg: LegId) -> Slot | None:
        """None when none is free."""
        assert leg not in self._held, f"{leg} has a slot already"
        if not self._free:
            return None
        self._epochs += 1
        slot = Slot(self._free.popleft(), self._epochs)
        self._held[leg] = slot
        self._holders[slot.number] = leg
        return slot

    def of(self, leg: LegId) -> Slot:
        """A leg's slot. A leg without one raises KeyError: a bug of the caller's."""
        return self._held[leg]

    def holder(self, number: int, epoch: int) -> LegId | None:
        """Whose event this is; None when that user of the slot has gone."""
        leg = self._holders.get(number)
        return leg if leg is not None and self._held[leg].epoch == epoch else None

    def give_back(self, leg: LegId) -> Slot | None:
        """None when the leg holds none."""
        slot = self._held.pop(leg, None)
        if slot is not None:
            del self._holders[slot.number]
            self._free.append(slot.number)
        return slot
