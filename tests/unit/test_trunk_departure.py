"""Which way a call leaves, what it tells there, and why a way is passed by."""

from typing import Any

import pytest

from softswitch.calls.identity import Identity
from softswitch.calls.signals import Origin
from softswitch.calls.uplinks import Probed
from softswitch.engine.caller import DialOutcome
from softswitch.events import CallEnded
from softswitch.features.trunks.call_app import build_call_apps
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.model import GroupRules, Member, Trunk
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.trunks.verifier import Verifier
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, Rejected
from softswitch.kernel.ids import CallId
from softswitch.kernel.media import Srtp
from tests.support.admin_plane import StandingClock
from tests.support.trunks import FakeAccounts, FakeCaller, FakeContacts, holding, make_trunk

UNAVAILABLE = DialOutcome(False, Cause.TEMPORARY_FAILURE, 503)
BUSY = DialOutcome(False, Cause.USER_BUSY, 486)
ANSWERED = DialOutcome(True, Cause.NORMAL_CLEARING)
ALICE = Origin("account", "1001", "default")


async def nothing(url: str) -> bytes:
    raise ValueError("it answers 404")


class Way:
    """Some trunks, one group of all of them in the order given, and what calls make of it."""

    def __init__(self, *trunks: Trunk, **group: Any) -> None:
        self.clock = StandingClock()
        self.trunks = holding(*trunks)
        self.groups = Groups(self.trunks)
        members = tuple(Member(trunk=trunk.name, cost=place) for place, trunk in enumerate(trunks))
        self.groups._groups["out"] = GroupRules(members=members, **group)
        self.traffic = Traffic(self.clock)
        self.contacts = FakeContacts()
        self.departures = Departures(self.trunks, self.traffic, FakeAccounts(), self.contacts, lambda: 0.0)
        self.apps = build_call_apps(
            self.trunks, self.groups, self.traffic, self.departures, Verifier(Certificates(nothing, self.clock))
        )

    def caller(self, *outcomes: DialOutcome, **more: Any) -> FakeCaller:
        caller = FakeCaller("030", more.pop("origin", ALICE), *outcomes, **more)
        heard = dict(self.traffic.subscriptions())
        caller.publish = lambda fact: heard[type(fact)](fact)
        return caller

    async def call(self, destination: str, *outcomes: DialOutcome, **more: Any) -> FakeCaller:
        caller = self.caller(*outcomes, **more)
        kind, name = destination.split("/")
        assert await self.apps[kind](caller, name) is None
        return caller

    def explained(self, number: str, trunk: str = "") -> tuple[list[tuple[str, str]], Cause | None]:
        """What is said beforehand of a call from 1001, by a trunk or by the group."""
        asked = number, Party("1001"), ALICE, ALICE
        if trunk:
            prospect = self.departures.prospect(trunk, *asked)
        else:
            prospect = self.departures.prospect_of_group(self.groups._groups["out"], *asked)
        return [(step.result, step.reason) for step in prospect.steps], prospect.cause


def hosts(caller: FakeCaller) -> list[str]:
    return [candidate.target.uri.partition("@")[2] for candidate in caller.dialled]


TWO = {"gateways": [{"host": "192.0.2.10"}]}


async def test_the_next_gateway_is_tried_when_one_cannot() -> None:
    caller = await Way(make_trunk(rules=TWO)).call("trunk/carrier", UNAVAILABLE, ANSWERED)
    assert hosts(caller) == ["192.0.2.9:5060", "192.0.2.10:5060"]
    assert caller.notes == ["trunk carrier: the next gateway is tried (503 temporary failure)"]


async def test_a_busy_party_is_busy_by_every_gateway() -> None:
    assert hosts(await Way(make_trunk(rules=TWO)).call("trunk/carrier", BUSY)) == ["192.0.2.9:5060"]


async def test_what_is_retried_can_be_set() -> None:
    way = Way(make_trunk(rules=TWO | {"failover": {"retry_on": [486]}}))
    assert len((await way.call("trunk/carrier", BUSY)).dialled) == 1  # of the party, whatever the list says
    way = Way(make_trunk(rules=TWO | {"failover": {"retry_on": [17]}}))
    assert len((await way.call("trunk/carrier", BUSY)).dialled) == 2


async def test_a_group_goes_from_the_cheapest_on_until_one_takes_the_call() -> None:
    way = Way(make_trunk("cheap"), make_trunk("dear", host="192.0.2.20"), make_trunk("last", host="192.0.2.30"))
    caller = await way.call("trunk-group/out", UNAVAILABLE, ANSWERED)
    assert [str(candidate.destination) for candidate in caller.dialled] == ["trunk/cheap", "trunk/dear"]
    assert [(step.rule, step.result) for step in caller.steps] == [
        ("trunk/cheap", "matched"),
        ("trunk/dear", "matched"),
        ("trunk/last", "matched"),
    ]
    assert caller.notes == ["trunk cheap did not take the call (503 temporary failure)"]


async def test_a_trunk_that_cannot_is_passed_by_and_the_reason_said() -> None:
    way = Way(
        make_trunk("down", rules={"health": {"every_seconds": 30, "down_after": 1}}),
        make_trunk("off", enabled=False),
        make_trunk("full", rules={"limits": {"calls_out": 1}}),
        make_trunk("strips", strip=9),
        make_trunk("good", host="192.0.2.20"),
    )
    way.trunks.probed("down", Probed(0, False, "no answer"))
    full = way.trunks.trunk("full")
    assert full is not None
    way.traffic.load(full).calls_out = 1
    way.groups._groups["out"] = GroupRules(members=(Member(trunk="gone"), *way.groups._groups["out"].members))
    caller = await way.call("trunk-group/out")
    assert hosts(caller) == ["192.0.2.20:5060"]
    assert [(step.rule.partition("/")[2], step.reason) for step in caller.steps] == [
        ("gone", "there is no such trunk"),
        ("down", "192.0.2.9:5060;udp is down: no answer"),
        ("off", "it is disabled"),
        ("full", "it takes no more calls: it carries 1 outgoing calls, its limit"),
        ("strips", "it strips all of '030'"),
        ("good", "tried first: it costs 4"),
    ]
    said, cause = way.explained("030")
    assert said[:-1] == [(step.result, step.reason) for step in caller.steps[:-1]]
    assert (said[-1], cause) == (
        (
            "matched",
            "tried first: it costs 4; sent to sip:030@192.0.2.20:5060; the caller is shown as +85212345678",
        ),
        None,
    )


async def test_it_is_said_beforehand_where_a_trunk_sends_a_call_whom_it_shows_and_what_it_would_refuse() -> None:
    way = Way(
        make_trunk(
            "good",
            rules=TWO
            | {
                "identity": {"show": "number", "assert_by": "p-asserted-identity"},
                "numbers": {"country": "49", "outgoing": "+e164"},
            },
            origin=Origin("trunk", "good", "default", srtp=Srtp.REQUIRED),
        ),
        make_trunk("down", rules={"health": {"every_seconds": 30, "down_after": 1}}),
        make_trunk("off", enabled=False),
        make_trunk("strips", strip=9),
        make_trunk("full", rules={"limits": {"calls_out": 1}}),
    )
    way.trunks.probed("down", Probed(0, False, "no answer"))
    full = way.trunks.trunk("full")
    assert full is not None
    way.traffic.load(full).calls_out = 1
    assert way.explained("030123", "good") == (
        [
            (
                "matched",
                "sent to sip:+4930123@192.0.2.9:5060, then sip:+4930123@192.0.2.10:5060;"
                " the caller is shown as 1001, and told to be 1001 by p-asserted-identity; SRTP is required",
            )
        ],
        None,
    )
    for trunk in ("down", "off", "strips", "full"):
        ((result, reason),), cause = way.explained("030", trunk)
        caller = way.caller()
        with pytest.raises(Rejected) as rejected:
            await way.apps["trunk"](caller, trunk)
        # What is said beforehand is what comes of it.
        assert (result, cause) == ("failed", rejected.value.cause), trunk
        assert reason.removeprefix("it ") in str(rejected.value), trunk


async def test_a_call_that_no_trunk_takes_is_told_why() -> None:
    way = Way(make_trunk("off", enabled=False))
    with pytest.raises(Rejected, match="no trunk of group out can take the call") as rejected:
        await way.call("trunk-group/out")
    assert rejected.value.cause is Cause.NO_CIRCUIT_AVAILABLE
    with pytest.raises(Rejected, match="there is no trunk group other"):
        await way.call("trunk-group/other")


async def test_a_trunk_at_its_limit_refuses_and_takes_again_when_a_call_is_over() -> None:
    way = Way(make_trunk(rules={"limits": {"per_second": 1}}))
    await way.call("trunk/carrier")
    with pytest.raises(Rejected, match="trunk carrier takes no more calls: it takes 1 new calls a second") as rejected:
        await way.call("trunk/carrier")
    assert rejected.value.cause is Cause.NO_CIRCUIT_AVAILABLE
    way.clock.now += 1.0
    await way.call("trunk/carrier")
    trunk = way.trunks.trunk("carrier")
    assert trunk is not None
    load = way.traffic.load(trunk)
    assert (load.calls_out, load.refused) == (0, 1)


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        ({}, Party("+85212345678", "Alice")),
        ({"show": "number"}, Party("1001", "Al")),
        ({"show": "fixed", "fixed": "+4930"}, Party("+4930", "Al")),
        ({"show": "anonymous"}, Party("anonymous", "Anonymous")),
    ],
)
async def test_which_number_an_account_shows(identity: dict[str, str], shown: Party) -> None:
    caller = await Way(make_trunk(rules={"identity": identity})).call("trunk/carrier")
    assert caller.dialled[0].from_ == shown


async def test_a_forwarded_call_shows_its_caller_or_who_forwarded_it() -> None:
    outside = Origin("trunk", "other", "default")
    for whose, shown in (("caller", Party("1001", "Al")), ("forwarder", Party("+85212345678", "Alice"))):
        way = Way(make_trunk(rules={"identity": {"forwarded_as": whose}}))
        caller = way.caller(origin=outside)
        caller.routed_as = ALICE
        await way.apps["trunk"](caller, "carrier")
        assert caller.dialled[0].from_ == shown


async def test_a_call_that_a_trunk_brings_is_received_routed_and_counted() -> None:
    way = Way(make_trunk(rules={"limits": {"calls_in": 1}, "numbers": {"country": "49", "incoming": "+e164"}}))
    outside = Origin("trunk", "carrier", "from-carrier")
    first = way.caller(origin=outside)
    first.from_ = Party("089123456")
    going = await way.apps["arrival"](first, "carrier")
    assert going == Destination("dialplan", "from-carrier")
    assert (first.from_, first.identity) == (Party("+4989123456"), Identity())
    second = way.caller(origin=outside)
    with pytest.raises(Rejected, match="trunk carrier brings too many calls") as rejected:
        await way.apps["arrival"](second, "carrier")
    assert rejected.value.cause is Cause.NO_CIRCUIT_AVAILABLE
    first.publish(CallEnded(at=0, call=CallId("call"), cause=Cause.NORMAL_CLEARING))
    assert await way.apps["arrival"](second, "carrier") is not None
    with pytest.raises(Rejected, match="trunk gone is no longer there"):
        await way.apps["arrival"](second, "gone")


SILENT = DialOutcome(False, Cause.NO_ANSWER, unheard=408)


async def test_a_gateway_that_says_nothing_is_no_person_who_does_not_answer() -> None:
    way = Way(make_trunk(rules=TWO))
    caller = await way.call("trunk/carrier", SILENT, ANSWERED)
    assert caller.notes == ["trunk carrier: the next gateway is tried (it does not answer)"]
    for destination, said in (("trunk/carrier", "trunk carrier"), ("trunk-group/out", "trunk group out")):
        with pytest.raises(Rejected, match=f"{said} does not answer") as rejected:
            await way.call(destination, SILENT)
        assert rejected.value.cause is Cause.NETWORK_OUT_OF_ORDER


@pytest.mark.parametrize(
    ("policy", "to", "going", "notes"),
    [
        ("refuse", "030", None, []),
        ("pass", "030", None, ["redirected to sip:4711@elsewhere.example"]),
        ("follow", "4711", Destination("dialplan", "default"), []),
    ],
)
async def test_a_redirecting_trunk_is_followed_as_its_rules_say(
    policy: str, to: str, going: Destination | None, notes: list[str]
) -> None:
    way = Way(make_trunk(rules={"failover": {"redirects": policy}}))
    moved = DialOutcome(False, Cause.INTERWORKING, 302, ("sip:4711@elsewhere.example",))
    for destination in (("trunk", "carrier"), ("trunk-group", "out")):
        caller = way.caller(moved)
        assert await way.apps[destination[0]](caller, destination[1]) == going
        assert (caller.to.number, caller.notes) == (to, notes)


# A PBX that registers (RFC 6140) -----------------------------------------------------------------------------

PBX = {"pbx": {"registers": True, "numbers": ["030", "0700-0799"]}, "peer": {"username": "pbx"}}


async def test_a_number_of_a_pbx_goes_where_that_has_registered() -> None:
    way = Way(make_trunk(host="", rules=PBX))
    way.contacts.registered["pbx"] = "sip:192.0.2.40:5070;transport=tcp;line=x;bnc"
    for destination in ("trunk/carrier", "pbx/030", "trunk-group/out"):
        caller = await way.call(destination)
        assert [c.target.uri for c in caller.dialled] == ["sip:030@192.0.2.40:5070;transport=tcp;line=x"]
        assert [str(c.destination) for c in caller.dialled] == ["trunk/carrier"]


async def test_a_pbx_that_has_not_registered_is_said_to_be_missing() -> None:
    way = Way(make_trunk(host="", rules=PBX))
    with pytest.raises(Rejected, match="its PBX is not registered as 'pbx'") as rejected:
        await way.call("pbx/030")
    assert rejected.value.cause is Cause.NETWORK_OUT_OF_ORDER
    assert way.explained("030") == (
        [("skipped", "its PBX is not registered as 'pbx'")],
        Cause.NO_CIRCUIT_AVAILABLE,
    )


async def test_only_its_own_numbers_are_a_pbxs() -> None:
    way = Way(make_trunk(host="", rules=PBX))
    way.contacts.registered["pbx"] = "sip:192.0.2.40;bnc"
    asked = ("030", "0700", "0755", "0799", "0800", "0699", "07550", "075", "07a5")
    assert [number for number in asked if way.trunks.pbx_of(number)] == ["030", "0700", "0755", "0799"]
    with pytest.raises(Rejected, match="no PBX has the number 0800"):
        await way.call("pbx/0800")
    caller = way.caller()
    caller.to = Party("0800")
    with pytest.raises(Rejected, match="0800 is no number of its PBX"):
        await way.apps["trunk"](caller, "carrier")
    ((_, reason),), _ = way.explained("0800")
    assert reason == "0800 is no number of its PBX"


def test_ranges_of_numbers_are_checked() -> None:
    for numbers, said in (
        (["12-345"], "pbx.numbers.0: '12-345' is no range: write two numbers of one length, 1200-1299"),
        (["1", "30-20"], "pbx.numbers.1: the range '30-20' ends before it begins"),
        (["ab-cd"], "pbx.numbers.0: 'ab-cd' is no range"),
    ):
        with pytest.raises(Invalid) as refused:
            make_trunk(rules={"pbx": {"registers": True, "numbers": numbers}, "peer": {"username": "pbx"}})
        assert str(refused.value).startswith(said)
    with pytest.raises(Invalid, match="as whom does the PBX register"):
        make_trunk(rules={"pbx": {"registers": True}})
