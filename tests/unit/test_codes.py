"""Codes pressed in a call: which can be, what keys come to, and how they are set over HTTP."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from softswitch.calls.in_call import Action, Chosen, Code, GivenUp, Keypad, Keys, NumberWanted
from softswitch.calls.onward import Prospect
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.codes.feature import build
from softswitch.features.codes.model import DEFAULTS, InCallCode, checked, of_party
from softswitch.features.codes.service import Codes
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.routing.model import PlanDocument, RouteRequest, demo_plan
from softswitch.features.routing.service import DialPlan
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.no_calendars import NoCalendars

PATH = "/api/v1/feature-codes"
RIGHTS = Origin("account", "1001", "default")
BLIND, ASK, RECORD = Code("##", Action.BLIND), Code("*2", Action.ATTENDED), Code("*1", Action.RECORD)
PARK = Code("*4", Action.BLIND, "*68")


def pressed(keys: str, *, bare: bool = False) -> object:
    """What the last of these keys comes to."""
    pad = Keys(Keypad((BLIND, ASK, RECORD, PARK), RIGHTS))
    meaning: object = None
    for key in keys:
        meaning = pad.press(key, bare=bare)
    return meaning


@pytest.mark.parametrize(
    ("keys", "meaning"),
    [
        ("#", None),
        ("##", NumberWanted(BLIND)),
        ("##1003", None),
        ("##1003#", Chosen(BLIND, "1003")),
        ("###", GivenUp(BLIND)),
        ("##*68#", Chosen(BLIND, "*68")),
        ("*1", Chosen(RECORD)),
        ("*4", Chosen(PARK, "*68")),
        ("*#*4", Chosen(PARK, "*68")),
        ("1#*1", Chosen(RECORD)),
        ("##" + "7" * 32, Chosen(BLIND, "7" * 32)),
        ("4711", None),
    ],
)
def test_keys_come_to_codes_and_numbers(keys: str, meaning: object) -> None:
    assert pressed(keys) == meaning


def test_where_no_number_is_wanted_the_code_alone_is_enough() -> None:
    assert pressed("*2", bare=True) == Chosen(ASK)


def test_time_ends_a_number_and_forgets_a_beginning() -> None:
    keys = Keys(Keypad((BLIND,), RIGHTS))
    assert keys.press("#") is None and keys.waiting
    assert keys.time_out() is None and not keys.waiting
    keys.press("#")
    keys.press("#")
    keys.press("7")
    assert keys.number_awaited
    assert keys.time_out() == Chosen(BLIND, "7") and not keys.waiting


@pytest.mark.parametrize(
    ("code", "field"),
    [
        (InCallCode(name="x", keys="12", action=Action.BLIND), "code"),
        (InCallCode(name="x", keys="*", action=Action.BLIND), "code"),
        (InCallCode(name="x", keys="*21", action=Action.BLIND), "code"),
        (InCallCode(name="x", keys="*9", action=Action.RECORD, number="1"), "number"),
        (InCallCode(name="x", keys="*9", action=Action.BLIND, number="a"), "number"),
    ],
)
def test_codes_that_cannot_be_are_named(code: InCallCode, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked({**DEFAULTS, "x": code})
    assert caught.value.where == field


def test_a_code_that_is_off_is_in_nobodys_way_and_outside_is_its_own_choice() -> None:
    codes = {**DEFAULTS, "attended-transfer": replace(DEFAULTS["attended-transfer"], enabled=False)}
    codes["x"] = InCallCode(name="x", keys="*21", action=Action.BLIND, outside=True)
    checked(codes)
    assert "*2" not in [code.keys for code in of_party(codes, outside=False)]
    assert [code.keys for code in of_party(codes, outside=True)] == ["*21"]


# Over HTTP ----------------------------------------------------------------------------------------------


@pytest.fixture
async def directory(database: Database, clock: StandingClock) -> Directory:
    directory = Directory("softswitch", clock)
    async with database.session() as session:
        await directory.create(session, [NewAccount(number="1001", password="x")])
    return directory


@pytest.fixture
def codes(directory: Directory) -> Codes:
    return Codes(directory, lambda name: Origin("trunk", name, "outside") if name == "uas" else None)


class Nowhere:
    def prospect(self, *asked: object) -> Prospect:
        raise AssertionError("nobody asks here")

    def tried(self, destination: Destination, number: str) -> Sequence[RoutingStep]:
        return ()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *asked: None


@pytest.fixture
async def plan(database: Database, clock: StandingClock) -> DialPlan:
    plan = DialPlan(clock, lambda fact: None, Nowhere(), Nowhere(), NoCalendars())

    def demo(document: PlanDocument) -> PlanDocument:
        return demo_plan()

    async with database.session() as session:
        await plan.change(session, demo, "test", "")
    return plan


@pytest.fixture
def client(database: Database, codes: Codes, plan: DialPlan) -> httpx.AsyncClient:
    router = build(codes, plan).router
    assert router is not None
    return admin_client(database, [router])


async def listed(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(PATH, params={"limit": 200})
    assert answer.status_code == 200
    return {item["id"]: item for item in answer.json()["items"]}


async def test_pressed_and_dialled_codes_are_listed_with_their_meaning(client: httpx.AsyncClient) -> None:
    found = await listed(client)
    assert found["in-call/blind-transfer"] == {
        "id": "in-call/blind-transfer",
        "when": "in-call",
        "code": "##",
        "followed_by": "number",
        "does": "blind-transfer",
        "number": "",
        "enabled": True,
        "outside": False,
        "note": DEFAULTS["blind-transfer"].note,
    }
    forward = found["default/forward"]
    assert (forward["code"], forward["followed_by"], forward["when"]) == ("*72", ".", "dialled")
    assert forward["does"] == "setting/forward_always:{number}"
    assert found["default/pickup"]["code"] == "**" and found["default/speed-dial-set"]["followed_by"] == "XX!"
    assert "default/accounts" not in found and "default/parked" not in found
    first = (await client.get(PATH, params={"limit": 3})).json()
    rest = (await client.get(PATH, params={"limit": 200, "cursor": first["next"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == list(found)


async def test_a_pressed_code_is_changed_added_and_forgotten(client: httpx.AsyncClient, codes: Codes) -> None:
    changed = await client.patch(f"{PATH}/in-call/blind-transfer", json={"code": "*9", "outside": True})
    assert changed.status_code == 200 and changed.json()["code"] == "*9"
    new = {"name": "boss", "code": "*77", "does": "blind-transfer", "number": "1003"}
    assert (await client.post(PATH, json=new)).status_code == 201
    assert (await client.post(PATH, json=new)).status_code == 409
    pad = codes.keypad(Destination("account", "1001"))
    assert pad is not None and pad.rights == Origin("account", "1001", "default")
    assert {code.keys for code in pad.codes} == {"*9", "*2", "*3", "*4", "*5", "*1", "*77"}
    outside = codes.keypad(Destination("trunk", "uas"))
    assert outside is not None and [code.keys for code in outside.codes] == ["*9"]
    assert codes.keypad(Destination("trunk", "other")) is None and codes.keypad(Destination("guest", "x")) is None
    assert (await client.delete(f"{PATH}/in-call/blind-transfer")).status_code == 204
    assert (await client.delete(f"{PATH}/in-call/boss")).status_code == 204
    assert (await client.delete(f"{PATH}/in-call/boss")).status_code == 404
    assert dict(codes.all) == dict(DEFAULTS) and codes.keypad(Destination("trunk", "uas")) is None


async def test_what_was_set_is_there_after_a_restart(
    client: httpx.AsyncClient, directory: Directory, database: Database
) -> None:
    await client.patch(f"{PATH}/in-call/park", json={"enabled": False, "note": "not here"})
    again = Codes(directory, lambda name: None)
    await again.load(database)
    assert not again.all["park"].enabled and again.all["park"].note == "not here" and again.all["park"].keys == "*4"


async def test_a_bad_code_is_refused_with_its_field(client: httpx.AsyncClient) -> None:
    for path, body, field in (
        ("in-call/park", {"code": "*21"}, "code"),
        ("in-call/park", {"code": "5"}, "code"),
        ("default/forward", {"outside": True}, "outside"),
        ("default/forward", {"code": "72"}, "code"),
    ):
        answer = await client.patch(f"{PATH}/{path}", json=body)
        assert answer.status_code == 422 and field in answer.text, (path, body, answer.text)
    for path in ("in-call/nothing", "default/accounts", "default/nothing"):
        assert (await client.patch(f"{PATH}/{path}", json={"enabled": False})).status_code == 404
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.patch(f"{PATH}/in-call/park", json={"code": "*5"}, headers=viewer)).status_code == 403


async def test_a_dialled_code_is_changed_in_the_plan_and_still_cut_off(
    client: httpx.AsyncClient, plan: DialPlan
) -> None:
    before = plan.plan.version
    changed = await client.patch(f"{PATH}/default/forward", json={"code": "*21*"})
    assert changed.status_code == 200 and changed.json()["code"] == "*21*"
    assert plan.plan.version == before + 1
    routed = plan.plan.route(RouteRequest("*21*1003", "1001", "default", "account", "1001", 0))
    assert str(routed.destination) == "setting/forward_always:1003"
    assert (await client.patch(f"{PATH}/default/forward", json={"enabled": False})).json()["enabled"] is False


async def test_an_account_may_have_none(
    client: httpx.AsyncClient, directory: Directory, codes: Codes, database: Database
) -> None:
    async with database.session() as session:
        await directory.change(session, "1001", {"in_call_codes": False, "pickup_groups": ("sales", "front")})
    assert codes.keypad(Destination("account", "1001")) is None
    again = Directory("softswitch", StandingClock())
    await again.load(database)
    account = again.account("1001")
    assert account is not None and not account.in_call_codes and account.pickup_groups == {"sales", "front"}


async def test_an_account_answers_for_those_that_share_a_group(directory: Directory, database: Database) -> None:
    async with database.session() as session:
        await directory.create(
            session,
            [
                NewAccount(number="1002", password="x", pickup_groups=("sales",)),
                NewAccount(number="1003", password="x", pickup_groups=("front", "sales")),
                NewAccount(number="1004", password="x", pickup_groups=("front",)),
            ],
        )
    assert directory.picked_up_by("1002") == {"1003"}
    assert directory.picked_up_by("1003") == {"1002", "1004"}
    assert directory.picked_up_by("1001") == directory.picked_up_by("nobody") == frozenset()
