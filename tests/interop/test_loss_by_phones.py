"""Real phones on a line that loses three of ten packets each way for ten seconds: then each sees and hears again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import baresip_of_debian, phones
from tests.interop.baresip_of_debian import RATE, BaresipOfDebian
from tests.interop.conftest import Admin
from tests.interop.lossy_relay import ENVIRONMENT, LossyRelay
from tests.interop.phones import WITHIN, Phone, ready
from tests.interop.pictures import BLUE, GREEN, RED, YELLOW, Place, whole
from tests.support.server import Server, running

pytest.importorskip("baresip")
from baresip.call import Call

from tests.interop.test_baresip import TONE
from tests.interop.test_rooms_of_phones import HIGH, LOW, heard_by_baresip, heard_last, tones
from tests.interop.test_video_of_phones import sees_at, showing, video_phones

pytestmark = [phones.needed, baresip_of_debian.needed]

LOSS, SECONDS = 0.3, 10.0


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "switch", environment=ENVIRONMENT) as server:
        yield server


async def sees_again(call: Call, *wanted: Place) -> None:
    """Wait until a picture that comes after this has colours at places."""
    while call.video.read_frame() is not None:
        pass
    await sees_at(call, *wanted)


async def test_after_ten_seconds_of_loss_all_see_and_hear_again(switch: Server, admin: Admin, tmp_path: Path) -> None:
    """In a room whose picture is composed, and meanwhile in one whose pictures are switched; what they show changes
    while packets are lost."""
    await asyncio.to_thread(admin.patch, "/conferences/3000", pictures="compose", layout="2x2")
    await asyncio.to_thread(admin.post, "/conferences", number="3210", title="Switched")
    listener = Phone(switch, "1011", tmp_path, tone=LOW)
    async with (
        LossyRelay(switch) as line,
        ready(listener),
        video_phones(switch, "1014", "1016", "1017", size=(1280, 720), tone=TONE) as agents,
        BaresipOfDebian(switch, "1015", tmp_path / "h264", tone=HIGH, camera=BLUE) as h264,
    ):
        calls = []
        for agent, room in zip(agents, ("3000", "3210", "3210"), strict=True):
            calls.append(await agent.dial(f"sip:{room}@{switch.host}:{switch.sip_port}", video=True))
            await calls[-1].wait_established(WITHIN)
        vp8, one, other = calls
        async with showing((vp8, RED), (one, RED), (other, BLUE)):
            await sees_at(vp8, (0.25, 0.2, RED))
            await h264.dial("3000")
            await listener.do("dial", number="3000")
            await listener.state("confirmed")
            composed = (0.25, 0.2, RED), (0.75, 0.2, BLUE)
            await asyncio.gather(sees_at(vp8, *composed), h264.sees(*composed))
            await asyncio.gather(sees_at(one, *whole(BLUE)), sees_at(other, *whole(RED)))
            line.loss = LOSS
            await asyncio.sleep(SECONDS / 2)
        await h264.show(GREEN)
        async with showing((vp8, YELLOW), (one, YELLOW), (other, GREEN)):
            await asyncio.sleep(SECONDS / 2)
            line.loss = 0.0
            composed = (0.25, 0.2, YELLOW), (0.75, 0.2, GREEN)
            await asyncio.gather(
                sees_again(vp8, *composed),
                h264.sees(*composed),
                sees_again(one, *whole(GREEN)),
                sees_again(other, *whole(YELLOW)),
            )
            heard = await asyncio.gather(heard_by_baresip(vp8, 1.0), h264.hears(1.0))
            assert (heard[0], tones(heard[1], RATE)) == ({LOW, HIGH}, {LOW, TONE})
            await listener.leave()
        for call in calls:
            await call.hangup()
    assert heard_last(listener, 0.3) == {TONE, HIGH}
    assert all(line.lost[way] / line.passed[way] == pytest.approx(LOSS / (1 - LOSS), rel=0.2) for way in ("up", "down"))
