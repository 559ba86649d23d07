"""Orders about the sound of live calls: what is played over them, and which servers may hear them."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest

from softswitch.events import CallFact, Fact, LegEnded, StreamFinished, StreamStarted
from softswitch.features.livesound.feature import build
from softswitch.features.livesound.service import LiveSound
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.sound import Prompt, Silence, Sound, Tone
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.call_facts import CALL, A, B, T, dialed, offered

HOSTS = ("agents.example.com", "192.0.2.7:9000", "[2001:db8::7]")
VIEWER, OPERATOR = {"Authorization": "Bearer viewer"}, {"Authorization": "Bearer operator"}


class World:
    """A call with two legs, of which one's sound may go past us."""

    def __init__(self) -> None:
        self.live: list[CallFact] = [offered(), dialed(B, T + 2)]
        self.orders: list[tuple[object, ...]] = []
        self.past_us: set[LegId] = set()
        self.published: list[Fact] = []
        self.opened: Callable[[], None]
        self.ended: Callable[[int, str], None]

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return self.live if call == CALL else None

    def serves(self, leg: LegId) -> bool:
        return leg not in self.past_us

    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        if Prompt("none") in sounds:
            raise NotFound("prompt", "none")
        self.orders.append(("play", leg, list(sounds), loop, over))

    def stream(self, leg: LegId, url: str, **how: Any) -> int:
        self.opened, self.ended = how.pop("opened"), how.pop("ended")
        self.orders.append(("stream", leg, url, how))
        return len(self.orders)

    def stop_stream(self, stream: int) -> None:
        self.orders.append(("stop", stream))

    def publish(self, fact: Fact) -> None:
        self.published.append(fact)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def audit(database: Database) -> Audit:
    return Audit(database, StandingClock())


@pytest.fixture
async def client(database: Database, world: World, audit: Audit) -> AsyncIterator[httpx.AsyncClient]:
    router = build(LiveSound(world, world, world, world, StandingClock(), HOSTS)).router
    assert router is not None
    async with admin_client(database, [router], audit=audit) as client:
        yield client


def leg(leg: LegId, what: str) -> str:
    return f"/api/v1/calls/{CALL}/legs/{leg}/{what}"


async def test_prompts_tones_and_silence_are_played_over_what_a_party_hears(
    client: httpx.AsyncClient, world: World
) -> None:
    assert (await client.post(leg(B, "play"), json={"prompt": "main/welcome"}, headers=OPERATOR)).status_code == 204
    sounds = [
        {"prompt": "main/welcome", "from_ms": 500},
        {"tone": [[440, -13], [480, -13.5]], "ms": 200, "cadence": [100, 50]},
        {"silence_ms": 100},
        {"tone": [[1000, -20]]},
    ]
    body = {"sounds": sounds, "loop": True, "over": True}
    assert (await client.post(leg(A, "play"), json=body)).status_code == 204
    assert (await client.delete(leg(A, "play"))).status_code == 204
    assert world.orders == [
        ("play", B, [Prompt("main/welcome")], False, True),
        (
            "play",
            A,
            [
                Prompt("main/welcome", 500),
                Tone(((440, -13), (480, -13.5)), 200, (100, 50)),
                Silence(100),
                Tone(((1000, -20),)),
            ],
            True,
            True,
        ),
        ("play", A, [], False, True),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": "a", "sounds": [{"prompt": "b"}]},
        {"sounds": [{}]},
        {"sounds": [{"prompt": "a", "silence_ms": 100}]},
        {"sounds": [{"tone": [[4000, -13]]}]},
        {"sounds": [{"tone": [[440, 3]]}]},
        {"sounds": [{"tone": []}]},
        {"sounds": [{"silence_ms": 100}] * 101},
        {"prompt": "a", "over": False},
        {"prompt": "a", "volume": 11},
    ],
)
async def test_what_cannot_be_meant_is_not_played(client: httpx.AsyncClient, world: World, body: object) -> None:
    assert (await client.post(leg(A, "play"), json=body)).status_code == 422
    assert world.orders == []


async def test_only_operators_play_and_stream_and_only_for_legs_that_are_there(
    client: httpx.AsyncClient, world: World
) -> None:
    stream = {"url": "ws://agents.example.com/"}
    for what, body in (("play", {"prompt": "a"}), ("streams", stream)):
        assert (await client.post(leg(A, what), json=body, headers=VIEWER)).status_code == 403
        assert (await client.post(leg(LegId("x-1.9"), what), json=body)).status_code == 404
        assert (await client.post(f"/api/v1/calls/none/legs/{A}/{what}", json=body)).status_code == 404
    assert (await client.post(leg(A, "play"), json={"prompt": "none"})).status_code == 404
    assert (await client.get("/api/v1/calls/none/streams")).status_code == 404
    assert (await client.delete(leg(A, "streams/none"))).status_code == 404
    world.past_us.add(B)
    assert (await client.post(leg(B, "play"), json={"prompt": "a"})).status_code == 409
    assert (await client.post(leg(B, "streams"), json=stream)).status_code == 409
    world.live.append(LegEnded(at=T + 9, call=CALL, leg=A, cause=Cause.NORMAL_CLEARING, by_party=True))
    assert (await client.post(leg(A, "play"), json={"prompt": "a"})).status_code == 404
    assert world.orders == [] and world.published == []


async def test_a_stream_is_begun_listed_ended_and_noted(client: httpx.AsyncClient, world: World, audit: Audit) -> None:
    url = "ws://agents.example.com:9000/calls"
    body = {"url": f"{url}?of=1", "rate": 8000, "direction": "stereo", "play": "over"}
    made = await client.post(leg(B, "streams"), json=body, headers=OPERATOR)
    assert made.status_code == 201
    shown = {
        "id": f"{B}-s1",
        "call_id": CALL,
        "leg": B,
        "url": url,
        "rate": 8000,
        "direction": "stereo",
        "play": "over",
        "by": "the operator",
        "started_at": made.json()["started_at"],
        "state": "connecting",
    }
    assert made.json() == shown
    about = [("call", CALL), ("leg", B), ("id", f"{B}-s1")]
    how = {"rate": 8000, "direction": "stereo", "play": "over", "about": about}
    assert world.orders == [("stream", B, f"{url}?of=1", how)]
    world.opened()
    listed = f"/api/v1/calls/{CALL}/streams"
    assert (await client.get(listed, headers=VIEWER)).json() == {"items": [{**shown, "state": "open"}]}
    assert (await client.delete(leg(A, f"streams/{B}-s1"))).status_code == 404
    assert (await client.delete(leg(B, f"streams/{B}-s1"), headers=VIEWER)).status_code == 403
    assert (await client.delete(leg(B, f"streams/{B}-s1"))).status_code == 204
    assert world.orders[1:] == [("stop", 1)]
    world.ended(40, "it was stopped")
    assert (await client.get(listed)).json() == {"items": []}
    assert (await client.delete(leg(B, f"streams/{B}-s1"))).status_code == 404
    started, finished = world.published
    assert isinstance(started, StreamStarted) and isinstance(finished, StreamFinished)
    assert (started.leg, started.url, started.play, started.by) == (B, url, "over", "the operator")
    assert (finished.stream, finished.lost_ms, finished.reason) == (f"{B}-s1", 40, "it was stopped")
    entries = (await client.get("/api/v1/audit")).json()["items"]
    assert [each["who"] for each in entries if each["action"].startswith("POST")] == ["the operator"]


@pytest.mark.parametrize(
    "url",
    [
        "ws://agents.example.com",
        "ws://AGENTS.example.com:81/x",
        "ws://192.0.2.7:9000/a?b=c",
        "ws://[2001:DB8::7]:9/",
    ],
)
async def test_servers_that_the_settings_allow_are_connected_to(client: httpx.AsyncClient, url: str) -> None:
    assert (await client.post(leg(A, "streams"), json={"url": url})).status_code == 201


@pytest.mark.parametrize(
    "url",
    [
        "ws://other.example.com/",
        "ws://agents.example.com.evil.example/",
        "ws://192.0.2.7/",
        "ws://192.0.2.7:9001/",
        "ws://user@agents.example.com/",
        "ws://agents.example.com\\@evil.example/",
        "ws://evil.example/#agents.example.com",
        "ws://agents.example.com#@evil.example/",
        "ws://agents.example.com/ HTTP/1.1\r\nHost: evil.example",
        "wss://agents.example.com/",
        "http://agents.example.com/",
        "",
    ],
)
async def test_no_other_server_is(client: httpx.AsyncClient, world: World, url: str) -> None:
    answer = await client.post(leg(A, "streams"), json={"url": url})
    assert answer.status_code == 422, answer.text
    assert world.orders == []


async def test_without_a_setting_there_is_no_server_at_all(database: Database, world: World) -> None:
    router = build(LiveSound(world, world, world, world, StandingClock(), ())).router
    assert router is not None
    async with admin_client(database, [router]) as client:
        answer = await client.post(leg(A, "streams"), json={"url": "ws://127.0.0.1/"})
        assert answer.status_code == 422
        assert "media.stream_hosts" in answer.text
    assert world.orders == []
