"""A camera in the room of a real phone: seen and heard, muted, and back after the composer was killed."""

import asyncio
import os
import signal
from array import array
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN
from tests.interop.pictures import BLUE, RED, whole
from tests.support.cameras import film, serving
from tests.support.server import FEW_LEGS, Server, free_sip_port, running
from tests.wire.rtp_party import amplitude_at

pytest.importorskip("baresip")
from baresip.call import Call

from tests.interop.test_rooms_of_phones import HIGH
from tests.interop.test_video_of_phones import sees_at, showing, video_of, video_phones
from tests.support.processes import composer_of

LOUD = 2000.0
"""The film's tone has 8000."""
ENVIRONMENT = {**FEW_LEGS, "SOFTSWITCH_VIDEO_CAMERA_HOSTS": "127.0.0.1"}


async def hears_it(call: Call, wanted: bool) -> None:
    """Wait until a phone hears the camera, or hears it no more."""
    async with asyncio.timeout(WITHIN):
        while (await loudness(call) > LOUD) is not wanted:
            pass


async def loudness(call: Call) -> float:
    """Of the camera's tone, in half a second of what the phone hears."""
    pcm, info = b"", call.audio.info()
    call.audio.read(1 << 20)
    while len(pcm) < info.rx_sample_rate * info.rx_channels:
        await asyncio.sleep(0.02)
        pcm += call.audio.read(65536)
    return amplitude_at(list(array("h", pcm[: len(pcm) // 2 * 2])[:: info.rx_channels]), HIGH, info.rx_sample_rate)


async def test_a_camera_is_seen_and_heard_by_a_phone_and_again_after_the_composer_was_killed(tmp_path: Path) -> None:
    film(tmp_path / "bench.mp4", 60, hz=HIGH)
    port = free_sip_port("127.0.0.1")
    with running(tmp_path / "switch", environment=ENVIRONMENT) as switch, serving(tmp_path, port):
        admin = Admin(switch)
        camera = {"name": "Bench", "url": f"rtsp://viewer:secret@127.0.0.1:{port}/bench.mp4"}
        shown = await asyncio.to_thread(admin.patch, "/conferences/3000", cameras=[camera], self_view=False)
        assert shown["cameras"][0]["url"] == f"rtsp://viewer:***@127.0.0.1:{port}/bench.mp4"
        async with video_phones(switch, "1014", size=(1280, 720)) as (phone,):
            call = await phone.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True)
            await call.wait_established(WITHIN)
            await asyncio.gather(sees_at(call, *whole(BLUE)), hears_it(call, True))
            (member,) = [each for each in members(admin) if each["kind"] == "camera"]
            assert (member["name"], member["terminal"], member["lost"]) == ("Bench", "camera", "")
            path = f"/conferences/3000/members/{member['member']}"
            await asyncio.to_thread(admin.patch, path, muted=True)
            await hears_it(call, False)
            await asyncio.to_thread(admin.patch, path, muted=False)
            await hears_it(call, True)
            killed = composer_of(switch)
            os.kill(killed, signal.SIGKILL)
            await until_another(switch, killed)
            await asyncio.gather(sees_at(call, *whole(BLUE)), hears_it(call, True))
            await asyncio.to_thread(admin.delete, path)
            await hears_it(call, False)
            await call.hangup()
        assert "secret" not in switch.log.read_text()
        admin.close()


def members(admin: Admin) -> list[dict[str, object]]:
    return admin.all("/conferences/3000/members")


async def until_another(switch: Server, killed: int) -> None:
    """Until there is another composer."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                if composer_of(switch) != killed:
                    return
            except (ValueError, FileNotFoundError):  # it is on its way
                pass
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("seen_by", ["switch", "compose"])
async def test_a_sip_camera_is_seen_by_all_and_sent_nothing(switch: Server, admin: Admin, seen_by: str) -> None:
    await asyncio.to_thread(admin.patch, "/conferences/3000", pictures=seen_by, layout="speaker", self_view=False)
    before = len(records(admin, "1015"))
    room = f"sip:3000@{switch.host}:{switch.sip_port}"
    try:
        async with video_phones(switch, "1014", "1015", size=(1280, 720)) as (watcher, camera):
            sees = await watcher.dial(room, video=True)
            await sees.wait_established(WITHIN)
            shows = await camera.dial(room, video="sendonly")
            await shows.wait_established(WITHIN)
            async with showing((shows, RED), (sees, BLUE)):
                await sees_at(sees, *whole(RED))
            terminals = {each["number"]: each["terminal"] for each in members(admin) if each["state"] == "in"}
            assert terminals == {"1014": "video", "1015": "camera"}
            await sees.hangup()
            await shows.hangup()
        found = await asyncio.to_thread(admin.eventually, lambda: records(admin, "1015"), lambda it: len(it) > before)
        (line,) = video_of(found[0])[0]
        assert (line["received"] > 0, line["sent"]) == (True, 0)
    finally:
        await asyncio.to_thread(admin.patch, "/conferences/3000", pictures="switch", layout="speaker", self_view=True)


def records(admin: Admin, caller: str) -> list[dict[str, Any]]:
    """Of a phone's calls to the room, the newest first."""
    return admin.all("/cdrs", **{"to": "3000", "from": caller})
