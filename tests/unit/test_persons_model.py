"""Who of a person's devices rings: the one pure decision."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.features.persons.model import AccountState, Device, Person, Situation, checked, decide, final_step
from softswitch.features.persons.model.document import STRATEGIES, is_among
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound
from softswitch.kernel.opening import Opening


def situation(caller: str = "1009", **changes: Any) -> Situation:
    def opening(name: str, at: int) -> Opening:
        if name != "office":
            raise NotFound("calendar", name)
        return Opening(at < 100, "by the test")

    states = changes.get("states", {})
    return Situation(
        changes.get("at", 0),
        caller,
        changes.get("own", ""),
        lambda account: states.get(account, AccountState()),
        lambda trunk, number: None if trunk == "good" else f"trunk {trunk}: it is disabled",
        opening,
    )


def only(device: Device, now: Situation) -> str | None:
    """Why the only device of a person does not ring; None: it rings."""
    decision = decide(Person(number="7001", devices=(device,)), now)
    if decision.turns:
        assert decision.turns == ((device,),)
        return None
    (step,) = decision.steps[1:]
    assert (step.rule, step.result) == (f"person/7001.{device.name}", "skipped")
    return step.reason


@pytest.mark.parametrize(
    ("fields", "now", "why"),
    [
        ({}, situation(), None),
        ({"enabled": False}, situation(), "it is switched off"),
        ({}, situation("1001", own="1001"), "1001 is who calls"),
        ({}, situation("1002", own="1002"), None),
        ({"callers": ("10*",)}, situation("1009"), None),
        ({"callers": ("10*",)}, situation("2009"), "it does not ring for 2009"),
        ({"callers": ("10*",)}, situation(""), "it does not ring for a hidden number"),
        ({"callers": ("anonymous",)}, situation(""), None),
        ({"not_callers": ("anonymous", "2009")}, situation(""), "it never rings for a hidden number"),
        ({"not_callers": ("anonymous", "2009")}, situation("2009"), "it never rings for 2009"),
        ({"not_callers": ("anonymous", "2009")}, situation("20091"), None),
        ({"while_open": "office"}, situation(), None),
        ({"while_open": "office"}, situation(at=100), "calendar office is closed (by the test)"),
        ({"while_closed": "office"}, situation(at=100), None),
        ({"while_closed": "office"}, situation(), "calendar office is open (by the test)"),
        ({"while_closed": "shop"}, situation(), "there is no calendar 'shop'"),
        ({}, situation(states={"1001": None}), "there is no account 1001"),
        ({}, situation(states={"1001": AccountState(enabled=False)}), "account 1001 is disabled"),
        ({}, situation(states={"1001": AccountState(registered=False)}), "no phone of 1001 is registered"),
        ({}, situation(states={"1001": AccountState(busy=True)}), None),
        ({"skip_when": ("busy",)}, situation(states={"1001": AccountState(busy=True)}), "1001 is on a call"),
        (
            {},
            situation(states={"1001": AccountState(busy=True, second_call=False)}),
            "1001 is on a call and takes no second one",
        ),
        ({}, situation(states={"1001": AccountState(second_call=False)}), None),
        (
            {},
            situation(states={"1001": AccountState(do_not_disturb=True)}),
            "1001 does not want to be disturbed",
        ),
        ({"skip_when": ()}, situation(states={"1001": AccountState(do_not_disturb=True)}), None),
        ({}, situation(states={"1001": AccountState(away="meal")}), None),
        ({"skip_when": ("away",)}, situation(states={"1001": AccountState(away="meal")}), "1001 is away (meal)"),
        (
            {},
            situation("", states={"1001": AccountState(refuses_hidden=True)}),
            "1001 takes no calls from hidden numbers",
        ),
        ({}, situation(states={"1001": AccountState(refuses_hidden=True)}), None),
        ({"account": "", "trunk": "good", "number": "1"}, situation(), None),
        ({"account": "", "trunk": "bad", "number": "1"}, situation(), "trunk bad: it is disabled"),
    ],
)
def test_a_device_rings_or_it_is_said_why_not(fields: dict[str, Any], now: Situation, why: str | None) -> None:
    assert only(Device(**{"name": "desk", "account": "1001", **fields}), now) == why


def test_the_strategy_makes_the_turns() -> None:
    devices = tuple(
        Device(name=name, account=name, order=order) for name, order in (("c", 3), ("a", 1), ("b", 1), ("d", 4))
    )
    for strategy, turns in (
        ("simultaneous", [["c", "a", "b", "d"]]),
        ("sequential", [["a", "b"], ["c"], ["d"]]),
        ("cyclic", [["a", "b"], ["c"], ["d"]]),
    ):
        decision = decide(checked(Person(number="7", strategy=strategy, devices=devices)), situation())
        assert [[device.name for device in turn] for turn in decision.turns] == turns


_devices = st.builds(
    Device,
    name=st.text("abcdefgh", min_size=1, max_size=4),
    account=st.sampled_from(["1001", "1002", "1003"]),
    enabled=st.booleans(),
    order=st.integers(1, 4),
    while_open=st.sampled_from(["", "office"]),
    not_callers=st.sampled_from([(), ("1009",), ("anonymous",)]),
    skip_when=st.sets(st.sampled_from(["busy", "do-not-disturb", "away"])).map(tuple),
)
_states = st.dictionaries(
    st.sampled_from(["1001", "1002", "1003"]),
    st.builds(AccountState, registered=st.booleans(), busy=st.booleans(), do_not_disturb=st.booleans()),
)


@given(
    st.lists(_devices, max_size=8, unique_by=lambda device: device.name),
    st.sampled_from(STRATEGIES),
    _states,
    st.sampled_from(["", "1009"]),
    st.integers(0, 200),
)
def test_every_device_is_decided_once_and_alone(
    devices: list[Device], strategy: str, states: dict[str, AccountState], caller: str, at: int
) -> None:
    """Each has one step, it rings if and only if that matched, and whether it does is its own affair."""
    person = checked(Person(number="7001", strategy=strategy, devices=tuple(devices)))
    now = situation(caller, at=at, states=states)
    decision = decide(person, now)
    said = {step.rule: step.result for step in decision.steps}
    assert set(said) == {"person/7001"} | {f"person/7001.{device.name}" for device in devices}
    assert len(decision.steps) == len(devices) + 1
    ringing = [device for turn in decision.turns for device in turn]
    assert len(ringing) == len(set(ringing)) and all(decision.turns)
    for device in devices:
        assert (said[f"person/7001.{device.name}"] == "matched") is (device in ringing)
        assert (only(device, now) is None) is (device in ringing)
    if strategy != "simultaneous":
        orders = [device.order for device in ringing]
        assert orders == sorted(orders)
        assert len(decision.turns) == len(set(orders))
    assert (said["person/7001"] == "failed") is (not ringing)
    assert decide(person, now) == decision


def test_where_a_call_goes_that_nobody_took() -> None:
    assert final_step(Person(number="7", final="queue/a"), Cause.NO_ANSWER).reason == (
        "nobody took the call (no answer): on to queue/a"
    )
    assert final_step(Person(number="7", owner="1001", final_number="5"), None).reason == (
        "nobody can be rung: on to 5, dialled by 1001"
    )
    assert final_step(Person(number="7"), None).result == "failed"


def test_a_list_of_callers_has_numbers_beginnings_and_those_who_hide() -> None:
    assert is_among("+4930", ("+49*",)) and not is_among("+4830", ("+49*",))
    assert is_among("", ("anonymous",)) and not is_among("", ("10*", "1001"))
    assert not is_among("anonymous1", ("1001",))
