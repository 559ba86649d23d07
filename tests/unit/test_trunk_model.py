"""Numbers, limits, orders and identities of trunks, as functions of values."""

import random
from typing import Any

import pytest

from softswitch.calls.identity import ANONYMOUS, Diversion, Identity
from softswitch.features.trunks.model import LimitRules, Load, Member, arrived, ordered, shown_to, worth_retrying
from softswitch.features.trunks.model.numbers import NumberRules, Rewrite, e164, received, sent, sent_caller
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Invalid
from tests.support.trunks import make_trunk

GERMANY = NumberRules(country="49")


@pytest.mark.parametrize(
    ("number", "full"),
    [
        ("+4930123456", "+4930123456"),
        ("004930123456", "+4930123456"),
        ("030123456", "+4930123456"),
        ("+49 (30) 123-456", "+4930123456"),
        ("+4930123456;phone-context=x", "+4930123456"),
        ("110", None),
        ("1001", None),
        ("+49", None),
        ("+1234567890123456", None),
        ("anonymous", None),
        ("+49x30", None),
        ("", None),
    ],
)
def test_a_number_is_known_by_its_country_or_not_at_all(number: str, full: str | None) -> None:
    assert e164(number, GERMANY) == full


@pytest.mark.parametrize(
    ("form", "german", "austrian", "short"),
    [
        ("as-is", "030123456", "00431234567", "110"),
        ("+e164", "+4930123456", "+431234567", "110"),
        ("e164", "4930123456", "431234567", "110"),
        ("international", "004930123456", "00431234567", "110"),
        ("national", "030123456", "00431234567", "110"),
    ],
)
def test_a_number_is_written_in_each_form(form: Any, german: str, austrian: str, short: str) -> None:
    out, back = NumberRules(country="49", outgoing=form), NumberRules(country="49", incoming=form)
    for rules, write in ((out, sent), (out, sent_caller), (back, received)):
        assert [write(number, rules) for number in ("030123456", "00431234567", "110")] == [german, austrian, short]


def test_the_first_pattern_that_fits_comes_before_the_form() -> None:
    rules = NumberRules(
        country="49",
        outgoing="+e164",
        rewrite_outgoing=(
            Rewrite(match=r"0(\d{3})", replace=r"030123\1"),
            Rewrite(match=r".*", replace="99"),
        ),
        rewrite_caller=(Rewrite(match=r"1(\d{3})", replace=r"0301\1"),),
    )
    assert (sent("0456", rules), sent("04567", rules), sent_caller("1001", rules)) == ("+4930123456", "99", "+49301001")


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ({"rewrite_outgoing": [{"match": "(", "replace": ""}]}, "numbers.rewrite_outgoing.0.match"),
        ({"rewrite_incoming": [{"match": "a", "replace": r"\1"}]}, "numbers.rewrite_incoming.0.replace"),
        ({"outgoing": "national"}, "numbers.country"),
    ],
)
def test_a_pattern_that_is_none_is_named(numbers: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        make_trunk(rules={"numbers": numbers})
    assert invalid.value.where == field


def test_a_trunk_carries_no_more_than_each_of_its_limits() -> None:
    load = Load(LimitRules(calls=3, calls_in=2, calls_out=2))
    assert load.take("in", 0) is None
    load.calls_in = 2
    assert load.take("in", 0) == "it carries 2 incoming calls, its limit"
    assert load.take("out", 0) is None
    load.calls_out = 1
    assert load.take("out", 0) == "it carries 3 calls, its limit"
    load.calls_in, load.calls_out = 0, 2
    assert load.take("out", 0) == "it carries 2 outgoing calls, its limit"
    assert load.refused == 3


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    load = Load(LimitRules(per_second=2, burst=4))
    assert [load.take("out", 10.0) for _ in range(4)] == [None] * 4
    assert load.take("out", 10.0) == "it takes 2 new calls a second, its limit"
    assert load.take("in", 10.0) is None  # each way by itself
    assert load.why_full("out", 10.5) is None and load.take("out", 10.5) is None
    assert load.take("out", 10.9) is not None and load.take("out", 11.0) is None
    assert [load.take("out", 1000.0) for _ in range(5)].count(None) == 4  # no more than a burst is saved up


def test_the_cheapest_comes_first_and_weights_divide_equals() -> None:
    dear, heavy, light = Member(trunk="dear", cost=5), Member(trunk="heavy", weight=3), Member(trunk="light")
    chance = random.Random(1)
    orders = [[member.trunk for member in ordered((dear, heavy, light), chance.random)] for _ in range(1000)]
    assert {order[2] for order in orders} == {"dear"}
    assert 700 < sum(order[0] == "heavy" for order in orders) < 800
    nothing = (Member(trunk="a", weight=0), Member(trunk="b", weight=0))
    assert [member.trunk for member in ordered(nothing, lambda: 0.5)] == ["a", "b"]


@pytest.mark.parametrize(
    ("cause", "status", "worth"),
    [
        (Cause.TEMPORARY_FAILURE, 503, True),
        (Cause.DESTINATION_OUT_OF_ORDER, 503, True),
        (Cause.RECOVERY_ON_TIMER_EXPIRY, 408, True),
        (Cause.NO_CIRCUIT_AVAILABLE, 403, True),
        (Cause.USER_BUSY, 486, False),
        (Cause.USER_BUSY, 503, False),
        (Cause.UNALLOCATED_NUMBER, 404, False),
        (Cause.NO_ANSWER, None, False),
        (Cause.INTERWORKING, 500, True),
    ],
)
def test_what_is_the_partys_own_is_not_tried_elsewhere(cause: Cause, status: int | None, worth: bool) -> None:
    from softswitch.features.trunks.model import RETRY_ON

    assert worth_retrying(cause, status, RETRY_ON) is worth


ANN = Party("030123456", "Ann")


def test_a_caller_is_shown_as_the_trunk_wants_it() -> None:
    trunk = make_trunk(
        rules={
            "numbers": {"country": "49", "outgoing": "+e164"},
            "identity": {"assert_by": "p-asserted-identity", "host": "carrier.example"},
        }
    )
    shown = shown_to(trunk, ANN, None)
    assert shown.from_ == Party("+4930123456", "Ann") and shown.style.host == "carrier.example"
    assert shown.identity == Identity(asserted=Party("+4930123456", "Ann"))
    assert shown_to(make_trunk(), ANN, None).identity is None


def test_a_private_caller_is_nobody_in_from_and_itself_in_the_asserted_identity() -> None:
    trunk = make_trunk(rules={"identity": {"assert_by": "p-asserted-identity", "trusted": True}})
    shown = shown_to(trunk, ANN, Identity(privacy=("id",)))
    assert (shown.from_, shown.identity) == (ANONYMOUS, Identity(asserted=ANN, privacy=("id",)))
    anonymous = make_trunk(rules={"identity": {"show": "anonymous"}})
    assert shown_to(anonymous, ANN, None).from_ == ANONYMOUS


def test_from_may_be_the_login_and_the_caller_stand_beside_it() -> None:
    rules = {"login": {"username": "4930"}, "identity": {"from_user": "login", "assert_by": "p-preferred-identity"}}
    shown = shown_to(make_trunk(rules=rules), ANN, None)
    assert shown.from_ == Party("4930", "Ann") and shown.identity is not None and shown.identity.asserted == ANN


def test_diversions_go_on_in_the_trunks_own_form() -> None:
    rules = {"numbers": {"country": "49", "outgoing": "+e164"}, "identity": {"divert_by": "both"}}
    known = Identity(diversions=(Diversion(Party("030999999"), "no-answer"),))
    shown = shown_to(make_trunk(rules=rules), ANN, known)
    assert shown.identity is not None and shown.identity.diversions[0].party == Party("+4930999999")


def test_an_asserted_identity_counts_where_the_trunk_is_trusted() -> None:
    said = Identity(asserted=Party("+4930123456", "Ann"), called="1002")
    numbers = {"country": "49", "incoming": "national"}
    stranger = make_trunk(rules={"numbers": numbers})
    came = arrived(stranger, Party("anonymous", "?"), Party("+4989"), said)
    assert (came.from_, came.identity.asserted) == (Party("anonymous", "?"), None)
    friend = make_trunk(rules={"numbers": numbers, "identity": {"trusted": True}})
    came = arrived(friend, Party("anonymous", "?"), Party("+4989123"), said)
    assert (came.from_, came.to) == (ANN, Party("089123"))


def test_a_call_to_our_own_contact_is_for_whom_the_network_says_was_called() -> None:
    trunk = make_trunk(token="secret-token")
    said = Identity(called="+4930123")
    assert arrived(trunk, ANN, Party("secret-token"), said).to.number == "+4930123"
    assert arrived(trunk, ANN, Party("1002"), said).to.number == "1002"
