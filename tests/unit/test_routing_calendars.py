"""Rules of the dial plan that go by a calendar."""

import pytest

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.calendars.model import WEEKDAYS, Calendar, Timetable
from softswitch.features.calendars.service import Calendars
from softswitch.features.routing.model import Plan, PlanDocument, RouteRequest, Rule
from softswitch.features.routing.service import DialPlan
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid
from softswitch.kernel.opening import Opening
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock

OFFICE = Calendar(name="office", timezone="UTC", hours=dict.fromkeys(WEEKDAYS[:5], ("09:00-17:00",)))
MONDAY_NOON, MONDAY_NIGHT = 1_796_040_000_000, 1_796_079_600_000  # 2026-11-30T12:00Z and 23:00Z
DAY = Rule(name="day", number="5000", destination="account/1001", while_open="office", note="the desk")
NIGHT = Rule(name="night", number="5000", destination="account/1002", while_closed="office")


def opening(name: str, at: int) -> Opening:
    assert name == "office"
    return Timetable(OFFICE).opening(at)


def asked(plan: Plan, at: int, explain: bool) -> tuple[str, tuple[RoutingStep, ...]]:
    routed = plan.route(RouteRequest("5000", "1003", "default", "account", "1003", at), explain)
    return str(routed.destination), routed.steps


@pytest.mark.parametrize("explain", [False, True])
def test_a_rule_holds_while_its_calendar_is_open_or_closed_and_says_why(explain: bool) -> None:
    plan = Plan.compile(PlanDocument(rules=(DAY, NIGHT)), 1, opening)
    destination, steps = asked(plan, MONDAY_NOON, explain)
    assert destination == "account/1001"
    assert (
        steps[-1].reason
        == "the number matches 5000: to account/1001; the desk; calendar office is open (Mon 09:00-17:00)"
    )
    destination, steps = asked(plan, MONDAY_NIGHT, explain)
    assert destination == "account/1002"
    assert steps[-1].reason.endswith("calendar office is closed (Mon 2026-11-30 23:00 in UTC is outside its hours)")
    if explain:
        assert steps[0].result == "skipped" and steps[0].reason.startswith("calendar office is closed (")


@pytest.mark.parametrize("rule", [DAY, NIGHT])
def test_a_rule_whose_calendar_is_gone_does_not_hold(rule: Rule) -> None:
    _, steps = asked(Plan.compile(PlanDocument(rules=(rule,)), 1), MONDAY_NOON, True)
    assert [(step.result, step.reason) for step in steps[:1]] == [("skipped", "there is no calendar 'office'")]


def test_a_rule_by_a_calendar_does_not_shadow_what_comes_after_it() -> None:
    assert not Plan.compile(PlanDocument(rules=(DAY, NIGHT)), 1, opening).warnings
    assert Plan.compile(PlanDocument(rules=(DAY, Rule(name="x", number="5000", destination="echo"))), 1).warnings == ()
    again = Rule(name="again", number="5000", destination="echo", while_open="office")
    assert Plan.compile(PlanDocument(rules=(DAY, again)), 1).warnings


async def test_a_plan_with_an_unknown_calendar_is_refused_and_explain_goes_by_the_time_it_is_given(
    database: Database, clock: StandingClock
) -> None:
    calendars = Calendars(clock, lambda fact: None, Anybody())
    plan = DialPlan(clock, lambda fact: None, Anybody(), Anybody(), calendars)
    document = PlanDocument(rules=(DAY,))
    async with database.session() as session:
        with pytest.raises(Invalid) as refused:
            await plan.change(session, lambda _: document, "a test", "")
    assert refused.value.where == "default/day.while_open"
    with pytest.raises(Invalid):
        plan.explain("1003", "5000", proposed=document)
    calendars._take(Timetable(OFFICE))
    async with database.session() as session:
        await plan.change(session, lambda _: document, "a test", "")
    assert plan.rules_by_calendar("office") == ["default/day"]
    for at, destination in ((MONDAY_NOON, Destination("account", "1001")), (MONDAY_NIGHT, None)):
        assert plan.explain("1003", "5000", at=at).destination == destination


class Anybody:
    """Every number is an account's, and every destination is there."""

    def origin_of(self, number: str) -> Origin | None:
        return Origin("account", number, "default")

    def why_missing(self, destination: Destination) -> str | None:
        return None

    def prospect(self, *asked: object) -> Prospect:
        return Prospect()

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        return None

    def users_of(self, calendar: str) -> list[str]:
        return []
