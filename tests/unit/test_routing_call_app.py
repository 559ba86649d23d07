import pytest

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.routing.call_app import dial_plan_app
from softswitch.features.routing.model import Plan, PlanDocument, Rewrite, Rule
from softswitch.features.routing.service import DialPlan
from softswitch.features.testcalls.feature import build
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import CallId
from softswitch.kernel.spoken import Clip, Said
from tests.support.admin_plane import StandingClock
from tests.support.no_calendars import NoCalendars


class FakeCaller:
    """A caller that writes down what is done with it."""

    call = CallId("x-1")
    language = "en"

    def __init__(self, number: str) -> None:
        self.from_ = Party("1001", "Ann")
        self.to = Party(number)
        self.origin = self.routed_as = Origin("account", "1001", "default")
        self.done: list[object] = []

    def wall_ms(self) -> int:
        return 0

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: tuple[RoutingStep, ...]
    ) -> None:
        self.done.append((destination, by, version, [step.result for step in steps]))

    async def play(self, prompt: str | Said) -> None:
        if not isinstance(prompt, str):
            words = [piece.name if isinstance(piece, Clip) else str(piece.milliseconds) for piece in prompt]
            self.done.append((self.language, " ".join(words)))
        elif prompt == "welcome":
            self.done.append(prompt)
        else:
            raise NotFound("prompt", prompt)

    async def echo(self) -> None:
        self.done.append("echo")

    async def tone(self, frequency: float) -> None:
        self.done.append(frequency)


class Nobody:
    def origin_of(self, number: str) -> Origin | None:
        return None

    def prospect(self, destination: Destination, number: str, calling: Calling) -> Prospect:
        return Prospect()

    def why_missing(self, destination: Destination) -> str | None:
        return None

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        return None


async def dial(caller: FakeCaller, *rules: Rule, context: str = "default") -> Destination | None:
    dial_plan = DialPlan(StandingClock(), lambda fact: None, Nobody(), Nobody(), NoCalendars())
    dial_plan.plan = Plan.compile(PlanDocument(rules=rules), 7)
    return await dial_plan_app(dial_plan)(caller, context)  # type: ignore[arg-type]


async def test_a_call_is_handed_on_with_its_numbers_rewritten_and_the_decision_recorded() -> None:
    caller = FakeCaller("0301")
    rule = Rule(
        name="out",
        number="0.",
        destination="trunk/uas",
        rewrite=Rewrite(strip=1, prefix="+49"),
        caller_number="+4930${0}",
    )
    assert await dial(caller, rule, context="") == Destination("trunk", "uas")
    assert (caller.to, caller.from_) == (Party("+49301"), Party("+49301001", "Ann"))
    assert caller.done == [(Destination("trunk", "uas"), "dialplan:default", 7, ["matched"])]


async def test_a_number_that_leads_nowhere_is_refused_and_that_is_recorded() -> None:
    caller = FakeCaller("4444")
    with pytest.raises(Rejected) as refused:
        await dial(caller)
    assert refused.value.cause is Cause.UNALLOCATED_NUMBER
    assert caller.done == [(None, "dialplan:default", 7, ["failed"])]


async def test_test_calls_do_what_their_name_says() -> None:
    apps = build().call_apps
    caller = FakeCaller("9196")
    for kind, name in (("echo", ""), ("tone", ""), ("tone", "440"), ("announce", "welcome")):
        assert await apps[kind](caller, name) is None  # type: ignore[arg-type]
    assert caller.done == ["echo", 1004.0, 440.0, "welcome"]


async def test_the_clock_says_the_time_of_a_zone_and_the_callers_number() -> None:
    clock = build().call_apps["clock"]
    caller = FakeCaller("9198")
    await clock(caller, "en/Asia/Shanghai")  # type: ignore[arg-type]
    caller.from_ = Party("anonymous")
    await clock(caller, "zh-CN/Asia/Shanghai")  # type: ignore[arg-type]
    # The caller's clock stands at 1970-01-01 00:00 UTC.
    assert caller.done == [
        (
            "en",
            "clock/the-time-is number/8 word/am 500 clock/you-call-from number/1 number/0 number/0 number/1",
        ),
        ("zh", "clock/the-time-is period/morning hour/8 word/sharp 500 clock/you-call-from clock/unknown-number"),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "cause"),
    [
        ("hangup", "user-busy", Cause.USER_BUSY),
        ("hangup", "21", Cause.CALL_REJECTED),
        ("hangup", "nonsense", Cause.NORMAL_UNSPECIFIED),
        ("clock", "fr", Cause.DESTINATION_OUT_OF_ORDER),
        ("clock", "en/Europe/Nowhere", Cause.DESTINATION_OUT_OF_ORDER),
        ("tone", "high", Cause.INVALID_NUMBER_FORMAT),
        ("tone", "nan", Cause.INVALID_NUMBER_FORMAT),
        ("announce", "no such prompt", Cause.DESTINATION_OUT_OF_ORDER),
    ],
)
async def test_a_test_call_that_cannot_be_is_refused_with_its_cause(kind: str, name: str, cause: Cause) -> None:
    with pytest.raises(Rejected) as refused:
        await build().call_apps[kind](FakeCaller("1"), name)  # type: ignore[arg-type]
    assert refused.value.cause is cause
