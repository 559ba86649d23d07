"""Which leg holds which slot of the media engine, and which mix. Pure."""

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

Holder = TypeVar("Holder", bound=Hashable)

NOWHERE = 0xFFFF_FFFF
"""The number of a slot whose engine has died: no engine has so many."""


class Slot(Struct, frozen=True, gc=False):
    """A place in the engine: `number` names it (of a leg: its port), `epoch` tells this user of it from the last."""

    number: int
    epoch: int


class Slots(Generic[Holder]):
    """A slot that was given back waits behind all others, so that a port rests before its next call: what its
    last party still sends finds nobody."""

    def __init__(self, count: int, *, above: int = 0, kept: Mapping[int, int] | None = None) -> None:
        """`above`: no epoch up to this one is given again. `kept`: slots that somebody before us holds, by number, with
        their epochs."""
        self._kept = dict(kept or {})
        self._free = deque(number for number in range(count) if number not in self._kept)
        self._held: dict[Holder, Slot] = {}
        self._holders: dict[int, Holder] = {}
        self._epochs = above

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
        return self._hold(holder, Slot(self._free.popleft(), self._epochs))

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
        if slot is None or slot.number == NOWHERE:
            return None
        del self._holders[slot.number]
        self._free.append(slot.number)
        return slot

    # When either side has died -----------------------------------------------------------------------------

    def resume(self, holder: Holder, number: int) -> bool:
        """Hold what was kept; False: it was not, or another has it."""
        epoch = self._kept.pop(number, None)
        if epoch is None:
            return False
        assert holder not in self._held, f"{holder} has a slot already"
        self._hold(holder, Slot(number, epoch))
        return True

    def release(self) -> list[int]:
        """Nobody else resumes: gives the slots that were still kept, which are free from now on."""
        numbers = list(self._kept)
        self._kept.clear()
        self._free.extend(numbers)
        return numbers

    def holders(self) -> list[Holder]:
        """All who hold a slot."""
        return list(self._holders.values())

    def lose(self) -> None:
        """There is no engine any more: nobody can take a slot, and those who had one hold `NOWHERE`."""
        for holder in self._holders.values():
            self._held[holder] = Slot(NOWHERE, 0)
        self._holders.clear()
        self._kept.clear()
        self._free.clear()

    def renew(self, count: int, *, above: int, kept: Mapping[int, int]) -> None:
        """There is another engine."""
        self._kept = dict(kept)
        self._free = deque(number for number in range(count) if number not in self._kept)
        self._epochs = above

    def _hold(self, holder: Holder, slot: Slot) -> Slot:
        self._held[holder] = slot
        self._holders[slot.number] = holder
        return slot
