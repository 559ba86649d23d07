"""Callbacks: the place is kept, agents are not kept from callers, numbers are called when they may be."""

from itertools import product

from softswitch.events import (
    AgentStateChanged,
    CallbackDialled,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
)
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.effects import (
    Connect,
    DialCallback,
    DropAgent,
    OfferCallback,
    Ring,
    SendOn,
    StopCallback,
)
from softswitch.features.acd.model.rules import CallbackRules, Need, QueueRules
from softswitch.kernel.ids import CallId
from tests.support.acd_desk import Desk, sales

HOUR = 3_600_000


def asked(desk: Desk, call: str, number: str = "5551", **about: object) -> int:
    """A caller that waits is to be called back; the number of its stay."""
    desk.tell(inputs.CallbackAccepted(call=CallId(call), number=number, **about))  # type: ignore[arg-type]
    return desk.last(CallbackRequested).stay


def test_who_asks_to_be_called_back_keeps_its_place() -> None:
    desk = Desk(sales(callback_digit="2"))
    desk.arrive("c1")
    desk.arrive("c2")
    desk.arrive("c3")
    assert desk.tell(inputs.DigitPressed(CallId("c2"), "2")) == [OfferCallback(CallId("c2"))]

    stay = asked(desk, "c2")

    assert (desk.left("c2").outcome, desk.left("c2").stay) == ("callback", stay)
    assert desk.last(SendOn).reason == "callback"
    desk.agent("ann", "sales")
    order = []
    for _ in range(3):
        ring = desk.last(Ring)
        order.append((ring.call, ring.callback))
        desk.answer("ann")
        if ring.callback:
            assert desk.last(DialCallback).number == "5551"
            desk.tell(inputs.CallbackAnswered(desk.last(DialCallback).attempt, CallId("back")))
            assert desk.last(Connect).call == "back"
        desk.tell(inputs.AgentHungUp(desk.attempt("ann")))
    assert order == [("c1", False), ("c2", True), ("c3", False)]
    assert desk.last(CallbackEnded).outcome == "connected"


def test_the_agent_is_on_the_line_before_the_number_is_called() -> None:
    desk = Desk(sales())
    desk.arrive("c1")
    asked(desk, "c1")
    desk.agent("ann", "sales")
    assert not desk.all(DialCallback)
    desk.answer("ann")
    assert desk.state("ann") == "outbound"
    desk.tell(inputs.CallbackAnswered(desk.last(DialCallback).attempt, CallId("back")), 5.0)
    assert desk.talking() == {"ann": "back"}
    desk.tell(inputs.CallerLeft(CallId("back")), 65.0)
    assert desk.state("ann") == "available"


def test_a_number_that_does_not_answer_is_called_again_later_and_not_for_ever() -> None:
    desk = Desk(sales(callback=CallbackRules(attempts=2, retry_ms=60_000)))
    desk.agent("ann", "sales")
    desk.tell(inputs.AgentNotReady("ann", "break"))
    desk.arrive("c1")
    asked(desk, "c1")
    desk.tell(inputs.AgentReady("ann"))
    desk.answer("ann")

    desk.tell(inputs.CallbackFailed(desk.last(DialCallback).attempt), 30.0)

    assert desk.last(DropAgent).agent == "ann"
    assert desk.state("ann") == "available" and desk.ringing() == {}
    desk.run(89.999)
    assert desk.ringing() == {}
    desk.run(90.0)
    desk.answer("ann")
    desk.tell(inputs.CallbackFailed(desk.last(DialCallback).attempt), 120.0)
    assert (desk.last(CallbackEnded).outcome, desk.last(CallbackEnded).attempts) == ("failed", 2)
    assert desk.state("ann") == "available"


def test_callers_are_not_starved_by_numbers_that_do_not_answer() -> None:
    """Ten who asked to be called back came first; their numbers never answer."""
    desk = Desk(sales(callback=CallbackRules(attempts=1, live_between=1)))
    for number in range(10):
        desk.arrive(f"back-{number}")
        asked(desk, f"back-{number}")
    for number in range(3):
        desk.arrive(f"live-{number}")
    desk.agent("ann", "sales")

    order = []
    for _ in range(13):
        ring = desk.last(Ring)
        order.append(str(ring.call))
        desk.answer("ann")
        desk.run(desk.now + 30.0)
        if ring.callback:
            desk.tell(inputs.CallbackFailed(desk.last(DialCallback).attempt))
        else:
            desk.tell(inputs.AgentHungUp(desk.attempt("ann")))

    assert order[:6] == ["back-0", "live-0", "back-1", "live-1", "back-2", "live-2"]
    assert order[6:] == [f"back-{number}" for number in range(3, 10)]


def test_with_no_live_callers_between_the_place_alone_decides() -> None:
    desk = Desk(sales(callback=CallbackRules(live_between=0)))
    for number in range(2):
        desk.arrive(f"back-{number}")
        asked(desk, f"back-{number}")
    desk.arrive("live")
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    assert set(desk.ringing().values()) == {"back-0", "back-1"}


def test_so_many_agents_and_no_more_are_busy_with_callbacks_at_once() -> None:
    desk = Desk(sales(callback=CallbackRules(most_at_once=1)))
    for number in range(3):
        desk.arrive(f"back-{number}")
        asked(desk, f"back-{number}")
    desk.agent("ann", "sales")
    desk.agent("ben", "sales")
    assert desk.ringing() == {"ann": "back-0"}
    desk.answer("ann")
    assert desk.ringing() == {}
    desk.tell(inputs.CallbackAnswered(desk.last(DialCallback).attempt, CallId("back")))
    assert desk.ringing() == {"ben": "back-1"}


def test_a_number_is_called_within_its_windows_only_and_expires_after_them() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales", on=False)
    desk.arrive("c1")
    asked(desk, "c1", windows=((HOUR, 2 * HOUR), (3 * HOUR, 4 * HOUR)))
    desk.tell(inputs.AgentSignedOn("ann"))
    desk.run(3_599.999)
    assert desk.ringing() == {}
    desk.run(3_600.0)
    assert desk.ringing() == {"ann": "c1"}
    desk.run(3_620.0)
    assert desk.state("ann") == "not_responding"
    desk.run(7_200.0)
    desk.tell(inputs.AgentReady("ann"))
    assert desk.ringing() == {}
    desk.tell(inputs.AgentNotReady("ann", "lunch"), 10_000.0)
    desk.run(14_400.0)
    assert desk.last(CallbackEnded).outcome == "expired"
    desk.tell(inputs.AgentReady("ann"))
    assert desk.ringing() == {}


def test_an_agent_who_hangs_up_while_the_number_is_called_stops_that_and_it_does_not_count() -> None:
    desk = Desk(sales(callback=CallbackRules(attempts=1)))
    desk.arrive("c1")
    asked(desk, "c1")
    desk.agent("ann", "sales")
    desk.answer("ann")
    desk.tell(inputs.AgentHungUp(desk.attempt("ann")))
    assert desk.last(StopCallback).attempt == desk.last(DialCallback).attempt
    assert not desk.all(CallbackEnded)
    effects = desk.tell(inputs.CallbackAnswered(desk.last(DialCallback).attempt, CallId("back")))  # in the same moment
    assert effects == [StopCallback(desk.last(DialCallback).attempt)]
    desk.agent("ben", "sales")
    assert desk.ringing() == {"ben": "c1"}


def test_a_callback_is_cancelled_waiting_ringing_or_dialled() -> None:
    for stage in ("waiting", "ringing", "dialled"):
        desk = Desk(sales())
        desk.arrive("c1")
        stay = asked(desk, "c1")
        if stage != "waiting":
            desk.agent("ann", "sales")
        if stage == "dialled":
            desk.answer("ann")
        desk.tell(inputs.CallbackCancelled(stay))
        assert desk.last(CallbackEnded).outcome == "cancelled"
        assert desk.ringing() == {}
        if stage != "waiting":
            assert desk.state("ann") == "available"
        assert len(desk.all(StopCallback)) == (stage == "dialled")
        assert len(desk.all(CallbackDialled)) == (stage == "dialled")


def test_a_caller_for_whom_a_phone_rings_may_ask_too() -> None:
    desk = Desk(sales())
    desk.agent("ann", "sales")
    desk.arrive("c1")
    asked(desk, "c1")
    assert desk.ringing() == {"ann": "c1"} and desk.last(Ring).callback
    assert [fact.state for fact in desk.all(AgentStateChanged)] == ["available", "reserved", "available", "reserved"]


def test_callbacks_of_a_queue_that_is_removed_are_over() -> None:
    desk = Desk(sales(), QueueRules(name="support"))
    for queue in ("sales", "support"):
        desk.arrive(f"c-{queue}", queue)
        asked(desk, f"c-{queue}")
    desk.tell(inputs.QueueRemoved("sales"))
    assert [fact.queue for fact in desk.all(CallbackEnded)] == ["sales"]
    assert [fact.outcome for fact in desk.all(CallerLeftQueue)] == ["callback", "callback"]


def test_of_two_to_be_called_back_who_ask_for_different_things_the_first_is_called_first() -> None:
    """Whichever of them asked first: the place is that of the arrival."""
    for needs, order in product(((Need("greek", 1),), ()), (("c1", "c2"), ("c2", "c1"))):
        desk = Desk(sales())
        desk.arrive("c1", needs=needs)
        desk.arrive("c2", needs=() if needs else (Need("greek", 1),))
        for call in order:
            asked(desk, call)
        desk.agent("ann", "sales", skills={"greek": 1})
        assert desk.ringing() == {"ann": "c1"}


def test_when_several_callbacks_give_way_in_one_step_as_many_others_take_their_agents() -> None:
    """Two ring in vain until their windows are over: the next two are called, and agents are free for both."""
    desk = Desk(sales(callback=CallbackRules(most_at_once=2), ring_ms=20_000, strategy="linear", missed_most=9))
    for call in ("c1", "c2", "c3", "c4"):
        desk.arrive(call)
        asked(desk, call, windows=((0, 15_000),) if call in ("c1", "c2") else ())
    for agent in ("ann", "ben", "cem", "dan"):
        desk.agent(agent, "sales")
    assert desk.ringing() == {"ann": "c1", "ben": "c2"}

    desk.run(20.0)

    assert desk.ringing() == {"cem": "c3", "dan": "c4"}
    assert [fact.outcome for fact in desk.all(CallbackEnded)] == ["expired", "expired"]
