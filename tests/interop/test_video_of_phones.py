"""Pictures of real phones through the switch: baresip sends a colour, and what the other reads has it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN
from tests.interop.pictures import BLUE, RED, Colour, Place, is_at
from tests.support.server import Server, free_sip_port

baresip = pytest.importorskip("baresip")
from baresip.call import Call  # noqa: E402
from baresip.errors import BaresipError, VideoNotActive, VideoRestarted  # noqa: E402
from baresip.runtime import Runtime  # noqa: E402
from baresip.ua import UserAgent  # noqa: E402

SIZE = (320, 240)


@contextlib.asynccontextmanager
async def video_phones(
    switch: Server, *accounts: str, encryption: str = "", size: tuple[int, int] = SIZE, tone: int = 500
) -> AsyncIterator[list[UserAgent]]:
    """Registered phones of one baresip, which send pictures of a size and take no larger ones; one at a time in a
    process."""
    runtime = Runtime()
    await runtime.start(
        baresip.Config(
            net_interface="127.0.0.1",
            audio_source=f"ausine,{tone}",
            max_concurrent_calls=None,
            video_size=size,
            video_fps=15.0,
            extra_config_text=("module srtp.so\n" if encryption else "")
            + f"sip_listen 127.0.0.1:{free_sip_port('127.0.0.1')}\n",
        )
    )
    try:
        agents = []
        for account in accounts:
            agent = await UserAgent.create(
                runtime,
                baresip.Account(
                    account,
                    f"{switch.host}:{switch.sip_port}",
                    f"demo-{account}",
                    extra_params=(f"mediaenc={encryption}",) if encryption else (),
                ),
            )
            await agent.register(timeout=WITHIN)
            agents.append(agent)
        yield agents
        for agent in agents:
            await agent.unregister(timeout=WITHIN)
    finally:
        await runtime.close()


async def called(switch: Server, caller: UserAgent, callee: UserAgent, number: str) -> tuple[Call, Call]:
    """A call with video between two phones, put through."""
    incoming: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
    callee.on_incoming(incoming.set_result)
    out = await caller.dial(f"sip:{number}@{switch.host}:{switch.sip_port}", video=True)
    back = await asyncio.wait_for(incoming, WITHIN)
    await back.answer(video=True)
    await out.wait_established(WITHIN)
    await back.wait_established(WITHIN)
    return out, back


async def shows(call: Call, colour: Colour) -> None:
    """Send pictures of a colour for ever."""
    while True:
        with contextlib.suppress(VideoNotActive, VideoRestarted):
            about = call.video.info()
            call.video.write_frame(colour.picture((about.width, about.height)))
        await asyncio.sleep(1 / 15)


async def sees(call: Call, colour: Colour, count: int) -> None:
    """Wait until so many pictures of a colour have come."""
    found = 0
    async with asyncio.timeout(WITHIN):
        while found < count:
            with contextlib.suppress(VideoNotActive, VideoRestarted):
                frame = call.video.read_frame()
                while frame is not None:
                    assert (frame.width, frame.height) == SIZE
                    found += is_at(frame.data, *SIZE, (0.75, 0.5, colour))
                    frame = call.video.read_frame()
            await asyncio.sleep(0.02)


async def sees_at(call: Call, *wanted: Place) -> None:
    """Wait until a picture has colours at places."""
    async with asyncio.timeout(WITHIN):
        while True:
            with contextlib.suppress(VideoNotActive, VideoRestarted):
                frame = call.video.read_frame()
                while frame is not None:
                    if all(is_at(frame.data, frame.width, frame.height, each) for each in wanted):
                        return
                    frame = call.video.read_frame()
            await asyncio.sleep(0.02)


async def begun_again(call: Call) -> None:
    """Let video begin again as soon as the phone is done with the offer that ended it."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                await call.add_video()
                return
            except BaresipError as error:
                assert "already in flight" in str(error)
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def showing(*pairs: tuple[Call, Colour]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(shows(call, colour)) for call, colour in pairs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def video_of(cdr: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [leg["video"] for leg in cdr["legs"]]


async def test_two_baresips_see_each_other_in_vp8(switch: Server, admin: Admin) -> None:
    async with video_phones(switch, "1014", "1015") as (alice, bob):
        out, back = await called(switch, alice, bob, "1015")
        async with showing((out, RED), (back, BLUE)):
            await asyncio.gather(sees(out, BLUE, 10), sees(back, RED, 10))
        await out.hangup()
    for (line,) in video_of(admin.cdr("1015")):
        assert line["codec"] == "VP8"
        assert line["received"] > 10 and line["sent"] > 10 and line["frames"] >= 10 and line["key_frames"] >= 1


async def test_pictures_go_under_srtp_as_the_sound_does(switch: Server, admin: Admin) -> None:
    for account in ("1014", "1015"):
        admin.patch(f"/accounts/{account}", srtp="required")
    try:
        async with video_phones(switch, "1014", "1015", encryption="srtp-mand") as (alice, bob):
            out, back = await called(switch, alice, bob, "1015")
            async with showing((out, RED), (back, BLUE)):
                await asyncio.gather(sees(out, BLUE, 5), sees(back, RED, 5))
            await out.hangup()
    finally:
        for account in ("1014", "1015"):
            admin.patch(f"/accounts/{account}", srtp="off")


async def test_video_of_a_call_ends_and_begins_again_and_the_echo_shows_oneself(switch: Server) -> None:
    async with video_phones(switch, "1014", "1015") as (alice, bob):
        out, back = await called(switch, alice, bob, "1015")
        async with showing((out, RED), (back, BLUE)):
            await asyncio.gather(sees(out, BLUE, 3), sees(back, RED, 3))
            await out.remove_video()
            await begun_again(out)
            await asyncio.gather(sees(out, BLUE, 3), sees(back, RED, 3))
        await out.hangup()
        echo = await alice.dial(f"sip:9196@{switch.host}:{switch.sip_port}", video=True)
        await echo.wait_established(WITHIN)
        async with showing((echo, RED)):
            await sees(echo, RED, 5)
        await echo.hangup()
