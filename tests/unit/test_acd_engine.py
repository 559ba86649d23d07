"""The queue engine, one rule at a time."""

from collections import Counter

import pytest

from softswitch.events import (
    AgentReleased,
    AgentReserved,
    AgentStateChanged,
    AgentWrapUpCoded,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
)
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.effects import (
    Announce,
    AskWebhook,
    Connect,
    Refused,
    Ring,
    SendOn,
    StopRinging,
)
from softswitch.features.acd.model.rules import (
    AgentProfile,
    Announcements,
    Membership,
    Need,
    QueueRules,
    Relaxation,
    WrapUp,
    check_agent,
    check_queue,
)
from softswitch.features.acd.model.timers import Timers
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid
from softswitch.kernel.ids import CallId
from tests.support.acd_desk import Desk, sales


def test_a_caller_is_given_to_an_agent_who_is_reserved_before_the_phone_rings() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")

    effects = desk.arrive("c1", number="+15550100")

    assert [type(effect) for effect in effects] == [CallerQueued, AgentReserved, AgentStateChanged, Ring]
    ring = desk.last(Ring)
    assert (ring.agent, ring.seat, ring.call) == ("ann", "seat-ann", "c1")
    assert desk.state("ann") == "reserved"
    desk.tell(inputs.AgentRang(ring.attempt))
    assert desk.state("ann") == "ringing"
    effects = desk.answer("ann")
    assert Connect(ring.attempt, "ann", CallId("c1")) in effects
    assert desk.left("c1").outcome == "answered" and desk.left("c1").agent == "ann"
    assert desk.state("ann") == "connected"


def test_an_agent_never_rings_for_two() -> None:
    desk = Desk(sales(), QueueRules(name="support"))
    desk.agent("ann", "sales", "support")

    desk.arrive("c1")
    desk.arrive("c2", "support")

    assert desk.ringing() == {"ann": "c1"}
    desk.answer("ann")
    assert desk.ringing() == {}


def test_who_waits_longest_goes_first_and_priority_before_all() -> None:
    desk = Desk(sales())
    desk.arrive("c1")
    desk.arrive("c2")
    desk.arrive("c3", priority=1)
    desk.agent("ann", "sales")

    order = []
    for _ in range(3):
        order.append(desk.ringing()["ann"])
        desk.serve("ann")

    assert order == ["c3", "c1", "c2"]


def test_a_score_counts_for_waiting_time_and_no_more() -> None:
    desk = Desk(sales(point_ms=60_000))
    desk.arrive("old")
    desk.run(59.0)
    desk.arrive("vip", score=1)
    desk.run(121.0)
    desk.arrive("vip-too-late", score=2)
    desk.agent("ann", "sales")

    order = []
    for _ in range(3):
        order.append(desk.ringing()["ann"])
        desk.serve("ann")

    assert order == ["vip", "old", "vip-too-late"]


def test_a_wait_elsewhere_counts_for_the_place() -> None:
    desk = Desk(sales())
    desk.run(10.0)
    desk.arrive("c1")
    desk.arrive("moved", waited_ms=5_000)

    assert [fact.ahead for fact in desk.all(CallerQueued)] == [0, 0]


@pytest.mark.parametrize(("first", "second"), [("support", "billing"), ("billing", "support")])
def test_an_agent_serves_its_queues_in_order_and_equal_ones_by_who_waits(first: str, second: str) -> None:
    desk = Desk(sales(), QueueRules(name="support"), QueueRules(name="billing"))
    desk.arrive("c1", first)
    desk.arrive("c2", second)
    desk.run(1.0)
    desk.arrive("c3", "sales")
    desk.agent(
        "ann",
        Membership(queue="support", rank=2),
        Membership(queue="billing", rank=2),
        Membership(queue="sales", rank=1),
    )

    order = []
    for _ in range(3):
        order.append(desk.ringing()["ann"])
        desk.serve("ann")
        desk.tell(inputs.AgentReady("ann"))

    assert order == ["c3", "c1", "c2"]


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a")])
@pytest.mark.parametrize("called_back", [False, True])
def test_between_queues_the_first_of_all_comes_first_whatever_others_of_its_queue_ask_for(
    order: tuple[str, ...], called_back: bool
) -> None:
    """Two of one queue ask for different things, and somebody of another queue comes between them."""
    desk = Desk(sales(), QueueRules(name="support"))
    waited = {"a": 30_000, "b": 20_000, "c": 10_000}
    for call in order:
        needs = (Need("greek", 1),) if call == "a" else ()
        desk.arrive(call, "support" if call == "b" else "sales", needs=needs, waited_ms=waited[call])
    if called_back:
        desk.tell(inputs.CallbackAccepted(call=CallId("c"), number="5551"))
    desk.agent("ann", "sales", "support", skills={"greek": 1})
    assert desk.ringing() == {"ann": "a"}


# Strategies -----------------------------------------------------------------------------------------------


def rung(desk: Desk, calls: int, serve: float = 1.0) -> list[str]:
    """Which agent each of some calls goes to."""
    order = []
    for number in range(calls):
        desk.arrive(f"call-{number}-{desk.now}")
        agent = next(iter(desk.ringing()))
        order.append(agent)
        desk.serve(agent, serve)
        desk.run(desk.now + 1.0)
    return order


def test_longest_idle() -> None:
    desk = Desk(sales(strategy="longest_idle"))
    for name in ("ann", "ben", "cem"):
        desk.agent(name, "sales")
        desk.run(desk.now + 1.0)

    assert rung(desk, 5) == ["ann", "ben", "cem", "ann", "ben"]


def test_round_robin_remembers_who_was_last_and_passes_who_is_busy() -> None:
    desk = Desk(sales(strategy="round_robin"))
    for order, name in enumerate(("ann", "ben", "cem")):
        desk.agent(name, Membership(queue="sales", order=order))

    assert rung(desk, 2) == ["ann", "ben"]
    desk.tell(inputs.AgentNotReady("cem", "lunch"))
    assert rung(desk, 1) == ["ann"]
    desk.tell(inputs.AgentReady("cem"))
    assert rung(desk, 2) == ["ben", "cem"]


def test_linear_takes_the_first_in_order() -> None:
    desk = Desk(sales(strategy="linear"))
    desk.agent("ann", Membership(queue="sales", order=2))
    desk.agent("ben", Membership(queue="sales", order=1))

    assert rung(desk, 3) == ["ben", "ben", "ben"]


def test_fewest_calls_and_least_talk() -> None:
    desk = Desk(sales(strategy="fewest_calls"))
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    assert Counter(rung(desk, 6)) == {"ann": 3, "ben": 3}

    desk = Desk(sales(strategy="least_talk"))
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    desk.arrive("long")
    desk.serve("ann", 10.0)
    assert rung(desk, 6) == ["ben"] * 6


def test_weighted_gives_shares_and_a_newcomer_does_not_get_what_the_others_had() -> None:
    desk = Desk(sales(strategy="weighted"))
    desk.agent("ann", Membership(queue="sales", weight=3))
    desk.agent("ben", Membership(queue="sales", weight=1))

    assert Counter(rung(desk, 40)) == {"ann": 30, "ben": 10}
    desk.agent("cem", Membership(queue="sales", weight=1))
    shares = Counter(rung(desk, 50))
    assert shares == {"ann": 30, "ben": 10, "cem": 10}


def test_most_skilled() -> None:
    desk = Desk(sales(strategy="most_skilled", needs=(Need("english", 0),)))
    desk.agent("ann", "sales", skills={"english": 1})
    desk.agent("ben", "sales", skills={"english": 5})
    desk.agent("cem", "sales")

    assert rung(desk, 3) == ["ben", "ben", "ben"]
    assert "has 5 in english" in desk.last(AgentReserved).steps[-1].reason


def test_ring_all_rings_all_and_the_others_are_free_again_at_once() -> None:
    desk = Desk(sales(strategy="ring_all"))
    for name in ("ann", "ben", "cem"):
        desk.agent(name, "sales")
    desk.arrive("c1")
    assert set(desk.ringing()) == {"ann", "ben", "cem"}

    desk.arrive("c2")
    assert set(desk.ringing().values()) == {"c1"}
    desk.answer("ben")

    assert desk.ringing() == {"ann": "c2", "cem": "c2"}
    assert {fact.reason for fact in desk.all(AgentReleased)} == {"answered_elsewhere"}
    assert [stop.answered_elsewhere for stop in desk.all(StopRinging)] == [True, True]


def test_with_ring_all_an_agent_who_becomes_free_rings_along_unless_somebody_waits_for_whom_nobody_rings() -> None:
    desk = Desk(sales(strategy="ring_all"))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.agent("ben", "sales")
    assert desk.ringing() == {"ann": "c1", "ben": "c1"}
    desk.arrive("c2")
    desk.agent("cem", "sales")
    assert desk.ringing()["cem"] == "c2"


def test_progressive_rings_one_more_at_each_step() -> None:
    desk = Desk(sales(strategy="progressive", step_ms=5_000, ring_ms=30_000))
    for name in ("ann", "ben", "cem"):
        desk.agent(name, "sales")
        desk.run(desk.now + 1.0)
    desk.arrive("c1")

    heard = []
    for _ in range(3):
        heard.append(sorted(desk.ringing()))
        desk.run(desk.now + 5.0)

    assert heard == [["ann"], ["ann", "ben"], ["ann", "ben", "cem"]]
    desk.answer("cem")
    assert desk.ringing() == {}


# Skills ---------------------------------------------------------------------------------------------------


def test_skills_are_all_asked_for_until_steps_of_waiting_relax_them() -> None:
    rules = sales(
        needs=(Need("english", 3),),
        relaxation=(
            Relaxation(30_000, (Need("english", 1),)),
            Relaxation(60_000, (Need("english", 0), Need("loans", 0))),
            Relaxation(90_000, tier=1),
        ),
    )
    desk = Desk(rules)
    desk.agent("zoe", Membership(queue="sales", tier=1), skills={"english": 5, "loans": 5})
    desk.agent("ben", "sales", skills={"english": 1})
    desk.agent("ann", "sales", skills={"english": 3})
    desk.arrive("c1", needs=(Need("loans", 2),))
    desk.arrive("c2")
    desk.arrive("c3")
    assert desk.ringing() == {"ann": "c2"}
    desk.answer("ann")
    desk.run(29.999)
    assert desk.ringing() == {}
    desk.run(30.0)
    assert desk.ringing() == {"ben": "c3"}
    desk.answer("ben")
    desk.run(89.999)
    assert desk.ringing() == {}
    desk.run(90.0)
    assert desk.ringing() == {"zoe": "c1"}


def test_who_asks_for_a_skill_that_is_not_there_holds_up_nobody_behind() -> None:
    desk = Desk(sales())
    desk.arrive("c1", needs=(Need("greek", 1),))
    desk.arrive("c2")
    desk.agent("ann", "sales")

    assert desk.ringing() == {"ann": "c2"}


# The preferred agent --------------------------------------------------------------------------------------


def test_a_caller_waits_for_its_preferred_agent_and_then_for_any() -> None:
    desk = Desk(sales(preferred_ms=20_000))
    desk.agent("ann", "sales")
    desk.arrive("c0")
    desk.answer("ann")
    desk.agent("ben", "sales")

    desk.arrive("c1", preferred="ann")
    assert desk.ringing() == {}
    desk.run(10.0)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))
    assert desk.ringing() == {"ann": "c1"}
    desk.answer("ann")
    desk.arrive("c2", preferred="ann")
    desk.run(29.999)
    assert desk.ringing() == {}
    desk.run(30.0)
    assert desk.ringing() == {"ben": "c2"}


@pytest.mark.parametrize("away", [inputs.AgentSignedOff("ann"), inputs.AgentNotReady("ann", "lunch")])
def test_nobody_waits_for_a_preferred_agent_who_is_away(away: inputs.Input) -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c0")
    desk.answer("ann")
    desk.agent("ben", "sales")
    desk.arrive("c1", preferred="ann")

    desk.tell(away)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))

    assert desk.ringing() == {"ben": "c1"}
    desk.answer("ben")
    desk.arrive("c2", preferred="ann")
    desk.agent("cem", "sales")
    assert desk.ringing() == {"cem": "c2"}


# Phones that are not answered -----------------------------------------------------------------------------


def test_who_does_not_answer_is_not_rung_any_more_and_the_caller_keeps_its_place() -> None:
    desk = Desk(sales(ring_ms=20_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.arrive("c2")

    desk.run(20.0)

    assert desk.state("ann") == "not_responding"
    assert desk.last(StopRinging).attempt == desk.last(Ring).attempt
    assert desk.last(AgentReleased).reason == "no_answer"
    desk.agent("ben", "sales")
    assert desk.ringing() == {"ben": "c1"}
    desk.tell(inputs.AgentReady("ann"))
    assert desk.ringing() == {"ben": "c1", "ann": "c2"}


def test_not_responding_begins_after_so_many_unanswered_rings() -> None:
    desk = Desk(sales(missed_most=2, rest_ms=10_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.run(20.0)
    assert desk.state("ann") == "available" and desk.ringing() == {}
    desk.run(30.0)
    assert desk.ringing() == {"ann": "c1"}
    desk.run(50.0)
    assert desk.state("ann") == "not_responding"


@pytest.mark.parametrize("reason", ["busy", "refused", "unreachable"])
def test_an_agent_whose_phone_refuses_rests(reason: str) -> None:
    desk = Desk(sales(rest_ms=10_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.tell(inputs.AgentRefused(desk.last(Ring).attempt, reason))  # type: ignore[arg-type]
    assert desk.ringing() == {}
    desk.run(9.999)
    assert desk.ringing() == {}
    desk.run(10.0)
    assert desk.ringing() == {"ann": "c1"}


def test_where_all_ring_not_answering_is_no_fault() -> None:
    desk = Desk(sales(strategy="ring_all"))
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    desk.arrive("c1")
    desk.run(20.0)
    assert desk.state("ann") == desk.state("ben") == "available"
    desk.run(30.0)
    assert set(desk.ringing()) == {"ann", "ben"}


def test_who_signs_off_while_the_phone_rings_leaves_the_caller_to_the_next() -> None:
    desk = Desk(sales(strategy="linear"))
    desk.agent("ann", Membership(queue="sales", order=1))
    desk.agent("ben", Membership(queue="sales", order=2))
    desk.arrive("c1")
    first = desk.last(Ring).attempt

    effects = desk.tell(inputs.AgentSignedOff("ann"))

    assert StopRinging(first) in effects
    assert desk.state("ann") == "logged_out"
    assert desk.ringing() == {"ben": "c1"}


def test_an_answer_in_the_moment_of_the_time_out_is_too_late_and_stops() -> None:
    desk = Desk(sales(ring_ms=20_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    attempt = desk.last(Ring).attempt

    effects = desk.centre.step(20_000, inputs.AgentAnswered(attempt))

    assert effects[-1] == StopRinging(attempt)
    assert not any(isinstance(effect, Connect) for effect in effects)


def test_a_caller_who_hangs_up_in_the_moment_of_the_answer_frees_the_agent() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    attempt = desk.last(Ring).attempt
    desk.tell(inputs.CallerLeft(CallId("c1")))

    effects = desk.tell(inputs.AgentAnswered(attempt))

    assert effects == [StopRinging(attempt)]
    assert desk.left("c1").outcome == "abandoned"
    assert desk.state("ann") == "available"


# Wrap-up --------------------------------------------------------------------------------------------------


def wrapped(mode: str, ms: int = 30_000) -> Desk:
    """An agent who has just talked, with the next caller waiting."""
    desk = Desk(sales(wrap_up=WrapUp(mode, ms, code="none given")))  # type: ignore[arg-type]
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.answer("ann")
    desk.arrive("c2")
    desk.run(60.0)
    desk.tell(inputs.CallerLeft(CallId("c1")))
    return desk


def test_without_wrap_up_the_next_caller_comes_at_once() -> None:
    assert wrapped("none").ringing() == {"ann": "c2"}


def test_optional_wrap_up_lasts_its_time_or_until_the_agent_is_done() -> None:
    desk = wrapped("optional")
    desk.run(89.999)
    assert desk.state("ann") == "wrap_up"
    desk.run(90.0)
    assert desk.ringing() == {"ann": "c2"}
    assert desk.last(AgentWrapUpCoded).code == "none given"

    desk = wrapped("optional")
    desk.run(70.0)
    desk.tell(inputs.WrapUpDone("ann", "sold"))
    assert desk.ringing() == {"ann": "c2"}
    assert desk.last(AgentWrapUpCoded).code == "sold"


def test_fixed_wrap_up_lasts_exactly_its_time_whatever_the_agent_says() -> None:
    desk = wrapped("fixed", 12_345)
    desk.tell(inputs.WrapUpDone("ann", "sold"))
    desk.tell(inputs.AgentNotReady("ann", "lunch"))
    assert desk.state("ann") == "wrap_up"
    desk.centre.step(99_999, inputs.Tick())  # long after
    effects = desk.all(AgentStateChanged)
    desk.tell(inputs.Tick())
    assert effects[-1].state == "wrap_up"
    agent = desk.centre.agent("ann")
    assert agent is not None and (agent.state, agent.state_reason) == ("not_ready", "lunch")
    assert agent.since == 72_345  # when it was due, though the step came late


def test_a_supervisor_ends_even_a_fixed_wrap_up() -> None:
    desk = wrapped("fixed")
    desk.tell(inputs.ForceState("ann", "available", "we need you", "boss"))
    assert desk.ringing() == {"ann": "c2"}


def test_wrap_up_until_done_has_no_end_of_its_own() -> None:
    desk = wrapped("until_done")
    desk.run(10_000.0)
    assert desk.state("ann") == "wrap_up"
    desk.tell(inputs.WrapUpDone("ann"))
    assert desk.ringing() == {"ann": "c2"}


def test_wrap_up_is_the_agents_and_another_queue_does_not_end_it() -> None:
    desk = Desk(sales(wrap_up=WrapUp("fixed", 30_000)), QueueRules(name="support", wrap_up=WrapUp("none")))
    desk.agent("ann", "sales", "support")
    desk.arrive("c1")
    desk.serve("ann", 10.0)
    desk.arrive("c2", "support")
    desk.run(39.999)
    assert desk.ringing() == {}
    desk.run(40.0)
    assert desk.ringing() == {"ann": "c2"}


# States ---------------------------------------------------------------------------------------------------


def test_who_goes_not_ready_while_talking_talks_on_and_then_is_not_ready() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.answer("ann")
    desk.tell(inputs.ForceState("ann", "not_ready", "meeting", "boss"))
    assert desk.state("ann") == "connected"
    desk.arrive("c2")
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))
    assert desk.state("ann") == "not_ready"
    assert desk.last(AgentStateChanged).reason == "meeting"


def test_talk_and_hold_are_counted_apart() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.answer("ann")
    desk.tell(inputs.AgentHeld(desk.attempt("ann")), 10.0)
    desk.tell(inputs.AgentConsulted(desk.attempt("ann")), 12.0)
    desk.tell(inputs.AgentResumed(desk.attempt("ann")), 15.0)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann"), transferred=True), 20.0)

    ended = desk.last(ConversationEnded)
    assert (ended.talk_ms, ended.hold_ms, ended.reason) == (15_000, 5_000, "transferred")
    assert [fact.state for fact in desk.all(AgentStateChanged)[-4:]] == ["hold", "consult", "connected", "available"]


def test_who_a_webhook_was_asked_about_passes_nobody_when_the_queue_asks_it_no_more() -> None:
    desk = Desk(sales(strategy="webhook"))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.arrive("c2", priority=1)
    desk.now = 5.0  # when the question is due, in one step with the change
    desk.tell(inputs.QueueSet(sales()))
    assert desk.ringing() == {"ann": "c2"}


def test_a_call_of_the_agents_own_takes_it_from_the_queue() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.tell(inputs.OutboundBegan("ann"))
    assert desk.state("ann") == "outbound" and desk.ringing() == {}
    assert desk.last(AgentReleased).reason == "outbound"
    desk.tell(inputs.OutboundEnded("ann"))
    assert desk.ringing() == {"ann": "c1"}


def test_an_agent_who_is_lent_is_nobody_elses_until_given_back() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.tell(inputs.AgentLent("ann"))
    lent = desk.last(AgentStateChanged)
    assert (lent.state, lent.queue) == ("outbound", "") and lent.stay
    desk.arrive("c1")
    assert desk.ringing() == {}
    desk.tell(inputs.AgentLent("ann"))
    assert desk.refused() == "not-available"
    # The phone of the seat is in the call that it was lent for: that is no call of the agent's own.
    desk.tell(inputs.OutboundBegan("ann"), 5.0)
    desk.tell(inputs.OutboundEnded("ann"), 9.0)
    assert desk.state("ann") == "outbound"
    desk.tell(inputs.AgentReturned(loan=lent.stay), 10.0)
    assert desk.ringing() == {"ann": "c1"}
    assert desk.tell(inputs.AgentReturned(loan=lent.stay)) == []


def test_an_agent_wraps_up_after_a_loan_as_whoever_had_it_says_with_a_code() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.tell(inputs.AgentLent("ann"))
    loan = desk.last(AgentStateChanged).stay
    desk.tell(inputs.WrapUpCode("ann", "sold"))
    desk.tell(inputs.AgentReturned(loan=loan, wrap_up=WrapUp("optional", 20_000), talked=True), 30.0)
    wraps = desk.last(AgentStateChanged)
    assert (wraps.state, wraps.queue, wraps.stay) == ("wrap_up", "", loan)
    desk.run(50.0)
    coded = desk.last(AgentWrapUpCoded)
    assert (coded.queue, coded.stay, coded.agent, coded.code, coded.at) == ("", loan, "ann", "sold", 50_000)
    assert desk.state("ann") == "available"


def test_what_is_set_of_an_agent_during_a_loan_holds_when_it_is_over() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.tell(inputs.AgentLent("ann"))
    loan = desk.last(AgentStateChanged).stay
    desk.tell(inputs.AgentSignedOff("ann"))
    desk.tell(inputs.AgentRemoved("ann"))
    assert (desk.state("ann"), desk.refused()) == ("outbound", "talking")
    desk.tell(inputs.AgentReturned(loan=loan, wrap_up=WrapUp("until_done")))
    assert desk.state("ann") == "logged_out"


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (inputs.AgentSignedOn("nobody"), "no-agent"),
        (inputs.AgentLent("nobody"), "no-agent"),
        (inputs.AgentLent("ben"), "not-available"),
        (inputs.AgentSignedOn("ann"), "signed-on"),
        (inputs.AgentReady("ben"), "not-signed-on"),
        (inputs.WrapUpDone("ann"), "no-wrap-up"),
        (inputs.WrapUpCode("ann", "x"), "no-conversation"),
        (inputs.CallerArrived(call=CallId("c"), queue="nowhere"), "no-queue"),
        (inputs.CallerPulled(CallId("c")), "not-waiting"),
        (inputs.CallbackAccepted(call=CallId("c"), number="1"), "not-waiting"),
        (inputs.CallbackCancelled(7), "no-callback"),
        (inputs.QueueRemoved("nowhere"), "no-queue"),
        (inputs.AgentRemoved("nobody"), "no-agent"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(told: inputs.Input, error: str) -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.agent("ben", "sales", on=False)

    effects = desk.tell(told)

    assert [type(effect) for effect in effects] == [Refused]
    assert desk.refused() == error


@pytest.mark.parametrize(
    "stale",
    [
        inputs.AgentAnswered(99),
        inputs.AgentRang(99),
        inputs.AgentRefused(99, "busy"),
        inputs.AgentHungUp(99),
        inputs.AgentHeld(99),
        inputs.AgentResumed(99),
        inputs.CallerLeft(CallId("c9")),
        inputs.CallerDropped(CallId("c9"), "drain"),
        inputs.DigitPressed(CallId("c9"), "1"),
        inputs.CallbackFailed(9),
        inputs.WebhookAnswered(9, ("ann",)),
        inputs.WebhookFailed(9),
        inputs.OutboundEnded("ann"),
        inputs.AgentReturned(loan=99),
        inputs.Tick(),
    ],
)
def test_what_comes_too_late_changes_nothing(stale: inputs.Input) -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")

    effects = desk.tell(stale)

    assert effects in ([], [StopRinging(99)])
    assert desk.state("ann") == "available"


# Overflow and leaving -------------------------------------------------------------------------------------

SUPPORT = Destination("queue", "support")
MAILBOX = Destination("voicemail", "1001")


def test_a_caller_that_has_waited_long_enough_is_sent_on_to_the_millisecond() -> None:
    desk = Desk(sales(wait_most_ms=60_000, overflow_to=SUPPORT))
    desk.arrive("c1", waited_ms=5_000)
    desk.run(59.999)
    assert not desk.all(SendOn)
    desk.run(60.0)
    assert desk.all(SendOn) == [SendOn(CallId("c1"), SUPPORT, "time", 65_000)]
    assert (desk.left("c1").outcome, desk.left("c1").reason, desk.left("c1").to) == ("overflowed", "time", SUPPORT)


def test_who_is_rung_for_when_its_time_is_up_waits_for_that() -> None:
    desk = Desk(sales(wait_most_ms=60_000, ring_ms=20_000))
    desk.arrive("c1")
    desk.run(50.0)
    desk.agent("ann", "sales")
    desk.run(69.0)
    assert not desk.all(SendOn)
    desk.run(70.0)
    assert desk.left("c1").reason == "time"

    desk = Desk(sales(wait_most_ms=60_000))
    desk.arrive("c1")
    desk.run(50.0)
    desk.agent("ann", "sales")
    desk.run(65.0)
    desk.answer("ann")
    assert desk.left("c1").outcome == "answered"


def test_capacity_and_length_hold_only_for_who_would_wait() -> None:
    desk = Desk(sales(capacity=2, exits={"full": MAILBOX}, overflow_to=SUPPORT))
    for call in ("c1", "c2", "c3"):
        desk.arrive(call)
    assert (desk.left("c3").reason, desk.left("c3").to) == ("full", MAILBOX)
    desk.agent("ann", "sales", skills={"greek": 1})
    desk.agent("ben", "sales", skills={"greek": 1})
    desk.agent("cem", "sales", skills={"greek": 1})
    desk.arrive("c4")
    assert desk.ringing()["cem"] == "c4"

    desk = Desk(sales(length_most=1, overflow_to=SUPPORT))
    desk.arrive("c1")
    desk.arrive("c2")
    desk.arrive("c3", priority=1)
    assert desk.left("c2").reason == "length"
    assert [fact.call for fact in desk.all(CallerLeftQueue)] == ["c2"]


def test_who_would_wait_too_long_is_sent_on() -> None:
    desk = Desk(sales(expected_most_ms=100_000, overflow_to=SUPPORT))
    desk.agent("ann", "sales")
    desk.arrive("c0")
    desk.serve("ann", 60.0)
    desk.arrive("c1")
    desk.answer("ann")
    desk.arrive("c2")
    desk.arrive("c3")

    assert [fact.expected_ms for fact in desk.all(CallerQueued)] == [0, 0, 60_000, 120_000]
    assert desk.left("c3").reason == "expected"


def test_closed_and_empty_queues_send_on() -> None:
    desk = Desk(sales(when_empty="overflow", exits={"closed": MAILBOX}, overflow_to=SUPPORT))
    desk.arrive("c1", open=False)
    desk.arrive("c2")
    desk.agent("ann", "sales")
    desk.arrive("c3")
    desk.answer("ann")
    desk.arrive("c4")
    desk.tell(inputs.AgentSignedOff("ann"))
    assert len(desk.all(CallerLeftQueue)) == 3  # the agent talks, and is still there for who waits
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))

    assert [(fact.call, fact.reason) for fact in desk.all(CallerLeftQueue)] == [
        ("c1", "closed"), ("c2", "no_agents"), ("c3", ""), ("c4", "no_agents"),
    ]  # fmt: skip


def test_a_key_leads_out_of_the_queue_and_others_do_nothing() -> None:
    desk = Desk(sales(exits={"digit 1": MAILBOX}))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    assert desk.tell(inputs.DigitPressed(CallId("c1"), "2")) == []
    desk.tell(inputs.DigitPressed(CallId("c1"), "1"))
    assert (desk.left("c1").outcome, desk.left("c1").to) == ("overflowed", MAILBOX)
    assert desk.state("ann") == "available"


def test_a_supervisor_pulls_a_caller_out_and_the_switch_drops_one() -> None:
    desk = Desk(sales())
    desk.arrive("c1")
    desk.arrive("c2")
    desk.tell(inputs.CallerPulled(CallId("c1")))
    desk.tell(inputs.CallerDropped(CallId("c2"), "shutdown"))
    assert [(fact.outcome, fact.reason) for fact in desk.all(CallerLeftQueue)] == [
        ("overflowed", "pulled"), ("disconnected", "shutdown"),
    ]  # fmt: skip


def test_a_caller_whom_an_agent_sends_to_another_queue_waits_there_and_the_agent_is_free() -> None:
    desk = Desk(sales(), QueueRules(name="support"))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.answer("ann")
    desk.arrive("c1", "support")

    assert desk.last(ConversationEnded).reason == "transferred"
    assert desk.state("ann") == "available"
    assert [fact.queue for fact in desk.all(CallerQueued)] == ["sales", "support"]


# Announcements --------------------------------------------------------------------------------------------


def test_position_and_expected_wait_are_said_by_the_clock() -> None:
    rules = sales(announcements=Announcements(10_000, 45_000, comfort=("queue/thanks", "queue/still-here")))
    desk = Desk(rules)
    desk.agent("ann", "sales")
    desk.arrive("c0")
    desk.serve("ann", 60.0)
    desk.arrive("c1")
    desk.answer("ann")
    desk.arrive("c2")
    desk.arrive("c3")
    desk.run(70.0)
    desk.tell(inputs.CallerLeft(CallId("c2")))
    desk.run(115.0)

    said = [announce for announce in desk.all(Announce) if announce.call == "c3"]
    assert said == [
        Announce(CallId("c3"), 2, 120_000, "queue/thanks"),
        Announce(CallId("c3"), 1, 60_000, "queue/still-here"),
    ]


def test_the_expected_wait_knows_by_how_much_it_was_wrong() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c0")
    desk.serve("ann", 60.0)
    desk.arrive("c1")
    desk.answer("ann")
    desk.arrive("c2")
    desk.run(100.0)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))
    desk.answer("ann")

    queue = desk.centre.queue("sales")
    assert queue is not None
    error = queue.expected.error()
    assert error is not None
    assert (error.callers, error.p90_ms) == (3, 20_000)  # 60 s were expected, and it was 40 s


# Webhook --------------------------------------------------------------------------------------------------


def test_the_webhook_says_who() -> None:
    desk = Desk(sales(strategy="webhook"))
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    desk.arrive("c1")
    ask = desk.last(AskWebhook)
    assert ask.agents == ("ann", "ben") and desk.ringing() == {}
    desk.tell(inputs.WebhookAnswered(ask.question, ("zoe", "ben", "ann")))
    assert desk.ringing() == {"ben": "c1"}


def test_without_an_answer_of_the_webhook_the_longest_idle_is_rung() -> None:
    desk = Desk(sales(strategy="webhook", step_ms=3_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.run(3.0)
    assert desk.ringing() == {"ann": "c1"}

    desk = Desk(sales(strategy="webhook"))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.tell(inputs.WebhookFailed(desk.last(AskWebhook).question))
    assert desk.ringing() == {"ann": "c1"}


def test_a_caller_for_whom_the_webhook_has_nobody_does_not_hold_up_the_next() -> None:
    desk = Desk(sales(strategy="webhook", step_ms=3_000))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.arrive("c2")
    assert [ask.call for ask in desk.all(AskWebhook)] == ["c1"]  # one free agent, one question
    desk.tell(inputs.WebhookAnswered(desk.last(AskWebhook).question, ()))
    assert desk.last(AskWebhook).call == "c2"
    desk.tell(inputs.WebhookAnswered(desk.last(AskWebhook).question, ("ann",)))
    assert desk.ringing() == {"ann": "c2"}
    assert "named nobody" in desk.centre.explain(100, CallId("c1"))[0].reason


# Explain --------------------------------------------------------------------------------------------------


def test_a_choice_says_why() -> None:
    desk = Desk(sales(needs=(Need("english", 2),)))
    desk.arrive("c1")
    desk.run(12.0)
    desk.agent("ann", "sales", skills={"english": 2})

    assert [step.reason for step in desk.last(AgentReserved).steps] == [
        "first in line; waited 12.0 s",
        "1 of 1 with english 2 are free",
        "idle for 0.0 s, longer than any",
    ]


def test_who_waits_can_be_told_why() -> None:
    desk = Desk(sales(needs=(Need("english", 2),)), QueueRules(name="support"))
    desk.agent("ann", "sales", skills={"english": 2})
    desk.agent("ben", Membership(queue="sales", tier=1), skills={"english": 2})
    desk.agent("cem", "sales")
    desk.agent("dag", "support", "sales", skills={"english": 3})
    desk.agent("eva", "sales", skills={"english": 3})
    desk.arrive("s1", "support")
    desk.tell(inputs.AgentNotReady("eva", "lunch"))
    desk.arrive("c0")
    desk.answer("ann")
    desk.arrive("c1")
    desk.arrive("c2")
    desk.run(5.0)

    steps = {step.rule: step.reason for step in desk.centre.explain(5_000, CallId("c2"))}

    assert steps == {
        "sales/place": "number 2 of 2, has waited 5.0 s",
        "sales/agent/ann": "talks since 5.0 s",
        "sales/agent/ben": "is of tier 1, and the queue has opened tier 0 for the caller",
        "sales/agent/cem": "has english 0, and 2 is asked for",
        "sales/agent/dag": "is reserved for another caller of support since 5.0 s",
        "sales/agent/eva": "is not ready (lunch) since 5.0 s",
    }


# What is set ----------------------------------------------------------------------------------------------


def test_rules_and_memberships_change_while_callers_wait() -> None:
    desk = Desk(sales(needs=(Need("english", 2),)))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    assert desk.ringing() == {}
    desk.tell(inputs.QueueSet(sales()))
    assert desk.ringing() == {"ann": "c1"}
    desk.arrive("c2")
    desk.agent("ben", "support", on=False)
    desk.tell(inputs.AgentSignedOn("ben"))
    desk.tell(inputs.AgentSet(AgentProfile(id="ben", queues=(Membership(queue="sales"),))))
    assert desk.ringing() == {"ann": "c1", "ben": "c2"}


def test_a_new_queue_has_the_members_who_named_it_before() -> None:
    desk = Desk()
    desk.agent("ann", "sales")
    desk.tell(inputs.QueueSet(sales()))
    desk.arrive("c1")
    assert desk.ringing() == {"ann": "c1"}


def test_a_queue_that_is_removed_sends_its_callers_on() -> None:
    desk = Desk(sales(overflow_to=SUPPORT))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.arrive("c2")
    desk.tell(inputs.QueueRemoved("sales"))
    assert [fact.reason for fact in desk.all(CallerLeftQueue)] == ["removed", "removed"]
    assert desk.state("ann") == "available"
    desk.tell(inputs.QueueSet(sales()))
    desk.arrive("c3")
    assert desk.ringing() == {"ann": "c3"}


def test_an_agent_who_is_removed_leaves_the_caller_to_the_next() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.tell(inputs.AgentRemoved("ann"))
    assert desk.ringing() == {} and desk.centre.agent("ann") is None
    desk.agent("ben", "sales")
    assert desk.ringing() == {"ben": "c1"}
    desk.answer("ben")
    desk.tell(inputs.AgentRemoved("ben"))
    assert desk.refused() == "talking"


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        (QueueRules(name=""), "queue.name"),
        (QueueRules(name="q", strategy="fastest"), "queue q: strategy"),  # type: ignore[arg-type]
        (QueueRules(name="q", ring_ms=0), "queue q: ring_ms"),
        (QueueRules(name="q", wrap_up=WrapUp("never")), "queue q: wrap_up.mode"),  # type: ignore[arg-type]
        (QueueRules(name="q", capacity=-1), "queue q: capacity"),
        (QueueRules(name="q", relaxation=(Relaxation(2_000), Relaxation(1_000))), "queue q: relaxation"),
        (QueueRules(name="q", announcements=Announcements(every_ms=0)), "queue q: announcements.every_ms"),
    ],
)
def test_rules_that_cannot_be_are_named(rules: QueueRules, where: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_queue(rules)
    assert raised.value.where == where


@pytest.mark.parametrize(
    ("profile", "where"),
    [
        (AgentProfile(id=""), "agent.id"),
        (AgentProfile(id="a", skills={"x": 0}), "agent a: skills.x"),
        (AgentProfile(id="a", queues=(Membership(queue="q"), Membership(queue="q"))), "agent a: queues"),
        (AgentProfile(id="a", queues=(Membership(queue="q", weight=0),)), "agent a: queues.q.weight"),
    ],
)
def test_profiles_that_cannot_be_are_named(profile: AgentProfile, where: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_agent(profile)
    assert raised.value.where == where


# What goes wrong only now and then ------------------------------------------------------------------------


def test_who_came_first_goes_first_also_among_those_who_ask_for_different_things() -> None:
    needs = {"c1": (Need("greek", 1),), "c2": (), "c3": (Need("loans", 1),)}
    for calls in (("c1", "c2", "c3"), ("c2", "c3", "c1"), ("c3", "c1", "c2")):
        desk = Desk(sales())
        for call in calls:
            desk.arrive(call, needs=needs[call])
        desk.agent("ann", "sales", skills={"greek": 1, "loans": 1})
        order = []
        for _ in calls:
            order.append(desk.ringing()["ann"])
            desk.serve("ann")
        assert tuple(order) == calls


def test_a_strategy_does_not_give_an_agent_to_the_second_who_has_become_free_for_the_first_in_one_step() -> None:
    """The step comes late: two agents have become free meanwhile, and one of them is whom the first waits for."""
    desk = Desk(sales(strategy="linear", wrap_up=WrapUp("fixed", 10_000), preferred_ms=10**6))
    desk.agent("ann", Membership(queue="sales", order=1))
    desk.agent("ben", Membership(queue="sales", order=2))
    desk.arrive("c1")
    desk.arrive("c2")
    desk.answer("ann")
    desk.answer("ben")
    desk.arrive("first", preferred="ann")
    desk.arrive("second")
    desk.tell(inputs.AgentHungUp(desk.attempt("ben")), 1.0)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")), 2.0)

    desk.centre.step(60_000, inputs.Tick())

    assert desk.ringing() == {"ann": "first", "ben": "second"}


def test_of_those_whom_the_strategys_other_agent_must_serve_before_the_first_comes_first() -> None:
    """The step comes late: both agents have become free meanwhile. Who is last may have either, and its strategy would
    give it the one whom alone the two before it want; of these the one in front takes her, who had come later."""
    desk = Desk(sales(strategy="linear", wrap_up=WrapUp("fixed", 10_000)))
    desk.agent("ann", Membership(queue="sales", order=1), skills={"greek": 2})
    desk.agent("ben", Membership(queue="sales", order=2))
    desk.arrive("c1")
    desk.arrive("c2")
    desk.answer("ann")
    desk.answer("ben")
    desk.arrive("behind", needs=(Need("greek", 2),))
    desk.arrive("front", needs=(Need("greek", 1),), priority=1)
    desk.arrive("last")
    desk.tell(inputs.AgentHungUp(desk.attempt("ben")), 1.0)
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")), 2.0)

    desk.said += desk.centre.step(60_000, inputs.Tick())

    assert desk.ringing() == {"ann": "front", "ben": "last"}


def test_rings_that_were_missed_count_in_a_row_only() -> None:
    desk = Desk(sales(missed_most=2, ring_ms=10_000, rest_ms=0))
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.run(10.0)  # missed; rung again at once, and answered
    desk.serve("ann")
    desk.arrive("c2")
    desk.run(desk.now + 10.0)  # missed again, but not the second in a row
    assert desk.ringing() == {"ann": "c2"}
    desk.run(desk.now + 10.0)
    assert desk.state("ann") == "not_responding"


def test_a_limit_of_waiting_that_is_set_meanwhile_counts_from_the_arrival() -> None:
    desk = Desk(sales())
    desk.arrive("c1")
    desk.tell(inputs.QueueSet(sales(wait_most_ms=30_000)), 10.0)
    desk.run(60.0)
    assert (desk.left("c1").reason, desk.left("c1").at) == ("time", 30_000)


def test_a_clock_that_was_set_back_stands_still() -> None:
    desk = Desk(sales())
    desk.centre.step(10_000, inputs.CallerArrived(call=CallId("c1"), queue="sales"))
    facts = desk.centre.step(4_000, inputs.CallerLeft(CallId("c1")))
    assert [fact.at for fact in facts if isinstance(fact, CallerLeftQueue)] == [10_000]


def test_a_timer_that_was_set_anew_does_not_come_at_its_old_time() -> None:
    class Owner:
        def __init__(self) -> None:
            self.due: dict[str, int] = {}

    owner, timers = Owner(), Timers()
    timers.set(10, owner, "ring")
    timers.set(30, owner, "ring")
    timers.set(20, owner, "rest")
    owner.due.pop("rest")
    assert timers.next() == 30
    assert timers.take(29) is None
    assert timers.take(31) == (30, owner, "ring")
    assert timers.next() is None and owner.due == {}


def test_the_end_of_a_conversation_that_is_told_late_does_not_end_the_next() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    desk.arrive("c2")
    desk.answer("ann")
    first = desk.attempt("ann")
    desk.tell(inputs.CallerLeft(CallId("c1")))
    desk.answer("ann")

    assert desk.tell(inputs.AgentHungUp(first)) == []
    assert desk.tell(inputs.AgentHeld(first)) == []
    assert desk.talking() == {"ann": "c2"}
