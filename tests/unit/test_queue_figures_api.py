"""/reports and /live: what is asked for, told as what it is."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from softswitch.events import AgentStateChanged, CallerLeftQueue, Fact
from softswitch.features.queue_figures.model.service_level import FORMULAS, Counts, service_level
from softswitch.platform.database import Database
from tests.support.admin_plane import admin_client
from tests.support.figures_book import Book, a_day

DAY = round(datetime(2026, 5, 4, 22, 50, tzinfo=UTC).timestamp() * 1000)
FROM = "2026-05-04T22:00:00Z"


def varied(facts: list[Fact]) -> bool:
    """Whether there is enough in a day to tell figures apart by."""
    stays = [fact for fact in facts if isinstance(fact, CallerLeftQueue)]
    waits = [(fact.outcome, (fact.at - fact.queued_at) // 30_000) for fact in stays]
    agents = {fact.agent for fact in facts if isinstance(fact, AgentStateChanged)}
    seen = {("answered", 0), ("answered", 1), ("answered", 2), ("abandoned", 0), ("abandoned", 1), ("abandoned", 2)}
    return len({fact.queue for fact in stays}) > 1 and len(agents) > 1 and seen <= set(waits)


@pytest.fixture
async def book(database: Database) -> AsyncIterator[Book]:
    book = Book(database)
    book.publish(next(facts for facts in (a_day(seed, DAY) for seed in range(100)) if varied(facts)))
    book.clock.at += 1
    yield book
    await book.log.stop()


@pytest.fixture
def client(database: Database, book: Book) -> httpx.AsyncClient:
    assert book.feature.router is not None
    return admin_client(database, [book.feature.router], clock=book.clock)


async def ask(client: httpx.AsyncClient, path: str, **about: Any) -> Any:
    answer = await client.get(f"/api/v1{path}", params=about)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_report_names_what_it_was_counted_by(client: httpx.AsyncClient, book: Book) -> None:
    report = await ask(client, "/reports/queues", since=FROM, interval="15", time_zone="Europe/Berlin")
    assert (report["since"], report["interval"], report["time_zone"]) == (FROM, "15", "Europe/Berlin")
    assert report["formula"] == "short_excluded" and report["formula_text"] == FORMULAS["short_excluded"].text
    items = report["items"]
    assert len({item["begin"] for item in items}) > 1
    for item in items:
        assert (item["threshold_ms"], item["short_ms"]) == (20_000, 5_000)
        ends = ("answered", "abandoned", "overflowed", "callback", "disconnected", "waiting")
        assert item["offered"] == sum(item[name] for name in ends)
    totals = report["totals"]
    for whole in totals:
        of = [item for item in items if item["name"] == whole["name"]]
        for name in ("offered", "answered", "talk_ms", "wrap_up_ms", "conversations", "not_answered"):
            assert whole[name] == sum(item[name] for item in of)
        assert whole["longest_wait_ms"] == max(item["longest_wait_ms"] for item in of)


async def test_formula_threshold_and_short_abandons_are_chosen_when_it_is_asked(client: httpx.AsyncClient) -> None:
    told: set[tuple[float | None, ...]] = set()
    for formula in FORMULAS:
        about: dict[str, Any] = {"since": FROM, "interval": "15", "threshold_seconds": 60, "short_seconds": 30}
        report = await ask(client, "/reports/queues", **about, formula=formula)
        assert (report["formula"], report["formula_text"]) == (formula, FORMULAS[formula].text)
        for item in report["items"]:
            assert (item["threshold_ms"], item["short_ms"]) == (60_000, 30_000)
            counts = Counts(**{name: item[name] for name in Counts.__struct_fields__})
            assert item["service_level_percent"] == service_level(counts, formula)
        told.add(tuple(item["service_level_percent"] for item in report["items"]))
    assert len(told) > 3, "on this day formulas make no difference"
    (first, *_) = (await ask(client, "/reports/queues", since=FROM, interval="month"))["items"]
    about = {"since": FROM, "interval": "month", "threshold_seconds": 1e-3, "short_seconds": 86_400}
    (late, *_) = (await ask(client, "/reports/queues", **about))["items"]
    assert (late["threshold_ms"], late["short_ms"]) == (1, 86_400_000)
    assert late["answered_within"] <= first["answered_within"] and late["abandoned_short"] == late["abandoned"]


async def test_one_queue_skills_trunks_and_agents(client: httpx.AsyncClient) -> None:
    queues = (await ask(client, "/reports/queues", since=FROM, interval="month"))["items"]
    only = (await ask(client, "/reports/queues", since=FROM, interval="month", queue="q1"))["items"]
    assert only == [item for item in queues if item["name"] == "q1"] and len(queues) > len(only) > 0
    trunks = (await ask(client, "/reports/trunks", since=FROM, interval="day"))["totals"]
    assert {item["name"] for item in trunks} == {"north", "south"}
    skills = (await ask(client, "/reports/skills", since=FROM, interval="day"))["totals"]
    assert {item["name"] for item in skills} <= {"english", "greek", "loans"}
    agents = (await ask(client, "/reports/agents", since=FROM, interval="60"))["totals"]
    assert len(agents) > 1
    assert all(agent["handling_ms"] <= agent["signed_on_ms"] for agent in agents)


async def test_a_report_as_a_file(client: httpx.AsyncClient) -> None:
    about: dict[str, Any] = {"since": FROM, "interval": "15"}
    items = (await ask(client, "/reports/queues", **about))["items"]
    answer = await client.get("/api/v1/reports/queues", params={**about, "format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(line["name"], int(line["offered"]), line["formula"]) for line in lines] == [
        (item["name"], item["offered"], "short_excluded") for item in items
    ]
    answer = await client.get("/api/v1/reports/agents", params={**about, "format": "csv"})
    agents = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(int(line["connected ms"]) for line in agents) > 0


@pytest.mark.parametrize(
    ("about", "where"),
    [
        ({"interval": "7"}, "interval"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"until": "2026-05-04T21:00:00Z"}, "until"),
        ({"since": "1999-01-01T00:00:00Z", "interval": "15"}, "interval"),
        ({"since": "9999-12-31T00:00:00Z", "until": "9999-12-31T23:59:59Z", "interval": "month"}, "since"),
        ({"formula": "best"}, "formula"),
        ({"threshold_seconds": -1}, "threshold_seconds"),
    ],
)
async def test_what_cannot_be_asked_is_named(client: httpx.AsyncClient, about: dict[str, Any], where: str) -> None:
    answer = await client.get("/api/v1/reports/queues", params={"since": FROM, **about})
    assert answer.status_code == 422 and where in answer.text


async def test_this_moment(client: httpx.AsyncClient, book: Book) -> None:
    live = (await ask(client, "/live/queues", window="day"))["items"]
    report = (await ask(client, "/reports/queues", since="2026-05-04T00:00:00Z", interval="day"))["items"]
    assert all(queue["balanced"] for queue in live)
    by_day = {item["name"]: item for item in report if item["begin"] == live[0]["since"]}
    for queue in live:
        assert queue["figures"] == {
            name: value for name, value in by_day[queue["queue"]].items() if name in queue["figures"]
        }
    one = await ask(client, "/live/queues/q1", window="15", formula="answered")
    assert (one["window"], one["formula"]) == ("15", "answered")
    agents = (await ask(client, "/live/agents"))["items"]
    assert len(agents) == len(book.figures.live.agents)
    assert (await client.get("/api/v1/live/queues/none")).status_code == 404
