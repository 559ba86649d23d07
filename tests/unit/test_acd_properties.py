"""What holds for any callers, any agents and any times."""

from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.events import AgentReserved, AgentStateChanged
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.rules import WrapUp
from softswitch.kernel.ids import CallId
from tests.support.acd_desk import Desk, sales

CALLER = st.tuples(st.integers(0, 5_000), st.integers(0, 2), st.integers(0, 3))
"""How long after the last, priority, score."""


@given(st.lists(CALLER, min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_callers_are_served_by_priority_and_then_by_age_and_score(callers: list[tuple[int, int, int]]) -> None:
    desk = Desk(sales(point_ms=2_000))
    expected, at = [], 0
    for number, (gap, priority, score) in enumerate(callers):
        at += gap
        desk.centre.step(
            at, inputs.CallerArrived(call=CallId(str(number)), queue="sales", priority=priority, score=score)
        )
        expected.append((-priority, at - score * 2_000, number))
    desk.now = at / 1000
    desk.agent("ann", "sales")
    order = []
    for _ in callers:
        order.append(int(desk.ringing()["ann"]))
        desk.serve("ann")

    assert order == [number for _, _, number in sorted(expected)]


@given(st.integers(0, 10**6), st.integers(1, 10**7), st.integers(0, 10**7))
@settings(max_examples=150, deadline=None)
def test_wrap_up_is_exact_whenever_the_step_comes(answered: int, ms: int, late: int) -> None:
    desk = Desk(sales(wrap_up=WrapUp("fixed", ms)))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.answer("ann")
    desk.centre.step(answered, inputs.AgentHungUp(desk.attempt("ann")))

    assert desk.centre.deadline() == answered + ms
    assert desk.centre.step(answered + ms - 1, inputs.Tick()) == []
    facts = desk.centre.step(answered + ms + late, inputs.Tick())

    changes = [(fact.at, fact.state, fact.before_ms) for fact in facts if isinstance(fact, AgentStateChanged)]
    assert changes == [(answered + ms, "available", ms)]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_a_caller_with_no_score_is_passed_only_by_those_whose_score_makes_up_for_coming_later(
    scores: list[int], agents: int
) -> None:
    """No starvation: whoever arrives later than the highest score is worth comes after."""
    desk = Desk(sales(point_ms=1_000))
    desk.arrive("plain")
    for number, score in enumerate(scores):
        desk.run(desk.now + 0.5)
        desk.arrive(str(number), score=score)
    for number in range(agents):
        desk.agent(f"a{number}", "sales")
    for _ in range(len(scores) + 1):
        for agent in list(desk.ringing()):
            desk.serve(agent, 1.0)

    order = [fact.of_call for fact in desk.all(AgentReserved)]
    passed = order[: order.index("plain")]
    assert len(order) == len(scores) + 1
    assert all((int(call) + 1) * 500 < scores[int(call)] * 1_000 for call in passed)
