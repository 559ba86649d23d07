"""Real phones of every kind in one room: baresip with VP8, Debian's baresip with H.264, pjsua2 with sound alone. What
each sees is read from its pixels, what it hears from its sound."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gateways.video.composer.lettering import placard
from softswitch.phone.sound import read_wav
from tests.interop import baresip_of_debian, phones
from tests.interop.baresip_of_debian import RATE, BaresipOfDebian
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.interop.pictures import BLUE, GREEN, RED, YELLOW, Colour, Place, whole
from tests.interop.roster_watcher import RosterWatcher, Shown
from tests.support.processes import composer_of
from tests.support.server import Server

pytest.importorskip("baresip")
from baresip.call import Call

from tests.interop.test_baresip import TONE
from tests.interop.test_rooms_of_phones import HIGH, HIGHEST, LOW, heard_by_baresip, tones
from tests.interop.test_video_of_phones import sees_at, showing, video_phones

pytestmark = [phones.needed, baresip_of_debian.needed]

TALK = 1.0


def tile_of(name: str) -> tuple[Place, ...]:
    """Of somebody without a picture, in the third quarter: the ground, the disc, and the letter's ground in it."""
    width, height = 320, 180
    drawn = placard(name, width, height)
    places = []
    for x, y in ((0.1, 0.2), (0.9, 0.2), (0.39, 0.46), (0.61, 0.46)):
        column, row = int(x * width), int(y * height)
        half = row // 2, column // 2
        places.append((x / 2, 0.5 + y / 2, Colour(int(drawn.y[row, column]), int(drawn.u[half]), int(drawn.v[half]))))
    return tuple(places)


def heard_all_the_while(phone: Phone, wanted: set[int]) -> float:
    """Seconds for which a phone heard tones, from when it heard them first until it left: in any second all of them,
    and no other."""
    samples, rate = read_wav(phone.recording)
    heard = [tones(samples[start : start + rate], rate) for start in range(0, len(samples) - rate, rate // 2)]
    begun = heard.index(wanted)
    assert all(each == wanted for each in heard[begun:]), heard
    return (len(heard) - begun + 1) / 2


async def test_each_sees_and_hears_all_others_and_goes_on_when_the_composer_is_killed(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    await asyncio.to_thread(admin.patch, "/conferences/3000", pictures="compose", layout="2x2")
    listener = Phone(switch, "1011", tmp_path, tone=LOW)
    try:
        async with (
            ready(listener),
            video_phones(switch, "1014", size=(1280, 720), tone=TONE) as (agent,),
            BaresipOfDebian(switch, "1015", tmp_path / "h264", tone=HIGH, camera=BLUE) as h264,
        ):
            vp8 = await agent.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True)
            await vp8.wait_established(WITHIN)
            async with showing((vp8, RED)):
                await sees_at(vp8, (0.25, 0.2, RED))
                await h264.dial("3000")
                await sees_at(vp8, (0.75, 0.2, BLUE))
                await listener.do("dial", number="3000")
                await listener.state("confirmed")
                tile = tile_of("Demo 1011")
                all_three = (0.25, 0.2, RED), (0.75, 0.2, BLUE), *tile
                await asyncio.gather(sees_at(vp8, *all_three), h264.sees(*all_three))
                heard = await asyncio.gather(heard_by_baresip(vp8, TALK), h264.hears(TALK))
                assert (heard[0], tones(heard[1], RATE)) == ({LOW, HIGH}, {LOW, TONE})
                os.kill(composer_of(switch), signal.SIGKILL)
            await h264.show(GREEN)
            async with showing((vp8, YELLOW)):
                after = (0.25, 0.2, YELLOW), (0.75, 0.2, GREEN), *tile
                await asyncio.gather(sees_at(vp8, *after), h264.sees(*after))
                heard = await asyncio.gather(heard_by_baresip(vp8, TALK), h264.hears(TALK))
                assert (heard[0], tones(heard[1], RATE)) == ({LOW, HIGH}, {LOW, TONE})
                await listener.leave()
                await vp8.hangup()
                await h264.sees((0.75, 0.2, GREEN))
        assert heard_all_the_while(listener, {TONE, HIGH}) > 2 * TALK
    finally:
        await asyncio.to_thread(admin.patch, "/conferences/3000", pictures="switch", layout="speaker")


async def test_where_pictures_are_switched_phones_without_a_common_codec_see_each_other(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    await asyncio.to_thread(admin.patch, "/conferences/3000", pictures="switch", layout="speaker")
    async with (
        video_phones(switch, "1014", size=(1280, 720), tone=TONE) as (agent,),
        BaresipOfDebian(switch, "1015", tmp_path / "h264", tone=HIGH, camera=BLUE) as h264,
    ):
        vp8 = await agent.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True)
        await vp8.wait_established(WITHIN)
        async with showing((vp8, RED)):
            await h264.dial("3000")
            await asyncio.gather(sees_at(vp8, *whole(BLUE)), h264.sees(*whole(RED)))
            os.kill(composer_of(switch), signal.SIGKILL)  # which makes of one what the other takes
        await h264.show(GREEN)
        async with showing((vp8, YELLOW)):
            await asyncio.gather(sees_at(vp8, *whole(GREEN)), h264.sees(*whole(YELLOW)))
            heard = await asyncio.gather(heard_by_baresip(vp8, TALK), h264.hears(TALK))
            assert (heard[0], tones(heard[1], RATE)) == ({HIGH}, {TONE})
        await vp8.hangup()
    cdrs = await asyncio.to_thread(admin.cdrs, "3000", 2)
    codecs = {cdr["from"]: {line["codec"] for leg in cdr["legs"] for line in leg["video"]} for cdr in cdrs}
    assert (codecs["1014"], codecs["1015"]) == ({"VP8"}, {"H264"})


async def test_one_request_calls_whoever_has_video_sound_alone_no_time_or_no_phone(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    """Each comes as its terminal can, and the roster tells of all, by HTTP and to a phone that watches it."""
    room = await asyncio.to_thread(
        admin.post, "/conferences", number="3210", title="Mixed", members=[{"number": "account/1009"}]
    )
    assert room["pictures"] == "switch"
    host = Phone(switch, "1011", tmp_path, tone=LOW)
    answers = Phone(switch, "1012", tmp_path, tone=HIGHEST, answer=200)
    busy = Phone(switch, "1013", tmp_path, answer=486)
    async with (
        ready(host, answers, busy),
        video_phones(switch, "1014", "1015", tone=TONE) as (called, dials),
        RosterWatcher(switch, "1009", "3210") as board,
    ):
        answered: list[asyncio.Task[Call]] = []
        called.on_incoming(lambda call: answered.append(asyncio.create_task(taken(call))))
        await host.do("dial", number="3210")
        await host.state("confirmed")
        await board.shows(lambda users: users == {"1011": HERE})
        wanted = [{"number": number} for number in ("1014", "1012", "1013", "1020")]
        await asyncio.to_thread(admin.post, "/conferences/3210/members", members=wanted, attempts=1)
        outcome = {
            "1011": ("in", "audio", ""),
            "1014": ("in", "video", ""),
            "1012": ("in", "audio", ""),
            "1013": ("unreached", "audio", "busy"),
            "1020": ("unreached", "audio", "absent"),
        }
        await asyncio.to_thread(admin.eventually, lambda: outcomes(admin, "3210"), lambda now: now == outcome)
        await board.shows(
            lambda users: (
                users
                == {
                    "1011": HERE,
                    "1014": Shown("connected", "dialed-out", "", ("audio", "video")),
                    "1012": Shown("connected", "dialed-out", "", ("audio",)),
                    "1013": Shown("disconnected", "busy", "busy", ()),
                    "1020": Shown("disconnected", "failed", "absent", ()),
                }
            )
        )
        first = await answered[0]
        other = await dials.dial(f"sip:3210@{switch.host}:{switch.sip_port}", video=True)
        await other.wait_established(WITHIN)
        async with showing((first, RED), (other, BLUE)):
            await asyncio.gather(sees_at(first, *whole(BLUE)), sees_at(other, *whole(RED)))
        await asyncio.to_thread(admin.delete, "/conferences/3210/meeting")
        await asyncio.gather(host.state("disconnected"), answers.state("disconnected"))
        await board.shows(lambda users: users == {})


HERE = Shown("connected", "dialed-in", "", ("audio",))


async def taken(call: Call) -> Call:
    await call.answer(video=True)
    return call


def outcomes(admin: Admin, room: str) -> dict[str, tuple[str, str, str]]:
    """How each member stands, with what, and why not."""
    return {
        member["number"]: (member["state"], member["terminal"], member["unreached"])
        for member in admin.all(f"/conferences/{room}/members")
    }
