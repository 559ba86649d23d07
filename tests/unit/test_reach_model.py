import pytest

from softswitch.features.reach.model import NO_RULES, Forward, ReachRules, Refuse, afterwards, at_once, checked
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Invalid

ALL = ReachRules(forward_always="1", forward_busy="2", forward_no_answer="3", forward_offline="4", do_not_disturb=True)


def test_who_has_set_nothing_is_rung_whatever_goes_on() -> None:
    for on_call in (False, True):
        for registered in (False, True):
            assert at_once(NO_RULES, on_call=on_call, registered=registered) is None
    for cause in Cause:
        assert afterwards(NO_RULES, cause) is None


def test_always_comes_before_everything_else() -> None:
    assert at_once(ALL, on_call=True, registered=False) == Forward("1", "forward_always", "unconditional")


def test_who_is_not_to_be_disturbed_is_busy_or_forwarded_as_busy() -> None:
    refused = at_once(ReachRules(do_not_disturb=True), on_call=False, registered=True)
    assert isinstance(refused, Refuse) and refused.cause is Cause.USER_BUSY
    forwarded = at_once(ReachRules(do_not_disturb=True, forward_busy="2"), on_call=False, registered=True)
    assert forwarded == Forward("2", "forward_busy", "do-not-disturb")


def test_a_second_call_rings_unless_call_waiting_is_off() -> None:
    off = ReachRules(call_waiting=False, forward_busy="")
    assert at_once(off, on_call=False, registered=True) is None
    refused = at_once(off, on_call=True, registered=True)
    assert isinstance(refused, Refuse) and refused.rule == "call_waiting"
    assert at_once(ReachRules(call_waiting=False, forward_busy="2"), on_call=True, registered=True) == Forward(
        "2", "forward_busy", "user-busy"
    )


def test_a_forward_for_when_no_phone_is_there_leaves_phones_that_are_there_alone() -> None:
    rules = ReachRules(forward_offline="4")
    assert at_once(rules, on_call=False, registered=True) is None
    assert at_once(rules, on_call=False, registered=False) == Forward("4", "forward_offline", "unavailable")


@pytest.mark.parametrize(
    ("cause", "number"),
    [
        (Cause.USER_BUSY, "2"),
        (Cause.CALL_REJECTED, "2"),
        (Cause.NO_ANSWER, "3"),
        (Cause.NO_USER_RESPONDING, "3"),
        (Cause.SUBSCRIBER_ABSENT, "4"),
        (Cause.NETWORK_OUT_OF_ORDER, "4"),
    ],
)
def test_what_the_phones_said_decides_where_the_call_goes_on(cause: Cause, number: str) -> None:
    forward = afterwards(ALL, cause)
    assert forward is not None and forward.number == number


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (ReachRules(forward_busy="1001"), "forward_busy"),
        (ReachRules(speed_dials={"7": "1002"}), "speed_dials.7"),
        (ReachRules(speed_dials={"٠٧": "1002"}), "speed_dials.٠٧"),
        (ReachRules(speed_dials={f"{n:03}": "1" for n in range(101)}), "speed_dials"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_field(rules: ReachRules, field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        checked("1001", rules)
    assert invalid.value.where == field
