"""The MQTT gateway and a real broker, which goes away, comes back, does not answer, or does not let us in."""

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from gateways.mqtt.gateway import MqttGateway, MqttSettings
from softswitch.events import AgentStateChanged, CallAnswered, SwitchStarted
from softswitch.kernel.ids import CallId
from tests.fuzz.echo_call import EchoCall
from tests.support.certificates import Authority
from tests.support.mosquitto import LIMIT, Broker, Heard, listening, mute_server, needed
from tests.support.server import FEW_LEGS, Server

pytestmark = needed

READY = AgentStateChanged(at=2, agent="anna", state="available", before="not_ready", before_ms=9)
AWAY = AgentStateChanged(at=3, agent="anna", state="not_ready", reason="tea", before="available", before_ms=1)


def answered(number: int) -> CallAnswered:
    return CallAnswered(at=number, call=CallId(f"x-{number}"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@asynccontextmanager
async def gateway(port: int, patience: float = 5.0, most: int = 1000, **settings: Any) -> AsyncIterator[MqttGateway]:
    """A gateway that runs, and tries again soon."""
    made = MqttGateway(
        MqttSettings(host="127.0.0.1", port=port, **settings), patience=patience, first_wait=0.05, most_waiting=most
    )
    made.start()
    try:
        yield made
    finally:
        await made.stop()


async def becomes(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while True:
            if true():
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("qos", [0, 1])
async def test_facts_come_as_on_the_websocket_in_order_and_the_switch_says_that_it_is_there(
    broker: Broker, qos: int
) -> None:
    async with listening(broker.port) as ear:
        async with gateway(broker.port, qos=qos) as mqtt:
            for number in range(200):
                mqtt.hear(answered(number))
            mqtt.hear(READY)
            await ear.topic("softswitch/agents/anna/state")
        await ear.topic("softswitch/online", False)
    assert ear.heard[0] == Heard("softswitch/online", True, False)
    assert [each.topic for each in ear.heard[1:201]] == [f"softswitch/calls/x-{n}/CallAnswered" for n in range(200)]
    assert ear.heard[1].payload == msgspec.to_builtins(answered(0)) | {"fact": "CallAnswered"}
    assert mqtt.stats == {"connected": 0, "connections": 1, "waiting": 0, "published": 201, "dropped": 0}


async def test_who_comes_later_is_told_what_holds(broker: Broker) -> None:
    async with gateway(broker.port, prefix="sites/berlin") as mqtt:
        for fact in (READY, answered(1), AWAY):
            mqtt.hear(fact)
        await becomes(lambda: mqtt.stats["published"] == 3)
        async with listening(broker.port) as ear:
            await ear.until(lambda heard: len(heard) == 2)
        assert {(each.topic, each.kept) for each in ear.heard} == {
            ("sites/berlin/online", True),
            ("sites/berlin/agents/anna/state", True),
        }
        assert (await ear.topic("sites/berlin/agents/anna/state")).payload["reason"] == "tea"


async def test_only_what_is_wanted_is_told(broker: Broker) -> None:
    async with (
        listening(broker.port, "softswitch/+/#") as ear,
        gateway(broker.port, topics=("agents/+/state",)) as mqtt,
    ):
        for fact in (answered(1), SwitchStarted(at=1, version="1"), READY):
            mqtt.hear(fact)
        await ear.topic("softswitch/agents/anna/state")
    assert {each.topic for each in ear.heard} == {"softswitch/agents/anna/state", "softswitch/online"}


async def test_a_broker_that_dies_and_comes_back_is_told_all_that_happened_meanwhile_and_what_holds(
    broker: Broker,
) -> None:
    async with gateway(broker.port) as mqtt:
        mqtt.hear(READY)
        await becomes(lambda: mqtt.stats["published"] == 1)
        broker.kill()
        await becomes(lambda: not mqtt.stats["connected"])
        for number in range(100):
            mqtt.hear(answered(number))
        assert mqtt.stats["waiting"] == 100
        broker.start()
        # Who came first, the switch or the listener, nobody can tell: what holds comes either way.
        async with listening(broker.port) as ear:
            await ear.topic("softswitch/agents/anna/state")
            await ear.topic("softswitch/online", True)
        await becomes(lambda: mqtt.stats["waiting"] == 0)
    assert mqtt.stats["dropped"] == 0
    assert (mqtt.stats["published"], mqtt.stats["connections"]) == (102, 2)


async def test_when_too_much_waits_the_oldest_is_dropped_and_counted_and_told_once(broker: Broker) -> None:
    broker.kill()
    with capture_logs() as logs:
        async with gateway(broker.port, most=10) as mqtt:
            mqtt.hear(READY)
            for number in range(10, 40):
                mqtt.hear(answered(number))
            assert (mqtt.stats["waiting"], mqtt.stats["dropped"]) == (11, 21)
            # The fixed listener is there before the switch comes again, so that it hears everything.
            broker.start()
            async with listening(broker.port) as ear:
                gap = await ear.topic("softswitch/dropped")
                await ear.topic("softswitch/agents/anna/state")
    assert gap.payload == {"count": 21, "from": 2, "until": 29}
    assert [each["event"] for each in logs].count("the MQTT broker takes too little: the oldest facts are dropped") == 1


async def test_calls_go_on_whatever_becomes_of_the_broker_and_its_last_will_tells_of_a_crash(
    broker: Broker, tmp_path: Path
) -> None:
    environment = {**FEW_LEGS, "SOFTSWITCH_MQTT_SERVER": f"127.0.0.1:{broker.port}"}
    server = await asyncio.to_thread(Server.start, tmp_path, environment=environment)
    try:
        async with listening(broker.port) as ear:
            call = await asyncio.to_thread(EchoCall(server.sip, "without-a-broker").__enter__)
            (live,) = server.get("/api/v1/calls")["items"]
            await ear.topic(f"softswitch/calls/{live['call_id']}/CallAnswered")
            assert server.metrics()["softswitch_mqtt_connected"] == 1
            sign_on(server, "alice")
            state = await ear.topic("softswitch/agents/alice/state")
            assert (state.payload["fact"], state.payload["state"]) == ("AgentStateChanged", "available")
        broker.kill()
        await asyncio.to_thread(call.say)
        await becomes(lambda: server.metrics()["softswitch_mqtt_connected"] == 0)
        await asyncio.to_thread(call.__exit__, None, None, None)
        await asyncio.to_thread(make_a_call, server)
        broker.start()
        async with listening(broker.port) as ear:
            await ear.topic("softswitch/online", True)
            assert (await ear.topic("softswitch/agents/alice/state")).payload == state.payload
            assert server.metrics()["softswitch_mqtt_dropped_total"] == 0
            waiting = await asyncio.to_thread(EchoCall(server.sip, "crash").__enter__)
            await asyncio.to_thread(waiting.say)
            server.process.kill()
            await ear.topic("softswitch/online", False)
    finally:
        server.stop()


def sign_on(server: Server, agent: str) -> None:
    headers = {"Authorization": "Bearer demo-admin", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/api/v1/agents/{agent}/sign-on", b"{}", headers, method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def make_a_call(server: Server) -> None:
    with EchoCall(server.sip, "another") as call:
        call.say()


async def test_a_password_opens_and_a_wrong_one_is_told_once_and_shown_nowhere(tmp_path: Path) -> None:
    broker = Broker(tmp_path, password="s3cret-words")
    broker.start()
    who: dict[str, Any] = {"username": "switch", "password": "s3cret-words"}
    try:
        with capture_logs() as logs:
            async with gateway(broker.port, username="switch", password="wr0ng-words") as mqtt:
                await becomes(lambda: broker.log.read_text().count("not authorised") >= 3)
                mqtt.hear(READY)
        assert mqtt.stats["connections"] == 0
        refused = [each for each in logs if each["event"] == "the MQTT broker cannot be used, trying again"]
        assert len(refused) == 1
        assert "authori" in refused[0]["error"]
        assert "wr0ng-words" not in str(logs)
        async with listening(broker.port, **who) as ear, gateway(broker.port, **who) as mqtt:
            mqtt.hear(READY)
            await ear.topic("softswitch/agents/anna/state")
    finally:
        broker.kill()


async def test_tls_goes_to_a_broker_that_proves_its_name_and_to_no_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    broker = Broker(tmp_path, certificate=authority.sign("127.0.0.1"))
    broker.start()
    trusted = ssl.create_default_context(cafile=authority.file)
    stranger = Authority(tmp_path, "another")
    try:
        async with (
            listening(broker.port, tls_context=trusted) as ear,
            gateway(broker.port, tls=True, authority=authority.file) as mqtt,
        ):
            for number in range(100):
                mqtt.hear(answered(number))
            await ear.topic("softswitch/calls/x-99/CallAnswered")
        with capture_logs() as logs:
            async with gateway(broker.port, tls=True, authority=stranger.file) as mqtt:
                await becomes(lambda: bool(logs))
            assert "CERTIFICATE_VERIFY_FAILED" in logs[0]["error"]
            async with gateway(broker.port, tls=True, authority=stranger.file, verify=False) as mqtt:
                await becomes(lambda: mqtt.stats["connected"] == 1)
    finally:
        broker.kill()


@pytest.mark.parametrize(
    ("answers", "tls"), [(b"", False), (b"", True), (b"\x20\x02\x00\x00", False), (b"HTTP/1.1 400 Bad\r\n\r\n", False)]
)
async def test_a_server_that_never_answers_is_given_up_again_and_again(answers: bytes, tls: bool) -> None:
    """It accepts and says nothing; it greets and takes nothing; it is no MQTT broker at all."""
    async with mute_server(answers) as (port, began):
        async with gateway(port, patience=0.3, most=20, tls=tls) as mqtt:
            for number in range(30):
                mqtt.hear(answered(number))
            if not tls:  # the library has its own patience for the handshake
                await becomes(lambda: len(began) >= 3)
            await becomes(lambda: bool(began))
            assert (mqtt.stats["published"], mqtt.stats["waiting"], mqtt.stats["dropped"]) == (0, 20, 10)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 10


async def test_a_broker_that_stops_in_the_middle_gets_later_what_it_did_not_take(broker: Broker) -> None:
    async with gateway(broker.port, patience=2) as mqtt:
        await becomes(lambda: mqtt.stats["connected"] == 1)
        broker.freeze()
        for number in range(60):
            mqtt.hear(answered(number))
        await becomes(lambda: not mqtt.stats["connected"])
        assert mqtt.stats["published"] == 0
        broker.thaw()
        await becomes(lambda: mqtt.stats["waiting"] == 0 and mqtt.stats["published"] == 60)
    assert mqtt.stats["dropped"] == 0
