"""What tells a party that its call is over waits until that is on record."""

from gateways.sip.ua.farewells import HELD_AT_MOST
from softswitch.calls.signals import HangUp
from softswitch.kernel.cause import Cause
from tests.support.ua_story import CALLER, Story


def recorded_late() -> Story:
    story = Story()
    story.switch.slow_record = []
    return story


def recorded(story: Story) -> None:
    """All that was told is on record now."""
    assert story.switch.slow_record
    waiting, story.switch.slow_record = story.switch.slow_record, []
    for then in waiting:
        then()
    story.settle()


def test_a_bye_is_answered_when_the_end_of_its_leg_is_on_record() -> None:
    story = recorded_late()
    answer = story.talking_as_called()
    story.in_call("BYE", answer, 2)
    assert len(story.ended) == 1
    assert story.lines() == []
    story.in_call("BYE", answer, 2, branch="z9hG4bK-3")  # sent again meanwhile
    recorded(story)
    assert story.lines() == ["200 BYE"]
    assert story.is_clean()


def test_a_record_that_is_late_holds_a_bye_up_for_two_seconds_at_most() -> None:
    story = recorded_late()
    answer = story.talking_as_called()
    story.in_call("BYE", answer, 2)
    story.passes(HELD_AT_MOST - 0.1)
    assert story.lines() == []
    story.passes(0.2)
    assert story.lines() == ["200 BYE"]
    recorded(story)
    assert story.lines() == []
    assert story.is_clean()


def test_a_refusal_waits_for_the_record() -> None:
    story = recorded_late()
    story.calls()
    story.commands(HangUp(Cause.USER_BUSY), CALLER)
    assert story.lines() == []
    recorded(story)
    assert story.lines() == ["486 INVITE"]
    assert story.agent.gauges()["farewells"] == 0


def test_a_caller_who_gives_up_hears_of_its_end_when_that_is_on_record() -> None:
    story = recorded_late()
    invite = story.calls()
    story.cancels(invite)
    assert story.lines() == ["200 CANCEL"]
    recorded(story)
    assert story.lines() == ["487 INVITE"]


def test_a_cancel_that_comes_while_a_refusal_is_held_changes_nothing() -> None:
    story = recorded_late()
    invite = story.calls()
    story.commands(HangUp(Cause.USER_BUSY), CALLER)
    story.cancels(invite)
    recorded(story)
    assert story.lines() == ["200 CANCEL", "486 INVITE"]
    assert len(story.ended) == 1


def test_the_bye_of_a_party_whom_we_called_is_held_too_and_one_that_crosses_ours() -> None:
    story = recorded_late()
    invite = story.talking_as_caller()
    story.commands(HangUp(Cause.NORMAL_CLEARING))
    bye = story.only_request("BYE")
    story.in_called("BYE", invite, 1)
    assert story.lines() == []
    recorded(story)
    assert story.lines() == ["200 BYE"]
    story.replies(bye, 200)
    assert story.is_clean()


def test_whoever_stops_holds_nothing_back() -> None:
    story = recorded_late()
    answer = story.talking_as_called()
    story.in_call("BYE", answer, 2)
    story.agent.stop_holding()
    story.settle()
    assert story.lines() == ["200 BYE"]
