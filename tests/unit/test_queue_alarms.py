"""Alarms: three levels, no flapping; told to the bus, by e-mail and over HTTP."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from softswitch.events import AgentStateChanged, CallerLeftQueue, CallerQueued, QueueAlarmChanged
from softswitch.features.queue_figures.model.alarms import Alarm, Watch
from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from tests.support.admin_plane import admin_client
from tests.support.figures_book import Book

NOON = round(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp() * 1000)
LONG_WAIT = Alarm(name="w", figure="longest_wait_seconds", target=20, warning=60, hysteresis=5, hold_ms=10_000)
LEVEL = Alarm(name="l", figure="service_level_percent", target=80, warning=60, hysteresis=5, hold_ms=0)


def levels(alarm: Alarm, values: Sequence[float | None], every_ms: int = 1000) -> list[str]:
    watch, said = Watch(alarm), list[str]()
    for number, value in enumerate(values):
        watch.look(number * every_ms, value)
        said.append(watch.level)
    return said


def test_a_level_counts_when_it_has_lasted_and_comes_back_across_the_hysteresis() -> None:
    said = levels(LONG_WAIT, [10.0] * 5 + [30.0] * 15 + [70.0] * 15 + [57.0] * 15 + [50.0] * 15 + [15.0] * 15)
    assert [(number, level) for number, level in enumerate(said) if number == 0 or level != said[number - 1]] == [
        (0, "target"), (15, "normal"), (30, "warning"), (60, "normal"), (75, "target"),
    ]  # fmt: skip


def test_what_is_over_before_it_has_lasted_was_nothing() -> None:
    assert set(levels(LONG_WAIT, ([70.0] * 9 + [10.0]) * 5)) == {"target"}
    # Off target all the time, now and then as bad as a warning: that makes it normal, and no more.
    assert set(levels(LONG_WAIT, [70.0, 30.0] * 50)[11:]) == {"normal"}


def test_of_some_figures_little_is_bad_and_nothing_to_tell_by_is_no_fault() -> None:
    assert levels(LEVEL, [95, 80, 79.9, 60, 64.9, 65, 84.9, 85, 50, None]) == [
        "target", "target", "normal", "warning", "warning", "warning", "normal", "target", "warning", "target",
    ]  # fmt: skip


@given(values=some.lists(some.floats(0, 120), max_size=80), hold=some.integers(0, 5), hysteresis=some.floats(0, 30))
def test_no_level_is_told_that_the_figure_had_not_for_so_long(
    values: list[float], hold: int, hysteresis: float
) -> None:
    alarm = Alarm(name="w", figure="waiting", target=20, warning=60, hold_ms=hold * 1000, hysteresis=hysteresis)
    watch, changed = Watch(alarm), 0
    for number, value in enumerate(values):
        before = watch.look(number * 1000, value)
        if before is None:
            continue
        changed, lately = number, values[max(0, number - hold) : number + 1]
        assert len(lately) == hold + 1, "it was told before it could have lasted"
        if watch.level == "warning":
            assert min(lately) >= 60
        if before == "target":
            assert min(lately) > 20
        if before == "warning":
            assert max(lately) < 60
        if watch.level == "target":
            assert max(lately) <= 20
    if len(values) - changed > hold + 1 and values[-1] == 0.0 and max(values[-hold - 1 :]) == 0.0:
        assert watch.level == "target"


@pytest.fixture
async def book(database: Database) -> AsyncIterator[Book]:
    book = Book(database, NOON)
    yield book
    await book.log.stop()


@pytest.fixture
def client(database: Database, book: Book) -> httpx.AsyncClient:
    assert book.feature.router is not None
    return admin_client(database, [book.feature.router], clock=book.clock)


def queued(at: int, stay: int, queue: str = "sales") -> CallerQueued:
    return CallerQueued(
        at=at, call=CallId(f"c{stay}"), queue=queue, stay=stay, number="", priority=0, head_start_ms=0, ahead=0,
        expected_ms=None,
    )  # fmt: skip


def told(book: Book) -> list[tuple[str, str, str, float | None]]:
    return [
        (fact.subject, fact.before, fact.level, fact.value)
        for fact in book.heard
        if isinstance(fact, QueueAlarmChanged)
    ]


def second_by_second(book: Book, seconds: int) -> None:
    for _ in range(seconds):
        book.clock.at += 1000
        book.alarms.look()


WAIT: dict[str, Any] = {
    "name": "long-wait", "figure": "longest_wait_seconds", "target": 20, "warning": 60, "hold_ms": 5000,
    "emails": ["floor@example.com"],
}  # fmt: skip


async def test_an_alarm_from_its_setting_to_its_end(client: httpx.AsyncClient, book: Book) -> None:
    answer = await client.post("/api/v1/alarms", json=WAIT)
    assert answer.status_code == 201 and answer.json()["standing"] == []
    book.publish([queued(NOON, 1), queued(NOON, 2, "support")])
    left = CallerLeftQueue(
        at=NOON + 30_000, call=CallId("c2"), queue="support", stay=2, queued_at=NOON, outcome="abandoned"
    )
    second_by_second(book, 30)
    assert told(book) == [("sales", "target", "normal", 26.0), ("support", "target", "normal", 26.0)]
    book.publish([left])
    second_by_second(book, 40)
    (standing,) = [each for each in (await client.get("/api/v1/alarms")).json()["items"][0]["standing"]
                   if each["subject"] == "sales"]  # fmt: skip
    assert standing == {"subject": "sales", "level": "warning", "value": 70.0, "since": "2026-05-04T12:01:05Z"}
    assert told(book)[2:] == [("support", "normal", "target", 0.0), ("sales", "normal", "warning", 65.0)]
    book.publish([
        CallerLeftQueue(
            at=book.clock.at, call=CallId("c1"), queue="sales", stay=1, queued_at=NOON, outcome="answered"
        )
    ])  # fmt: skip
    second_by_second(book, 10)
    assert told(book)[4:] == [("sales", "warning", "target", 0.0)]
    assert [(to, subject) for to, subject, _ in book.mails] == [
        ("floor@example.com", "Warning: longest wait seconds of queue sales: 65"),
        ("floor@example.com", "Over: longest wait seconds of queue sales: 0"),
    ]


async def test_changes_hold_at_once_and_after_a_restart(
    client: httpx.AsyncClient, book: Book, database: Database
) -> None:
    await client.post("/api/v1/alarms", json=WAIT)
    changed = await client.patch("/api/v1/alarms/long-wait", json={"subject": "sales", "warning": 30})
    assert changed.json()["warning"] == 30 and changed.json()["figure"] == "longest_wait_seconds"
    again = Book(database, NOON)
    await again.alarms.load(database)
    assert list(again.alarms.all()) == book.alarms.all()
    again.publish([queued(NOON, 1)])
    second_by_second(again, 40)
    assert told(again) == [("sales", "target", "normal", 26.0), ("sales", "normal", "warning", 35.0)]
    await again.alarms.load(database)  # another alarm was changed elsewhere: this one goes on
    second_by_second(again, 10)
    assert len(told(again)) == 2
    await again.log.stop()
    assert (await client.delete("/api/v1/alarms/long-wait")).status_code == 204
    assert (await client.get("/api/v1/alarms/long-wait")).status_code == 404
    assert not book.alarms.all()


async def test_agents_are_watched_each_by_itself_while_they_are_signed_on(
    client: httpx.AsyncClient, book: Book
) -> None:
    lunch = {
        "name": "lunch", "of": "agent", "figure": "not_ready_seconds", "target": 10, "warning": 20, "hold_ms": 0,
    }  # fmt: skip
    assert (await client.post("/api/v1/alarms", json=lunch)).status_code == 201

    def does(agent: str, state: Any, before: Any) -> None:
        book.publish([AgentStateChanged(at=book.clock.at, agent=agent, state=state, before=before, before_ms=0)])

    does("ann", "not_ready", "logged_out")
    does("bob", "available", "logged_out")
    second_by_second(book, 25)
    assert told(book) == [("ann", "target", "normal", 11.0), ("ann", "normal", "warning", 20.0)]
    does("ann", "logged_out", "not_ready")
    second_by_second(book, 5)
    assert told(book)[2:] == [("ann", "warning", "target", None)]
    assert [each["subject"] for each in (await client.get("/api/v1/alarms/lunch")).json()["standing"]] == ["bob"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"figure": "happiness"}, "figure"),
        ({"of": "agent"}, "figure"),
        ({"warning": 20}, "warning"),
        ({"hysteresis": 40}, "hysteresis"),
        ({"hysteresis": -1}, "hysteresis"),
        ({"window": "7"}, "window"),
        ({"window": "day", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"emails": ["nobody"]}, "emails"),
        ({"target": "NaN"}, "target"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_watched_is_named(client: httpx.AsyncClient, wrong: dict[str, Any], where: str) -> None:
    answer = await client.post("/api/v1/alarms", json={**WAIT, **wrong})
    assert answer.status_code == 422 and where in answer.text
    assert (await client.get("/api/v1/alarms")).json()["items"] == []


async def test_who_may_set_alarms(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/alarms", json=WAIT)
    assert (await client.post("/api/v1/alarms", json=WAIT)).status_code == 409
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.get("/api/v1/alarms", headers=viewer)).status_code == 200
    assert (await client.post("/api/v1/alarms", json=WAIT, headers=viewer)).status_code == 403
    assert (await client.delete("/api/v1/alarms/long-wait", headers=viewer)).status_code == 403
