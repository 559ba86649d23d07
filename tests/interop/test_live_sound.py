"""Two phones (pjsua2) talk: a WebSocket server hears both and talks to one, and a tone is played to the other."""

import asyncio
import json
from array import array
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import Server, running
from tests.wire.rtp_party import amplitude_at, sine

pytestmark = [phones.needed]

TALK = 2.0
ALICE, BOB, AGENT, TONE = 500, 800, 1100, 1700
RATE = 16_000


def play(switch: Server, leg: str, **body: Any) -> None:
    httpx.post(
        f"{switch.url}/api/v1{leg}/play",
        json=body,
        headers={"Authorization": "Bearer demo-admin"},
        trust_env=False,
    ).raise_for_status()


async def test_a_server_hears_both_phones_and_talks_to_one_and_a_tone_is_played_to_the_other(tmp_path: Path) -> None:
    sound = bytearray()
    texts: list[dict[str, Any]] = []

    async def agent(socket: ServerConnection) -> None:
        async for message in socket:
            if isinstance(message, bytes):
                sound.extend(message)
                continue
            texts.append(json.loads(message))
            if texts[-1]["type"] == "start":
                await socket.send(sine(AGENT, TALK, RATE))
                await socket.send(json.dumps({"type": "mark", "name": "said"}))

    async with serve(agent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with running(tmp_path, environment={"SOFTSWITCH_MEDIA_STREAM_HOSTS": f"127.0.0.1:{port}"}) as switch:
            admin = Admin(switch)
            alice = Phone(switch, "1011", tmp_path, tone=ALICE)
            bob = Phone(switch, "1012", tmp_path, tone=BOB, answer=200)
            async with ready(alice, bob):
                await alice.do("dial", number="1012")
                await alice.state("confirmed")
                await bob.state("confirmed")
                call = admin.eventually(lambda: admin.all("/calls"), lambda calls: calls[0]["state"] == "talking")[0]
                legs = {leg["role"]: f"/calls/{call['call_id']}/legs/{leg['leg']}" for leg in call["legs"]}
                await asyncio.sleep(0.5)
                with pytest.raises(httpx.HTTPStatusError):
                    admin.post(f"{legs['called']}/streams", url=f"ws://127.0.0.1:{port + 1}/")
                stream = admin.post(
                    f"{legs['called']}/streams", url=f"ws://127.0.0.1:{port}/", direction="stereo", play="instead"
                )
                tones = [{"tone": [[TONE, 0.0]], "ms": round(1000 * TALK)}]
                play(switch, legs["caller"], sounds=tones, over=True)
                await asyncio.sleep(TALK + 0.5)
                listed = admin.get(f"/calls/{call['call_id']}/streams")["items"]
                assert [(each["id"], each["state"]) for each in listed] == [(stream["id"], "open")]
                admin.delete(f"{legs['called']}/streams/{stream['id']}")
                await asyncio.sleep(TALK)
                await alice.do("hangup", call=1)
                await bob.state("disconnected")
                for phone in (alice, bob):
                    await phone.leave()
            admin.close()

    assert {"start", "played", "stop"} <= {text["type"] for text in texts}
    samples = array("h", bytes(sound))
    for channel, frequency, other in ((0, BOB, ALICE), (1, ALICE, BOB)):
        heard = list(samples[channel::2])[RATE // 2 : 2 * RATE]
        assert amplitude_at(heard, frequency, RATE) > 500
        assert amplitude_at(heard, other, RATE) < amplitude_at(heard, frequency, RATE) / 30
    assert bob.heard(1.0, TALK).frequency == pytest.approx(AGENT, abs=3)
    assert alice.heard(1.0, TALK).frequency == pytest.approx(TONE, abs=3)
    for phone, frequency in ((bob, ALICE), (alice, BOB)):
        assert phone.heard(phone.heard().seconds - 1.2, phone.heard().seconds - 0.2).frequency == pytest.approx(
            frequency, abs=3
        )
