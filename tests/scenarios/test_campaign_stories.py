"""Agents call the numbers of lists, on virtual time with model phones."""

import asyncio

import pytest

from softswitch.events import (
    AgentStateChanged,
    CallerLeftQueue,
    RecordClosed,
    RecordCoded,
    RecordPreviewed,
    RecordTried,
)
from softswitch.features.acd.model.inputs import WrapUpDone
from softswitch.features.campaigns.model.rules import Disposition, Retry
from softswitch.kernel.errors import NotFound
from tests.support.campaign_stories import campaign, results
from tests.support.queue_stories import desk, facts, states
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch


async def test_the_agents_phone_is_rung_first_and_then_the_number_which_is_shown_the_lists_own(
    house: SimulatedSwitch,
) -> None:
    (customer,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(
        house, "1001", caller_id="5550100", wrap_up_ms=20_000, dispositions={"sold": Disposition("never")}
    )
    agent = await taken(seat)
    assert states(house, "alice") == ["available", "outbound"]
    call = await taken(customer)
    assert call.invite_request is not None and "sip:5550100@" in call.invite_request.header("from")
    assert house.hear_each_other(agent, call)
    await asyncio.sleep(30)
    call.hang_up()
    await agent.until("over")
    await asyncio.sleep(1)
    (tried,) = facts(house, RecordTried)
    assert (tried.result, tried.agent) == ("answered", "alice") and 29_000 <= tried.talk_ms <= 32_000
    wraps = facts(house, AgentStateChanged)[-1]
    assert (wraps.state, wraps.queue) == ("wrap_up", "")
    house.features.queues.tell(WrapUpDone("alice", "sold"))
    await asyncio.sleep(1)
    assert states(house, "alice")[-1] == "available"
    assert [(fact.code, fact.agent) for fact in facts(house, RecordCoded)] == [("sold", "alice")]
    assert [fact.outcome for fact in facts(house, RecordClosed)] == ["answered"]
    assert campaigns.barring._barred == {"1001"}
    campaigns.stop()
    await house.settled()


@pytest.mark.parametrize(("status", "result"), [(486, "busy"), (480, "no_answer"), (603, "failed")])
async def test_a_number_that_refuses_lets_the_agent_go_to_the_next(
    house: SimulatedSwitch, status: int, result: str
) -> None:
    first, second = await registered(house, "1001", "1002")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001", "1002", retry={"busy": Retry(600_000), "no_answer": Retry(600_000)})
    agent = await taken(seat)
    (await first.rings()).refuse(status)
    await agent.until("over")
    agent = await taken(seat)
    call = await taken(second)
    assert results(house) == [("1001", result, "alice")]
    assert "wrap_up" not in states(house, "alice")
    assert [entry.due > 600_000 for entry in campaigns.one("spring").entries.values()][:1] == (
        [True] if result != "failed" else [False]
    )
    call.hang_up()
    campaigns.stop()
    await house.settled()


async def test_an_agent_who_does_not_pick_up_rests_and_nobody_was_called(house: SimulatedSwitch) -> None:
    (customer,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001", rest_ms=120_000)
    (await seat.rings()).refuse(486)
    await asyncio.sleep(60)
    assert results(house) == [("1001", "agent_missed", "alice")]
    assert not customer.calls and states(house, "alice")[-1] == "available"
    assert campaigns.one("spring").entries[1].attempts == 0
    await asyncio.sleep(59)
    agent = await taken(seat)
    call = await taken(customer)
    agent.hang_up()
    await call.until("over")
    campaigns.stop()
    await house.settled()


async def test_an_agent_who_hangs_up_while_it_rings_has_cancelled_the_call(house: SimulatedSwitch) -> None:
    (customer,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001")
    agent = await taken(seat)
    call = await customer.rings()
    call.ring()
    await asyncio.sleep(5)
    agent.hang_up()
    await call.until("over")
    await asyncio.sleep(1)
    assert results(house) == [("1001", "cancelled", "alice")]
    campaigns.stop()
    await house.settled()


async def test_an_agent_looks_at_a_record_and_the_number_is_called_when_it_says_so(house: SimulatedSwitch) -> None:
    (customer,) = await registered(house, "1001")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001", mode="preview")
    await asyncio.sleep(10)
    assert [fact.number for fact in facts(house, RecordPreviewed)] == ["1001"]
    assert not seat.calls and campaigns.preview("alice").number == "1001"
    campaigns.accept("alice")
    agent = await taken(seat)
    call = await taken(customer)
    assert house.hear_each_other(agent, call)
    call.hang_up()
    await agent.until("over")
    await asyncio.sleep(1)
    with pytest.raises(NotFound):
        campaigns.preview("alice")
    campaigns.stop()
    await house.settled()


async def test_a_caller_who_waits_goes_before_the_list(house: SimulatedSwitch) -> None:
    caller, customer = await registered(house, "1001", "1002")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1002", "1003", wrap_up_ms=0)
    agent = await taken(seat)
    call = await taken(customer)
    waits = caller.call("6001")
    await waits.until("up")
    call.hang_up()
    await agent.until("over")
    served = await taken(seat)
    assert house.hear_each_other(waits, served)
    assert results(house) == [("1002", "answered", "alice")]
    assert [fact.agent for fact in facts(house, CallerLeftQueue)] == ["alice"]
    campaigns.stop()
    waits.hang_up()
    await house.settled()


async def test_there_are_never_more_calls_than_agents(house: SimulatedSwitch) -> None:
    customers = await registered(house, "1001", "1002", "1003", "1004")
    seats = await desk(house, "alice", "bob")
    campaigns = campaign(house, "1001", "1002", "1003", "1004")
    agents = [await taken(seat) for seat in seats]
    await asyncio.sleep(10)
    assert sum(bool(customer.calls) for customer in customers) == 2
    assert campaigns.calls == 2
    campaigns.stop()
    for agent in agents:
        agent.hang_up()
    await house.settled()


async def test_an_agent_who_transfers_whom_it_called_is_done_with_the_call(house: SimulatedSwitch) -> None:
    customer, expert = await registered(house, "1001", "1002")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001", wrap_up_ms=60_000)
    agent = await taken(seat)
    call = await taken(customer)
    agent.refer("1002")
    moved = await taken(expert)
    await agent.until("over")
    await asyncio.sleep(1)
    assert house.hear_each_other(call, moved)
    assert results(house) == [("1001", "answered", "alice")] and campaigns.calls == 0
    assert states(house, "alice")[-1] == "wrap_up"
    campaigns.stop()
    call.hang_up()
    await house.settled()


async def test_an_agent_who_is_in_a_call_of_its_own_after_that_is_not_free(house: SimulatedSwitch) -> None:
    customer, friend = await registered(house, "1001", "1002")
    (seat,) = await desk(house, "alice")
    campaigns = campaign(house, "1001", wrap_up_ms=1_000)
    agent = await taken(seat)
    call = await taken(customer)
    own = seat.call("1002")
    await taken(friend)
    await own.until("up")
    call.hang_up()
    await agent.until("over")
    await asyncio.sleep(5)
    assert states(house, "alice")[-1] == "outbound"
    own.hang_up()
    await asyncio.sleep(1)
    assert states(house, "alice")[-1] == "available"
    campaigns.stop()
    await house.settled()
