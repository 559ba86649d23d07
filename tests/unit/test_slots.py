from gateways.media.slots import Slot, Slots
from softswitch.kernel.ids import LegId

A, B, C = LegId("1.1"), LegId("1.2"), LegId("1.3")


def test_a_slot_given_back_waits_behind_all_others() -> None:
    slots: Slots[LegId] = Slots(3)
    assert slots.take(A) == Slot(0, 1)
    slots.give_back(A)
    assert [slots.take(leg) for leg in (A, B, C)] == [Slot(1, 2), Slot(2, 3), Slot(0, 4)]


def test_when_none_is_free_there_is_none() -> None:
    slots: Slots[LegId] = Slots(1)
    slots.take(A)
    assert slots.take(B) is None
    assert len(slots) == 1


def test_an_event_of_a_slots_last_user_is_nobodys() -> None:
    slots: Slots[LegId] = Slots(1)
    slots.take(A)
    slots.give_back(A)
    assert slots.holder(0, 1) is None
    slots.take(B)
    assert slots.holder(0, 1) is None
    assert slots.holder(0, 2) == B
    assert slots.holder(7, 1) is None


def test_giving_back_twice_does_nothing() -> None:
    slots: Slots[LegId] = Slots(1)
    slots.take(A)
    assert slots.give_back(A) is not None
    assert slots.give_back(A) is None
    assert slots.take(B) is not None
