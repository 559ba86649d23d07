import httpx
import pytest

from softswitch.engine.bus import Bus
from softswitch.events import CallAnswered, CallEnded, CallFact, CallOffered, Fact, LegEnded, MediaFigures
from softswitch.features.cdr.feature import build
from softswitch.features.cdr.service import CallRecords
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support.admin_plane import admin_client

T = 1_795_300_453_120


def call(name: str, at: int, to: str, cause: Cause, answered: bool = False) -> list[CallFact]:
    call, leg = CallId(name), LegId(f"{name}.1")
    offered = CallOffered(
        at=at,
        call=call,
        leg=leg,
        from_number="1001",
        from_name="张三",
        to_number=to,
        origin_kind="account",
        origin="1001",
        context="default",
        source="127.0.0.1:5070",
    )
    figures = MediaFigures(received=50, sent=49)
    return [
        offered,
        *([CallAnswered(at=at + 1000, call=call)] if answered else []),
        LegEnded(at=at + 3000, call=call, leg=leg, cause=cause, by_party=True, status=None, figures=figures),
        CallEnded(at=at + 3000, call=call, cause=cause),
    ]


@pytest.fixture
async def client(database: Database) -> httpx.AsyncClient:
    bus, event_log = Bus(), EventLog(database)
    feature = build(CallRecords(event_log))
    bus.subscribe(Fact, event_log.append)
    for kind, hearer in feature.subscriptions:
        bus.subscribe(kind, hearer)
    event_log.start()
    for fact in (
        *call("x-1", T, "9196", Cause.NORMAL_CLEARING, answered=True),
        *call("x-2", T + 60_000, "1002", Cause.USER_BUSY),
        *call("x-3", T + 60_000, "1003", Cause.NO_ANSWER),
    ):
        bus.publish(fact)
    await event_log.stop()
    assert feature.router is not None
    return admin_client(database, [feature.router])


async def test_a_record_is_shown_as_promised(client: httpx.AsyncClient) -> None:
    cdr = (await client.get("/api/v1/cdrs/x-1")).json()
    legs = cdr.pop("legs")
    assert cdr == {
        "call_id": "x-1",
        "from": "1001",
        "from_name": "张三",
        "to": "9196",
        "origin": "account/1001",
        "context": "default",
        "plan_version": None,
        "destination": None,
        "forwards": [],
        "session_id": "",
        "talks": [],
        "mixes": [],
        "transfers": [],
        "transcoded": False,
        "started_at": "2026-11-21T22:34:13.120Z",
        "answered_at": "2026-11-21T22:34:14.120Z",
        "ended_at": "2026-11-21T22:34:16.120Z",
        "duration_ms": 3000,
        "billable_ms": 2000,
        "disposition": "answered",
        "cause": "normal clearing",
        "cause_code": 16,
        "note": "",
        "trouble": [],
    }
    assert [(leg["leg"], leg["role"], leg["talk_ms"], leg["media"]["received"]) for leg in legs] == [
        ("x-1.1", "caller", 2000, 50)
    ]
    assert (await client.get("/api/v1/cdrs/x-9")).status_code == 404


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ({}, ["x-3", "x-2", "x-1"]),
        ({"to": "1002"}, ["x-2"]),
        ({"from": "1002"}, []),
        ({"disposition": "no_answer"}, ["x-3"]),
        ({"since": "2026-11-21T22:35:00Z"}, ["x-3", "x-2"]),
        ({"until": "2026-11-21T23:35:00+01:00"}, ["x-1"]),
        ({"since": "2026-11-21T22:34:13.121"}, ["x-3", "x-2"]),
    ],
)
async def test_records_are_filtered(client: httpx.AsyncClient, query: dict[str, str], calls: list[str]) -> None:
    items = (await client.get("/api/v1/cdrs", params=query)).json()["items"]
    assert [cdr["call_id"] for cdr in items] == calls


async def test_pages_follow_each_other_without_a_gap(client: httpx.AsyncClient) -> None:
    seen, cursor = list[str](), None
    while True:
        page = (await client.get("/api/v1/cdrs", params={"limit": 1, **({"cursor": cursor} if cursor else {})})).json()
        seen += [cdr["call_id"] for cdr in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["x-3", "x-2", "x-1"]


async def test_a_filter_that_cannot_be_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for query, field in (({"disposition": "lost"}, "disposition"), ({"since": "yesterday"}, "since")):
        refused = await client.get("/api/v1/cdrs", params=query)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
