from gateways.media.slots import NOWHERE, Slot, Slots
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


def test_what_was_kept_is_nobodys_until_it_is_resumed_or_released() -> None:
    slots: Slots[LegId] = Slots(4, above=100, kept={0: 7, 2: 9})
    assert slots.resume(A, 2)
    assert slots.of(A) == Slot(2, 9)
    assert slots.holder(2, 9) == A
    assert not slots.resume(B, 2), "it was resumed already"
    assert not slots.resume(B, 1), "nobody had kept it"
    assert slots.take(B) == Slot(1, 101)
    assert slots.take(C) == Slot(3, 102)
    assert slots.take(LegId("1.4")) is None, "what is kept is given to nobody"
    assert slots.release() == [0]
    assert slots.take(LegId("1.4")) == Slot(0, 103)
    assert not slots.resume(LegId("1.5"), 0)


def test_who_loses_a_slot_goes_on_without_and_gives_nothing_back() -> None:
    slots: Slots[LegId] = Slots(2, kept={1: 5})
    slots.take(A)
    assert slots.holders() == [A]
    slots.lose()
    assert slots.of(A).number == NOWHERE
    assert (slots.take(B), slots.holders(), slots.holder(0, 1), slots.release()) == (None, [], None, [])
    slots.renew(2, above=50, kept={})
    assert slots.take(B) == Slot(0, 51)
    assert slots.give_back(A) is None
    assert A not in slots
    assert slots.take(A) == Slot(1, 52)
