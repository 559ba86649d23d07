"""How people are reached: forwards, do not disturb, call waiting and speed dials, on virtual time."""

import asyncio

import pytest
from msgspec import structs

from softswitch.events import CallForwarded, CallTraced
from softswitch.features.reach.model import ReachRules
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.media import Srtp
from tests.support.invariants import records
from tests.support.stories import causes, registered, talking
from tests.support.switch import SimulatedSwitch


def settle_rules(house: SimulatedSwitch, account: str, rules: ReachRules) -> None:
    house.features.reach._take(account, rules)


async def test_a_call_is_forwarded_always_and_the_record_says_by_whom(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    settle_rules(house, "1002", ReachRules(forward_always="1003"))
    out = alice.call("1002")
    back = await carol.rings()
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (cdr.to, cdr.destination) == ("1002", Destination("account", "1003"))
    (forward,) = cdr.forwards
    assert (str(forward.by), forward.number, forward.reason) == ("account/1002", "1003", "unconditional")
    assert bob.incoming.empty()


@pytest.mark.parametrize(("status", "reason"), [(486, "user-busy"), (603, "user-busy"), (503, "unavailable")])
async def test_a_phone_that_refuses_sends_the_call_where_its_owner_said(
    house: SimulatedSwitch, status: int, reason: str
) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    settle_rules(house, "1002", ReachRules(forward_busy="1003", forward_offline="1003"))
    out = alice.call("1002")
    (await bob.rings()).refuse(status)
    back = await carol.rings()
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert [forward.reason for forward in cdr.forwards] == [reason]
    assert (cdr.disposition, len(cdr.legs)) == ("answered", 3)


async def test_nobody_answers_and_the_call_goes_on_after_the_time_its_owner_set(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    settle_rules(house, "1002", ReachRules(forward_no_answer="1003", no_answer_seconds=10))
    out = alice.call("1002")
    rung = await bob.rings()
    rung.ring()
    back = await carol.rings()
    assert 10 <= house.loop.time() < 11
    await rung.until("over")
    back.answer()
    await out.until("up")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()


async def test_an_account_without_a_phone_is_forwarded_with_its_own_rights(house: SimulatedSwitch) -> None:
    # The guest may not call 1003, nor 1002 himself; but whom 1002 trusts with its calls is 1002's to say.
    (alice, carol) = await registered(house, "1001", "1003")
    settle_rules(house, "1002", ReachRules(forward_offline="1003"))
    out = alice.call("1002")
    back = await carol.rings()
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    assert [fact.number for fact in house.facts if isinstance(fact, CallForwarded)] == ["1003"]


async def test_who_is_not_to_be_disturbed_is_busy_and_no_phone_rings(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    settle_rules(house, "1002", ReachRules(do_not_disturb=True))
    out = alice.call("1002")
    await out.until("over")
    assert out.status == 486
    await house.settled()
    assert bob.incoming.empty() and causes(house) == [Cause.USER_BUSY]


async def test_without_call_waiting_a_second_call_finds_the_line_busy(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    settle_rules(house, "1002", ReachRules(call_waiting=False))
    out, back = await talking(house, alice, bob)
    second = carol.call("1002")
    await second.until("over")
    assert second.status == 486
    out.hang_up()
    await back.until("over")
    third = carol.call("1002")
    (await bob.rings()).answer()
    await third.until("up")
    third.hang_up()
    await house.settled()


async def test_forwards_that_go_round_in_a_circle_end_the_call(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    settle_rules(house, "1002", ReachRules(forward_always="1003"))
    settle_rules(house, "1003", ReachRules(forward_always="1002"))
    out = alice.call("1002")
    await out.until("over")
    assert out.status == 404
    await house.settled()
    assert causes(house) == [Cause.NO_ROUTE_TO_DESTINATION]


async def test_a_speed_dial_is_its_owners_number(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    settle_rules(house, "1001", ReachRules(speed_dials={"07": "1003"}))
    out = alice.call("*007")
    back = await carol.rings()
    back.answer()
    await out.until("up")
    out.hang_up()
    nothing = bob.call("*007")
    await nothing.until("over")
    assert nothing.status == 404
    await house.settled()


async def test_explain_follows_the_forwards_a_call_would_meet(house: SimulatedSwitch) -> None:
    settle_rules(house, "1002", ReachRules(forward_always="*007"))
    settle_rules(house, "1003", ReachRules(do_not_disturb=True))
    settle_rules(house, "1001", ReachRules(speed_dials={"07": "1002"}))
    settle_rules(house, "1002", ReachRules(forward_always="*007", speed_dials={"07": "1003"}))
    said = house.features.plan.explain("1001", "*007")
    decided = [(step.rule, step.result) for step in said.steps if step.result != "skipped"]
    assert decided == [
        ("default/speed-dial", "matched"),
        ("speeddial/07", "matched"),
        ("default/accounts", "matched"),
        ("account/1002.forward_always", "matched"),
        ("default/speed-dial", "matched"),
        ("speeddial/07", "matched"),
        ("default/accounts", "matched"),
        ("account/1003.do_not_disturb", "failed"),
    ]
    assert said.cause is Cause.USER_BUSY


async def test_explain_ends_where_forwards_go_round(house: SimulatedSwitch) -> None:
    settle_rules(house, "1002", ReachRules(forward_always="1003"))
    settle_rules(house, "1003", ReachRules(forward_always="1002"))
    said = house.features.plan.explain("1001", "1002")
    assert said.cause is Cause.NO_ROUTE_TO_DESTINATION
    assert said.steps[-1].reason == "the call was forwarded in a circle"


async def test_who_found_a_line_busy_is_called_back_when_both_are_free(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    asking = carol.call("*371002")
    await asking.until("over")
    assert asking.how == "cleared" and [waiting.account for waiting in house.features.callbacks] == ["1003"]
    out.hang_up()
    await back.until("over")
    rung = await carol.rings(within=10)
    rung.answer()
    again = await bob.rings()
    again.answer()
    await again.until("up")
    await asyncio.sleep(1)
    assert house.hear_each_other(rung, again)
    assert not list(house.features.callbacks)
    rung.hang_up()
    await house.settled()


async def test_a_callback_waits_until_its_asker_is_free_too(house: SimulatedSwitch) -> None:
    alice, bob, carol, dan = await registered(house, "1001", "1002", "1003", "1004")
    out, back = await talking(house, alice, bob)
    asking = carol.call("*371002")
    await asking.until("over")
    other, end = await talking(house, dan, carol)
    out.hang_up()
    await back.until("over")
    await asyncio.sleep(20)
    assert carol.incoming.empty() and len(list(house.features.callbacks)) == 1
    other.hang_up()
    await end.until("over")
    (await carol.rings(within=10)).refuse(486)
    await house.settled()
    assert not list(house.features.callbacks)  # who declines it has had it


async def test_a_callback_for_a_free_line_is_a_call(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("*371002")
    (await bob.rings()).answer()
    await out.until("up")
    out.hang_up()
    await house.settled()


async def test_callbacks_are_withdrawn_and_run_out(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    out, back = await talking(house, alice, bob)
    for number in ("*371002", "*371002", "*37"):
        asking = carol.call(number)
        await asking.until("over")
        assert len(list(house.features.callbacks)) == (1 if number != "*37" else 0)
    asking = carol.call("*371002")
    await asking.until("over")
    await asyncio.sleep(46 * 60)
    assert not list(house.features.callbacks)
    out.hang_up()
    await back.until("over")
    await asyncio.sleep(30)
    assert carol.incoming.empty()
    await house.settled()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4444", "no rule of context 'default' is for this number"),
        ("*099", "1001 has no speed dial 99"),
        ("1003", "account 1003 is disabled"),
        ("1004", "1004 does not want to be disturbed"),
        ("1005", "no phone of 1005 is registered now"),
        ("80001", "it is disabled"),
    ],
)
async def test_each_refusal_is_a_step_of_the_explanation(house: SimulatedSwitch, number: str, said: str) -> None:
    directory, trunks = house.features.directory, house.features.trunks
    directory._accounts["1003"] = structs.replace(directory._accounts["1003"], enabled=False)
    settle_rules(house, "1004", ReachRules(do_not_disturb=True))
    uas = trunks.trunk("uas")
    assert uas is not None
    trunks._remember({"uas": structs.replace(uas, enabled=False)})
    (alice,) = await registered(house, "1001")
    explained = house.features.plan.explain("1001", number)
    out = alice.call(number)
    await out.until("over")
    await house.settled()
    (cdr,) = records(house.facts).values()
    assert (explained.steps[-1].result, explained.steps[-1].reason) == ("failed", said)
    # What is said beforehand is what comes of it, for the reason that stands in the call's ladder.
    assert explained.cause is (cdr.cause if number != "1005" else None)
    (traced,) = [fact for fact in house.facts if isinstance(fact, CallTraced)]
    notes = [line.what for line in traced.lines if line.direction == "note"]
    assert any(said.removesuffix(" now").removeprefix("it ") in note for note in notes), notes


async def test_a_forward_to_a_code_is_explained_as_refused(house: SimulatedSwitch) -> None:
    settle_rules(house, "1002", ReachRules(forward_always="*371003"))
    said = house.features.plan.explain("1001", "1002")
    assert (said.cause, said.steps[-1].reason) == (Cause.FACILITY_REJECTED, "1002 forwards to a code of 1001")
    assert house.features.plan.explain("1001", "*371003").cause is None


async def test_what_an_account_would_do_with_a_call_is_explained(house: SimulatedSwitch) -> None:
    await registered(house, "1002")
    settle_rules(house, "1002", ReachRules(forward_no_answer="1003", no_answer_seconds=10, forward_busy="1004"))
    said = house.features.plan.explain("1001", "1002")
    assert (said.cause, said.steps[-1].rule, said.steps[-1].result) == (None, "account/1002", "matched")
    assert said.steps[-1].reason == (
        "its phones ring for 10 s; when nobody answers the call goes on to 1003;"
        " when it is busy the call goes on to 1004"
    )
    bob = house.features.directory._accounts["1002"]
    secured = structs.replace(bob, origin=structs.replace(bob.origin, srtp=Srtp.PREFERRED))
    house.features.directory._accounts["1002"] = secured
    said = house.features.plan.explain("1001", "1002")
    assert said.steps[-1].reason.startswith("its phones ring for 10 s; SRTP is preferred; when")
    said = house.features.plan.explain("1001", "80001")
    assert said.steps[-1].reason == "sent to sip:80001@10.0.0.80:5080; the caller is shown as 1001"


async def test_callers_who_hide_are_refused_where_one_wants_that(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    settle_rules(house, "1002", ReachRules(reject_anonymous=True))
    hidden = alice.call("*671002")
    await hidden.until("over")
    assert hidden.status == 433
    alice.says = [("Privacy", "id")]
    again = alice.call("1002")
    await again.until("over")
    assert again.status == 433
    alice.says = []
    out, _ = await talking(house, alice, bob)
    out.hang_up()
    await house.settled()


async def test_a_withheld_number_is_shown_to_nobody(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = alice.call("*671002")
    back = await bob.rings()
    assert "1001" not in back.invitation.header("from") and "anonymous" in back.invitation.header("from")
    back.answer()
    await out.until("up")
    out.hang_up()
    far = alice.call("*6780001")
    outside = await house.trunk.rings()
    assert "1001" not in outside.invitation.header("from")
    far.cancel()
    await house.settled()
    assert [cdr.from_ for cdr in house.records.values()] == ["1001", "1001"]


async def test_a_phone_is_shown_the_name_from_the_directory(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    accounts = house.features.directory._accounts
    known = accounts["1001"]
    out = alice.call("1002", label="The Boss")
    back = await bob.rings()
    assert '"The Boss"' in back.invitation.header("from")
    out.cancel()
    await back.until("over")
    accounts["1001"] = structs.replace(known, origin=structs.replace(known.origin, shown_name="Ann Lee"))
    out = alice.call("1002", label="The Boss")
    back = await bob.rings()
    assert '"Ann Lee" <sip:1001@' in back.invitation.header("from")
    out.cancel()
    await house.settled()
