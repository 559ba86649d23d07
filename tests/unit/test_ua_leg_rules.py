"""What is set for one party alone: session timers and reliable provisional responses, in both directions."""

import pytest

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Answer, Ring
from tests.support.ua_story import CALLER, OURS, Story, sdp

KNOWS = ("Supported: timer, 100rel", "Allow: INVITE, ACK, BYE, PRACK, UPDATE")


@pytest.mark.parametrize(("expires", "said"), [(None, "1800"), (600, "600"), (0, None)])
def test_we_ask_a_party_for_its_own_interval(expires: int | None, said: str | None) -> None:
    invite = Story().dials(rules=LegRules(session_expires=expires))
    assert invite.header("Session-Expires") == said


def test_an_interval_of_its_own_may_be_raised_once_too() -> None:
    story = Story()
    invite = story.dials(rules=LegRules(session_expires=100))
    story.replies(invite, 422, headers=("Min-SE: 2000",))
    again = next(message for message in story.said() if getattr(message, "method", "") == "INVITE")
    assert again.header("Session-Expires") == "2000" and again.header("Min-SE") == "2000"


@pytest.mark.parametrize(("expires", "granted"), [(None, "1800"), (300, "300"), (0, "7200")])
def test_a_party_is_granted_no_more_than_its_own_interval(expires: int | None, granted: str) -> None:
    story = Story()
    story.accounts.rules = LegRules(session_expires=expires)
    story.calls(headers=(*KNOWS, "Session-Expires: 7200;refresher=uac"))
    story.commands(Answer(OURS), CALLER)
    assert story.only_response(200).header("Session-Expires") == f"{granted};refresher=uac"


@pytest.mark.parametrize(
    ("reliable", "supported", "required"), [("as-set", True, False), ("never", False, False), ("required", True, True)]
)
def test_our_calls_offer_or_require_reliable_responses_as_is_set(
    reliable: str, supported: bool, required: bool
) -> None:
    rules = LegRules(reliable=reliable)  # type: ignore[arg-type]
    invite = Story().dials(rules=rules)
    assert ("100rel" in invite.headers("Supported")) is supported
    assert (invite.header("Require") == "100rel") is required
    late = Story().dials(offer=None, rules=rules)
    assert late.header("Require") is None and "100rel" not in late.headers("Supported")


@pytest.mark.parametrize(("reliable", "sent"), [("as-set", False), ("never", False), ("supported", True)])
def test_a_caller_that_can_is_told_reliably_as_is_set(reliable: str, sent: bool) -> None:
    story = Story()
    story.accounts.rules = LegRules(reliable=reliable)  # type: ignore[arg-type]
    story.calls(headers=KNOWS)
    story.commands(Ring(), CALLER)
    ringing = story.only_response(180)
    assert (ringing.header("RSeq") is not None) is sent


def test_a_caller_that_requires_reliable_ringing_gets_it_whatever_is_set() -> None:
    story = Story()
    story.accounts.rules = LegRules(reliable="never")
    story.calls(body=sdp(), headers=("Require: 100rel",))
    story.commands(Ring(), CALLER)
    assert story.only_response(180).header("RSeq") is not None
