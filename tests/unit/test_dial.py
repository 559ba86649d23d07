"""Ringing several terminals."""

import pytest

from softswitch.calls.dial import Dial, over
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Ended
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId


def ringing(count: int) -> tuple[Dial, list[Leg]]:
    dial, legs = Dial(), [Leg(LegId(f"c.{n}"), None, None) for n in range(2, 2 + count)]
    for leg in legs:
        dial.add(leg)
    return dial, legs


def end(dial: Dial, leg: Leg, status: int, cause: Cause = Cause.NORMAL_UNSPECIFIED) -> bool:
    leg.state = LegState.ENDED
    return dial.ended(leg, Ended(cause, by_party=True, status=status))


def test_only_the_first_ringing_is_news() -> None:
    dial, (a, b) = ringing(2)
    assert dial.ringing(a)
    assert not dial.ringing(b)


def test_the_first_to_answer_stops_the_others() -> None:
    dial, (a, b, c) = ringing(3)
    assert dial.answered(b) == [a, c]
    assert dial.winner is b


def test_one_that_answers_too_late_is_itself_stopped() -> None:
    dial, (a, b) = ringing(2)
    dial.answered(a)
    assert dial.answered(b) == [b]
    assert dial.winner is a


def test_one_that_refused_need_not_be_stopped() -> None:
    dial, (a, b) = ringing(2)
    assert not end(dial, a, 486)
    assert dial.answered(b) == []


def test_the_dial_is_over_when_the_last_has_refused() -> None:
    dial, (a, b) = ringing(2)
    assert not end(dial, a, 486)
    assert end(dial, b, 480)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [((480, 486), 486), ((500, 486), 486), ((486, 603), 603), ((404, 480), 480), ((503, 404), 404), ((302, 486), 302)],
)
def test_the_caller_is_told_the_best_refusal(statuses: tuple[int, int], told: int) -> None:
    dial, legs = ringing(2)
    for leg, status in zip(legs, statuses, strict=True):
        end(dial, leg, status)
    assert dial.refusal().status == told


def test_nobody_refused_and_nobody_answered_is_no_answer() -> None:
    dial, (a,) = ringing(1)
    a.leaving = True
    assert over(a)
    assert dial.ended(a, Ended(Cause.NORMAL_CLEARING, by_party=False))
    assert dial.refusal().cause is Cause.NO_ANSWER
