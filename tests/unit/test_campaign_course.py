"""What came of a call, by its facts."""

import pytest

from softswitch.events import CallEnded, CallFact, LegAnswered, LegDialed, LegEnded, LegMoved
from softswitch.features.campaigns.model.course import Course
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId

CALL, TO = CallId("c"), Destination("trunk", "uas")


def dialled(leg: str) -> CallFact:
    return LegDialed(at=0, call=CALL, leg=LegId(leg), destination=TO, number="1", target="")


def answered(leg: str, at: int = 0) -> CallFact:
    return LegAnswered(at=at, call=CALL, leg=LegId(leg))


def ended(leg: str, cause: Cause = Cause.NORMAL_CLEARING, by_party: bool = True) -> CallFact:
    return LegEnded(at=1000, call=CALL, leg=LegId(leg), cause=cause, by_party=by_party)


AGENT = [dialled("a1"), dialled("a2"), answered("a2"), ended("a1", Cause.NORMAL_CLEARING, False)]


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ([dialled("a1"), ended("a1", Cause.USER_BUSY)], ("agent_missed", 0)),
        ([], ("agent_missed", 0)),
        ([*AGENT, dialled("n"), answered("n", 400), ended("a2"), ended("n")], ("answered", 600)),
        ([*AGENT, dialled("n"), answered("n", 400), ended("n"), ended("a2")], ("answered", 600)),
        # The agent has transferred whom it called, or goes on with it in another call.
        ([*AGENT, dialled("n"), answered("n", 400), ended("a2", by_party=False), dialled("t")], ("answered", 600)),
        ([*AGENT, dialled("n"), answered("n", 400), LegMoved(at=500, call=CALL, leg=LegId("a2"), to=CallId("d"))],
         ("answered", 100)),
        ([*AGENT, dialled("n"), ended("n", Cause.USER_BUSY), ended("a2")], ("busy", 0)),
        ([*AGENT, dialled("n"), ended("n", Cause.NO_ANSWER, False), ended("a2", by_party=False)], ("no_answer", 0)),
        ([*AGENT, dialled("n"), ended("n", Cause.CALL_REJECTED), ended("a2")], ("failed", 0)),
        # A gateway that fails before another is busy: the last word counts.
        ([*AGENT, dialled("n"), ended("n", Cause.DESTINATION_OUT_OF_ORDER), dialled("m"), ended("m", Cause.USER_BUSY)],
         ("busy", 0)),
        ([*AGENT, dialled("n"), ended("a2"), ended("n", Cause.NORMAL_CLEARING, False)], ("cancelled", 0)),
        ([*AGENT, ended("a2", by_party=False)], ("failed", 0)),
    ],
)  # fmt: skip
def test_what_came_of_it(facts: list[CallFact], result: tuple[str, int]) -> None:
    course = Course()
    for fact in [*facts, CallEnded(at=1000, call=CALL, cause=Cause.NORMAL_CLEARING)]:
        if not course.is_over:
            course.hear(fact)
    assert course.result() == result
