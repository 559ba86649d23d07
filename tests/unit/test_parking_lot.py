"""Parking slots."""

import pytest

from softswitch.features.parking.lot import Lot
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId


def test_calls_take_the_lowest_free_slot_and_give_it_back() -> None:
    lot = Lot()
    first, second = (lot.park(CallId(name), "1001", "1002", 1) for name in ("a", "b"))
    assert (first.slot, second.slot) == ("701", "702")
    lot.leave(first)
    assert lot.at("701") is None and lot.at("702") is second
    third = lot.park(CallId("c"), "1001", "1002", 2)
    assert third.slot == "701" and list(lot.all()) == [third, second]
    lot.leave(first)  # again: the slot is another's now
    assert lot.at("701") is third


def test_a_slot_that_is_taken_or_that_there_is_not_is_refused() -> None:
    lot = Lot()
    lot.park(CallId("a"), "1001", "1002", 1, "705")
    for slot, cause in (("705", Cause.USER_BUSY), ("721", Cause.UNALLOCATED_NUMBER), ("x", Cause.UNALLOCATED_NUMBER)):
        with pytest.raises(Rejected) as refused:
            lot.park(CallId("b"), "1001", "1002", 1, slot)
        assert refused.value.cause is cause


def test_a_full_lot_takes_nobody() -> None:
    lot = Lot()
    for number in range(20):
        lot.park(CallId(str(number)), "1001", "1002", 1)
    with pytest.raises(Rejected) as refused:
        lot.park(CallId("x"), "1001", "1002", 1)
    assert refused.value.cause is Cause.SWITCH_CONGESTION
