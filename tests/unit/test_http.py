import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field
from sqlalchemy import select

from softswitch.events import CallOffered
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Conflict, Invalid, NotFound, Rejected, SwitchError, Unavailable
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.auth import FAILURES_ALLOWED, Operator
from softswitch.platform.database import Database
from softswitch.platform.problems import MAX_BODY
from softswitch.platform.rest import ABSENT, Changes, Input, Page, Paging, Reading, Writing
from softswitch.platform.tables import TokenRow
from softswitch.platform.telemetry import Telemetry
from tests.support.admin_plane import StandingClock, admin_client


class Thing(Input):
    name: str
    size: int = Field(default=1, ge=0)


class ThingChanges(Changes):
    name: str = ABSENT
    size: int = ABSENT


ERRORS: dict[str, Exception] = {
    "404": NotFound("thing", "x"),
    "409": Conflict("box-full", "the box is full"),
    "422": Invalid("plan:3", "no such context"),
    "503": Unavailable("the voice is not installed"),
    "rejected": Rejected(Cause.USER_BUSY),
    "500": ZeroDivisionError("the secret inside"),
}


def things_router() -> APIRouter:
    router = APIRouter(prefix="/things", tags=["things"])

    @router.post("")
    async def create(thing: Thing) -> Thing:
        return thing

    @router.patch("")
    async def change(changes: ThingChanges) -> dict[str, Any]:
        return changes.named()

    @router.get("/fails/{how}")
    async def fail(how: str) -> None:
        raise ERRORS[how]

    @router.get("/operators-only")
    async def operate(who: Operator) -> str:
        return who.name

    @router.get("/numbers")
    async def numbers(paging: Paging) -> Page[int]:
        after = paging.after(int) or 0
        return paging.page(list(range(after + 1, 11))[: paging.limit + 1], lambda n: n, lambda n: n)

    @router.post("/stored/{name}")
    async def store(name: str, session: Writing, then: str = "") -> str:
        session.add(TokenRow(name=name, role="viewer", digest=name, created_at=1))
        await session.flush()
        if then == "fail":
            raise Conflict("no", "no")
        return "stored"

    @router.get("/stored")
    async def stored(session: Reading) -> list[str]:
        return list(await session.scalars(select(TokenRow.name)))

    return router


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def client(database: Database, clock: StandingClock, telemetry: Telemetry) -> httpx.AsyncClient:
    return admin_client(database, [things_router()], telemetry, clock=clock)


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    return body


async def test_health_needs_no_token(client: httpx.AsyncClient) -> None:
    response = await client.get("/health", headers={"Authorization": ""})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_openapi_describes_the_mounted_paths(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert "/api/v1/things" in described["paths"]
    assert "token" in described["components"]["securitySchemes"]
    assert "default" not in described["components"]["schemas"]["ThingChanges"]["properties"]["name"]


async def test_metrics_count_facts_and_ask_engines(client: httpx.AsyncClient, telemetry: Telemetry) -> None:
    offered = CallOffered(
        at=1,
        call=CallId("c"),
        leg=LegId("c.1"),
        from_number="1",
        from_name="",
        to_number="2",
        origin_kind="account",
        origin="1",
        context="default",
        source="x",
    )
    for kind, hearer in telemetry.subscriptions():
        if isinstance(offered, kind):
            hearer(offered)
    telemetry.watch("sip", lambda: {"received": 7, "timers": 3}, gauges={"timers"})
    text = (await client.get("/metrics")).text
    samples = {
        sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples
    }
    assert samples["softswitch_calls_offered_total"] == 1
    assert samples["softswitch_calls_live"] == 1
    assert samples["softswitch_sip_received_total"] == 7
    assert samples["softswitch_sip_timers"] == 3


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer "])
async def test_without_a_token_nothing_is_shown(client: httpx.AsyncClient, header: str) -> None:
    response = await client.get("/api/v1/things/numbers", headers={"Authorization": header})
    assert problem(response)["status"] == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="softswitch"'


async def test_an_unknown_token_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/things/numbers", headers={"Authorization": "Bearer guess"})
    assert problem(response)["status"] == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(("token", "status"), [("viewer", 403), ("operator", 200), ("admin", 200)])
async def test_a_higher_role_may_what_a_lower_one_may(client: httpx.AsyncClient, token: str, status: int) -> None:
    response = await client.get("/api/v1/things/operators-only", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status


async def test_refused_for_its_role_a_caller_is_told_which_it_needs(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/things/operators-only", headers={"Authorization": "Bearer viewer"})
    assert "needs the role operator" in problem(response)["detail"]


async def test_guessers_are_slowed_and_good_tokens_from_the_same_address_are_not(
    client: httpx.AsyncClient, clock: StandingClock
) -> None:
    guess = {"Authorization": "Bearer guess"}
    for _ in range(FAILURES_ALLOWED):
        assert (await client.get("/api/v1/things/numbers", headers=guess)).status_code == 401
    limited = await client.get("/api/v1/things/numbers", headers=guess)
    assert problem(limited)["status"] == 429
    assert limited.headers["retry-after"] == "60"
    assert (await client.get("/api/v1/things/numbers")).status_code == 200
    clock.now += 61
    assert (await client.get("/api/v1/things/numbers", headers=guess)).status_code == 401


@pytest.mark.parametrize(
    ("how", "status", "members"),
    [
        ("404", 404, {"detail": "there is no thing 'x'"}),
        ("409", 409, {"error_id": "box-full"}),
        ("422", 422, {"errors": [{"field": "plan:3", "message": "no such context"}]}),
        ("503", 503, {"detail": "the voice is not installed"}),
        ("rejected", 409, {"cause": 17}),
    ],
)
async def test_the_domains_refusals_become_problems(
    client: httpx.AsyncClient, how: str, status: int, members: dict[str, Any]
) -> None:
    assert isinstance(ERRORS[how], SwitchError)
    told = problem(await client.get(f"/api/v1/things/fails/{how}"))
    assert told["status"] == status
    assert told.items() >= members.items()


async def test_a_bug_is_answered_without_its_insides(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/things/fails/500")
    assert problem(response)["reference"] in response.json()["detail"]
    assert "secret" not in response.text


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere"])
async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    assert problem(await client.get(path))["status"] == 404


async def test_a_wrong_method_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.delete("/api/v1/things")
    assert problem(response)["status"] == 405 and "takes other methods" in response.text
    assert response.headers["allow"]


async def test_a_body_that_does_not_say_that_it_is_json_is_told_how(client: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.patch("/api/v1/things", content=b'{"name": "b"}', headers=form)
    assert response.status_code == 422
    assert problem(response)["detail"] == "body: send JSON, and say so: Content-Type: application/json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[1]", "body"),
        (b'{"name": "\xff"}', "body"),
        (b"[" * 100_000, "body"),
        (b"{}", "name"),
        (b'{"name": null}', "name"),
        (b'{"name": "\\ud800"}', "name"),
        (b'{"name": "x", "size": "big"}', "size"),
        (b'{"name": "x", "colour": "red"}', "colour"),
    ],
)
async def test_a_bad_body_gets_422_naming_the_field(client: httpx.AsyncClient, body: bytes, field: str) -> None:
    response = await client.post("/api/v1/things", content=body, headers={"Content-Type": "application/json"})
    told = problem(response)
    assert told["status"] == 422
    assert told["errors"][0]["field"] == field
    assert told["detail"].startswith(f"{field}: ")


async def test_a_body_that_never_ends_is_cut_off(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024 * 1024

    response = await client.post("/api/v1/things", content=endless())
    assert problem(response)["status"] == 413
    assert str(MAX_BODY) in response.json()["detail"]


async def test_patch_changes_only_what_it_names(client: httpx.AsyncClient) -> None:
    assert (await client.patch("/api/v1/things", json={"size": 3})).json() == {"size": 3}
    refused = problem(await client.patch("/api/v1/things", json={"size": None}))
    assert refused["errors"][0]["field"] == "size"


async def test_text_comes_back_in_any_script(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/things", json={"name": "客服热线"})
    assert "客服热线".encode() in response.content


async def test_a_list_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    seen, cursor, pages = list[int](), None, 0
    while pages == 0 or cursor:
        query: dict[str, Any] = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/things/numbers", params=query)).json()
        seen, cursor, pages = seen + page["items"], page["next"], pages + 1
    assert (seen, pages) == (list(range(1, 11)), 3)


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor"), ("cursor=WyJ4Il0=", "cursor")],
)
async def test_a_bad_page_is_refused_by_name(client: httpx.AsyncClient, query: str, field: str) -> None:
    told = problem(await client.get(f"/api/v1/things/numbers?{query}"))
    assert (told["status"], told["errors"][0]["field"]) == (422, field)


async def test_a_handlers_session_commits_before_the_answer_and_rolls_back_on_refusal(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/api/v1/things/stored/a")).status_code == 200
    assert (await client.post("/api/v1/things/stored/b?then=fail")).status_code == 409
    assert (await client.get("/api/v1/things/stored")).json() == ["a"]


async def test_a_race_for_a_unique_value_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/things/stored/a")
    assert problem(await client.post("/api/v1/things/stored/a"))["error_id"] == "exists"


async def test_the_page_for_trying_the_api_needs_nothing_from_outside(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) >= 3
    for source in sources:
        assert source.startswith("/") and not source.startswith("//")
        assert (await client.get(source)).status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
    assert (await client.get("/redoc")).status_code == 404
