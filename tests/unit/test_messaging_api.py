"""/api/v1/messages, over the real table."""

from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest

from softswitch.calls.signals import Target
from softswitch.events import Fact
from softswitch.features.messaging.api import build_router
from softswitch.features.messaging.model import EXPIRED
from softswitch.features.messaging.service import MOST_WAITING, Messaging
from softswitch.features.messaging.store import MessageStore
from softswitch.kernel.address import Party
from softswitch.kernel.messages import Delivery, TextMessage
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.demo_parts import DemoDirectory


class Devices:
    """Account 1002 has a phone that takes everything; nobody else has one."""

    async def rouse(self, number: str, caller: Party) -> None:
        return

    def targets(self, number: str) -> Sequence[Target]:
        return [Target("sip:1002@192.0.2.9")] if number == "1002" else []

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        done(Delivery.DELIVERED)


@pytest.fixture
async def messaging(database: Database) -> AsyncIterator[Messaging]:
    clock, devices, facts = StandingClock(), Devices(), list[Fact]()
    made = Messaging(DemoDirectory(clock), devices, MessageStore(database), clock, facts.append, "192.0.2.1")
    made.connect(devices)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(messaging: Messaging, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(database, [build_router(messaging)]) as client:
        yield client


async def post(client: httpx.AsyncClient, to: str, text: str, **more: object) -> httpx.Response:
    return await client.post("/api/v1/messages", json={"from": "office", "to": to, "text": text, **more})


async def test_a_message_is_taken_and_found_again(client: httpx.AsyncClient) -> None:
    sent = await post(client, "1001", "电梯在修理 Lift")
    assert sent.status_code == 202
    shown = (await client.get(f"/api/v1/messages/{sent.json()['id']}")).json()
    assert shown == sent.json()
    assert (shown["from"], shown["to"], shown["text"], shown["state"]) == (
        "office",
        "1001",
        "电梯在修理 Lift",
        "waiting",
    )


async def test_messages_are_listed_by_account_and_state_page_by_page(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await post(client, "1001", f"text {number}")
    await post(client, "1003", "other")
    first = (await client.get("/api/v1/messages", params={"account": "1001", "limit": 3})).json()
    rest = (await client.get("/api/v1/messages", params={"account": "1001", "cursor": first["next"]})).json()
    texts = [item["text"] for item in first["items"] + rest["items"]]
    assert texts == [f"text {number}" for number in (4, 3, 2, 1, 0)]
    assert rest["next"] is None
    assert (await client.get("/api/v1/messages", params={"state": "expired"})).json()["items"] == []
    assert (await client.get("/api/v1/messages", params={"account": "office"})).json()["items"][0]["text"] == "other"


async def test_what_cannot_be_sent_is_refused(client: httpx.AsyncClient) -> None:
    assert (await post(client, "4711", "hello")).status_code == 404
    assert (await post(client, "1001", "")).status_code == 422
    assert (await post(client, "1001", "x", expires_seconds=0)).status_code == 422
    assert (await client.get("/api/v1/messages/none")).status_code == 404
    for _ in range(MOST_WAITING):
        assert (await post(client, "1001", "x")).status_code == 202
    assert (await post(client, "1001", "x")).status_code == 409


async def test_only_operators_read_peoples_words(client: httpx.AsyncClient) -> None:
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.get("/api/v1/messages", headers=viewer)).status_code == 403


async def test_a_stored_message_is_as_it_was_taken(database: Database) -> None:
    store = MessageStore(database)
    message = TextMessage(Party("1002", "Bob"), "1001", "text/plain;charset=utf-8", b"\xff\x00binary")
    stored = await store.add(message, 1000, 5000)
    assert await store.waiting("1001", 10) == [stored]
    assert stored.message == message
    assert await store.counts() == {"1001": 1}
    assert await store.expired(4999, 10) == []
    assert await store.expired(5000, 10) == [stored]
    await store.finish(stored.id, EXPIRED, 6000)
    assert await store.waiting("1001", 10) == []
    await store.purge(6001)
    assert (await store.add(message, 1, 2)).id >= stored.id


async def test_a_later_account_of_the_same_number_gets_no_old_messages(
    client: httpx.AsyncClient, messaging: Messaging, database: Database
) -> None:
    await post(client, "1001", "for its owner")
    await post(client, "1003", "for another")
    async with database.session() as session:
        await messaging.forget(session, "1001")
    left = (await client.get("/api/v1/messages")).json()["items"]
    assert [item["to"] for item in left] == ["1003"]
    for _ in range(MOST_WAITING):
        assert (await post(client, "1001", "x")).status_code == 202
