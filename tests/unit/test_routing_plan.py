from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.features.routing.model import (
    Callers,
    Context,
    Plan,
    PlanDocument,
    Rewrite,
    RouteRequest,
    Rule,
    TimeWindow,
    demo_plan,
)
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid


def request(number: str, *, caller: str = "1001", context: str = "default", at: int = 0) -> RouteRequest:
    return RouteRequest(number, caller, context, "account", caller, at)


def plan(*rules: Rule, contexts: tuple[Context, ...] = (Context(name="default"),)) -> Plan:
    return Plan.compile(PlanDocument(contexts=contexts, rules=rules), 1)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_first_rule_that_fits_decides() -> None:
    routes = plan(
        Rule(name="special", number="8123", destination="echo"),
        Rule(name="all", number="8XXX", destination="trunk/uas"),
    )
    assert routes.route(request("8123")).destination == Destination("echo")
    routed = routes.route(request("8124"))
    assert (routed.destination, routed.number) == (Destination("trunk", "uas"), "8124")
    assert [(step.rule, step.result) for step in routed.steps] == [("default/all", "matched")]


def test_explaining_says_of_each_rule_why_it_was_passed_by() -> None:
    routes = plan(
        Rule(name="off", number="8XXX", destination="echo", enabled=False),
        Rule(name="other", number="9XXX", destination="echo"),
        Rule(name="vip", number="8XXX", destination="echo", callers=Callers(number="2XXX")),
        Rule(name="trunk", number="8XXX", destination="echo", callers=Callers(origin="trunk/uas")),
        Rule(name="late", number="8XXX", destination="echo", times=(TimeWindow(start="20:00", until="22:00"),)),
        Rule(name="all", number="8.", destination="trunk/uas", note="the rest"),
        Rule(name="after", number="8.", destination="echo"),
    )
    routed = routes.route(request("8123", at=moment("2026-11-21T12:00")), explain=True)
    assert [(step.rule, step.result, step.reason) for step in routed.steps] == [
        ("default/off", "skipped", "the rule is switched off"),
        ("default/other", "skipped", "8123 does not match 9XXX"),
        ("default/vip", "skipped", "caller 1001 does not match 2XXX"),
        ("default/trunk", "skipped", "the call comes from account/1001, not from trunk/uas"),
        ("default/late", "skipped", "Sat 2026-11-21 12:00 in UTC is outside its times"),
        ("default/all", "matched", "the number matches 8.: to trunk/uas; the rest"),
    ]


def test_a_number_no_rule_is_for_is_told_from_one_that_is_not_for_this_caller() -> None:
    routes = plan(Rule(name="vip", number="8XXX", destination="echo", callers=Callers(number="2XXX")))
    assert routes.route(request("7000")).cause is Cause.UNALLOCATED_NUMBER
    assert routes.route(request("8000")).cause is Cause.NO_ROUTE_TO_DESTINATION
    assert routes.route(request("8000", context="none")).cause is Cause.NO_ROUTE_TO_DESTINATION
    assert routes.route(request("8" * 65)).cause is Cause.INVALID_NUMBER_FORMAT
    assert routes.route(request("")).cause is Cause.INVALID_NUMBER_FORMAT


@pytest.mark.parametrize(
    ("match", "pattern", "rewrite", "dialled", "sent"),
    [
        ("prefix", "0", Rewrite(strip=1, prefix="+49"), "0301234", "+49301234"),
        ("prefix", "9", Rewrite(strip=1), "9301", "301"),
        ("pattern", "9NXX", Rewrite(replace="+1${1}"), "9200", "+1200"),
        ("regex", r"(\d)(\d*)", Rewrite(replace="${2}-${1}-${0}"), "123", "23-1-123"),
        ("regex", r"(1)?2", Rewrite(replace="x${1}"), "2", "x"),
    ],
)
def test_numbers_are_rewritten(match: str, pattern: str, rewrite: Rewrite, dialled: str, sent: str) -> None:
    routes = plan(Rule(name="r", number=pattern, match=match, rewrite=rewrite, destination="account/{number}"))  # type: ignore[arg-type]
    routed = routes.route(request(dialled))
    assert (routed.number, routed.destination) == (sent, Destination("account", sent))


def test_the_callers_number_may_be_shown_otherwise() -> None:
    routes = plan(Rule(name="out", number="8.", destination="trunk/uas", caller_number="+4930${0}"))
    assert routes.route(request("81")).caller == "+49301001"


@pytest.mark.parametrize(
    ("window", "zone", "inside", "outside"),
    [
        (TimeWindow(weekdays=("mon", "fri")), "UTC", "2026-11-20T12:00", "2026-11-21T12:00"),
        (TimeWindow(start="09:00", until="17:30"), "UTC", "2026-11-20T09:00", "2026-11-20T17:30"),
        (TimeWindow(start="09:00", until="17:30"), "Asia/Shanghai", "2026-11-20T01:00", "2026-11-20T09:30"),
        (TimeWindow(start="09:00", until="17:30"), "Europe/Berlin", "2026-07-01T07:00", "2026-07-01T06:59"),
        (TimeWindow(start="22:00", until="06:00"), "UTC", "2026-11-20T23:00", "2026-11-20T06:00"),
        (TimeWindow(weekdays=("fri",), start="22:00", until="06:00"), "UTC", "2026-11-21T05:59", "2026-11-20T05:59"),
        (TimeWindow(start="18:00"), "UTC", "2026-11-20T23:59", "2026-11-20T17:59"),
        (TimeWindow(dates=("2026-12-24/2026-12-26",)), "UTC", "2026-12-26T23:59", "2026-12-27T00:00"),
        (TimeWindow(dates=("2026-12-31", "2027-01-01")), "Asia/Shanghai", "2026-12-30T16:00", "2027-01-01T16:00"),
    ],
)
def test_times_are_kept_in_their_own_time_zone(window: TimeWindow, zone: str, inside: str, outside: str) -> None:
    routes = plan(Rule(name="r", number="1", destination="echo", times=(window,), time_zone=zone))
    assert routes.route(request("1", at=moment(inside))).destination is not None
    assert routes.route(request("1", at=moment(outside))).destination is None


def test_included_contexts_come_after_a_contexts_own_rules_and_each_once() -> None:
    contexts = (
        Context(name="a", includes=("b", "c")),
        Context(name="b", includes=("d",)),
        Context(name="c", includes=("d",)),
        Context(name="d"),
    )
    rules = [Rule(context=name, name="r", number="1", destination=f"account/{name}", enabled=False) for name in "dcba"]
    routed = plan(*rules, contexts=contexts).route(request("1", context="a"), explain=True)
    assert [step.rule for step in routed.steps[:-1]] == ["a/r", "b/r", "d/r", "c/r"]


def test_a_loop_of_includes_is_refused_and_shown() -> None:
    contexts = (
        Context(name="a", includes=("b",)),
        Context(name="b", includes=("c",)),
        Context(name="c", includes=("b",)),
    )
    with pytest.raises(Invalid, match="includes itself: b → c → b"):
        plan(contexts=contexts)


GOOD = Rule(name="good", number="1", destination="echo")


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (replace(GOOD, name="Bad Name"), "default/Bad Name.name"),
        (replace(GOOD, number="1["), "default/good.number"),
        (replace(GOOD, context="none"), "none/good.context"),
        (replace(GOOD, destination="/x"), "default/good.destination"),
        (replace(GOOD, destination="account/{digits}"), "default/good.destination"),
        (replace(GOOD, destination="hangup/no-such-cause"), "default/good.destination"),
        (replace(GOOD, callers=Callers(number="1[")), "default/good.callers.number"),
        (replace(GOOD, callers=Callers(origin="mars")), "default/good.callers.origin"),
        (replace(GOOD, time_zone="Mars/Olympus"), "default/good.time_zone"),
        (replace(GOOD, times=(TimeWindow(start="25:00"),)), "default/good.times[0].start"),
        (replace(GOOD, times=(TimeWindow(), TimeWindow(dates=("2026-13-01",)))), "default/good.times[1].dates"),
        (replace(GOOD, rewrite=Rewrite(replace="${1}")), "default/good.rewrite.replace"),
        (replace(GOOD, rewrite=Rewrite(replace="${0}", strip=1)), "default/good.rewrite.replace"),
        (replace(GOOD, rewrite=Rewrite(strip=-1)), "default/good.rewrite.strip"),
        (replace(GOOD, caller_number="${1}"), "default/good.caller_number"),
    ],
)
def test_a_bad_rule_is_refused_with_rule_and_field_named(bad: Rule, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        plan(bad)
    assert refused.value.where == where


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match="two rules of this name"):
        plan(GOOD, GOOD)


def test_rules_that_can_never_match_are_warned_of() -> None:
    routes = plan(
        Rule(name="all", number="8XXXX", destination="echo"),
        Rule(name="part", number="81XXX", destination="echo"),
        Rule(name="one", number="81234", destination="echo", callers=Callers(number="1001")),
        Rule(name="longer", number="8XXXXX", destination="echo"),
        Rule(name="off", number="8XXXX", destination="echo", enabled=False),
    )
    assert routes.warnings == (
        "default/part can never match: default/all comes before it and takes its numbers",
        "default/one can never match: default/all comes before it and takes its numbers",
    )


@pytest.mark.parametrize(
    ("number", "context", "destination"),
    [
        ("1001", "default", "account/1001"),
        ("1020", "default", "account/1020"),
        ("1021", "default", None),
        ("9196", "guest", "echo"),
        ("9197", "guest", "tone"),
        ("9198", "default", "clock"),
        ("9198", "guest", None),
        ("81234", "guest", "trunk/uas"),
        ("1001", "guest", None),
        ("5000", "guest", "flow/main"),
        ("*97", "default", "mailbox"),
        ("*981002", "default", "voicemail/1002"),
    ],
)
def test_the_demo_plan_leads_where_it_should(number: str, context: str, destination: str | None) -> None:
    routes = Plan.compile(demo_plan(), 1)
    assert routes.warnings == ()
    found = routes.route(request(number, context=context)).destination
    assert (str(found) if found else None) == destination


rules = st.builds(
    Rule,
    context=st.sampled_from(["default", "b", "c"]),
    name=st.uuids().map(str),
    number=st.text("0123XNZ", min_size=1, max_size=4).flatmap(lambda t: st.sampled_from([t, t + ".", t + "!", "."])),
    match=st.sampled_from(["pattern", "literal", "prefix"]),
    destination=st.sampled_from(["account/{number}", "echo", "trunk/uas"]),
    callers=st.sampled_from([Callers(), Callers(number="10XX"), Callers(number="2."), Callers(origin="account")]),
    times=st.sampled_from([(), (TimeWindow(weekdays=("mon", "tue", "wed")),)]),
    rewrite=st.sampled_from([Rewrite(), Rewrite(strip=1, prefix="9"), Rewrite(replace="7${0}")]),
    enabled=st.sampled_from([True, True, True, False]),
) | st.builds(
    Rule,
    context=st.sampled_from(["default", "b", "c"]),
    name=st.uuids().map(str),
    number=st.sampled_from(["1(0|1)[12]*", "12?3", "1|2.", "[0-2]1+", r"2\d{2}", ".*"]),
    match=st.just("regex"),
    destination=st.just("echo"),
)
includes = st.sampled_from([(), ("b",), ("c", "b"), ("b", "c")])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(rules, max_size=25, unique_by=lambda rule: rule.name),
    includes,
    st.sampled_from([(), ("c",)]),
    st.lists(st.text("0123", min_size=1, max_size=5), min_size=1, max_size=15),
    st.integers(0, 10**12),
)
def test_a_live_call_goes_where_explaining_says(
    some: list[Rule], of_default: tuple[str, ...], of_b: tuple[str, ...], dialled: list[str], at: int
) -> None:
    contexts = (Context(name="default", includes=of_default), Context(name="b", includes=of_b), Context(name="c"))
    routes = plan(*some, contexts=contexts)
    for number in dialled:
        for caller in ("1001", "2"):
            asked = request(number, caller=caller, at=at)
            live, explained = routes.route(asked), routes.route(asked, explain=True)
            assert (live.destination, live.number, live.caller, live.cause) == (
                explained.destination,
                explained.number,
                explained.caller,
                explained.cause,
            )
            assert live.steps == explained.steps[-1:]
