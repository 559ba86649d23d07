"""Real phones with video in a room whose picture is composed: what each sees at which place, also when the composer is
killed meanwhile."""

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import Set
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN
from tests.support.server import Server

baresip = pytest.importorskip("baresip")
from baresip.call import Call  # noqa: E402
from baresip.errors import VideoNotActive, VideoRestarted  # noqa: E402

from tests.interop.test_video_of_phones import BLUE, RED, Colour, showing, two_phones  # noqa: E402


async def sees_at(call: Call, *wanted: tuple[float, float, Colour]) -> None:
    """Wait until a picture has colours at places, which are told in parts of its width and height."""
    async with asyncio.timeout(WITHIN):
        while True:
            with contextlib.suppress(VideoNotActive, VideoRestarted):
                frame = call.video.read_frame()
                while frame is not None:
                    if all(_is_at(frame.data, frame.width, frame.height, *each) for each in wanted):
                        return
                    frame = call.video.read_frame()
            await asyncio.sleep(0.02)


def at_places(file: Path, *wanted: tuple[float, float, Colour]) -> bool:
    """Whether a picture in a file has colours at places."""
    with Image.open(file) as image:
        seen = image.convert("YCbCr")
    for x, y, colour in wanted:
        pixel = np.asarray(seen)[int(y * seen.height), int(x * seen.width)]
        if np.abs(pixel.astype(int) - colour).max() > 12:
            return False
    return True


def _is_at(picture: bytes, width: int, height: int, x: float, y: float, colour: Colour) -> bool:
    column, row, size = int(x * width), int(y * height), width * height
    half = row // 2 * (width // 2) + column // 2
    seen = picture[row * width + column], picture[size + half], picture[size + size // 4 + half]
    return all(abs(value - wanted) <= 12 for value, wanted in zip(seen, colour, strict=True))


YELLOW = Colour(210, 16, 146)
ADMIN = {"Authorization": "Bearer demo-admin"}
BOTH = (0.25, 0.2, RED), (0.75, 0.2, BLUE)
"""In quarters, in the order in which they came."""


async def test_each_sees_both_at_their_places_and_goes_on_when_the_composer_is_killed(
    switch: Server, admin: Admin
) -> None:
    admin.patch("/conferences/3000", pictures="compose", layout="2x2")
    try:
        async with two_phones(switch, "1014", "1015", size=(1280, 720)) as (alice, bob):
            room = f"sip:3000@{switch.host}:{switch.sip_port}"
            first = await alice.dial(room, video=True)
            await first.wait_established(WITHIN)
            async with showing((first, RED)):
                await sees_at(first, BOTH[0])
                second = await bob.dial(room, video=True)
                await second.wait_established(WITHIN)
                async with showing((second, BLUE)):
                    await asyncio.gather(sees_at(first, *BOTH), sees_at(second, *BOTH))
                    os.kill(composer_of(switch), signal.SIGKILL)
                    await asyncio.gather(sees_at(first, *BOTH), sees_at(second, *BOTH))
                    await first.hangup()
                    await sees_at(second, (0.75, 0.2, BLUE))
                await second.hangup()
    finally:
        admin.patch("/conferences/3000", pictures="switch", layout="speaker")


async def test_a_meeting_of_phones_is_one_film_with_its_sound(switch: Server, admin: Admin) -> None:
    admin.patch("/conferences/3000", pictures="compose", layout="2x2")
    folder = switch.log.parent / "data" / "conferences" / "3000"
    before = set(folder.glob("*.mp4"))
    try:
        async with two_phones(switch, "1014", "1015", size=(1280, 720)) as (alice, bob):
            calls = []
            for phone in (alice, bob):
                calls.append(await phone.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True))
                await calls[-1].wait_established(WITHIN)
            async with showing((calls[0], RED), (calls[1], BLUE)):
                await asyncio.gather(*(sees_at(call, *BOTH) for call in calls))
                admin.patch("/conferences/3000/meeting", recording="on")
                await film_of(folder, "*-1.1.*.mp4", 20_000)
            for call in calls:
                await call.hangup()
            film = await film_of(folder, "*-1.mp4", 1, before)
    finally:
        admin.patch("/conferences/3000", pictures="switch", layout="speaker")
    with av.open(str(film)) as file:
        seen = [frame.to_ndarray(format="yuv420p").tobytes() for frame in file.decode(video=0)]
    assert any(all(_is_at(picture, 1280, 720, x, y, colour) for x, y, colour in BOTH) for picture in seen)
    with av.open(str(film)) as file:
        assert max(float(np.abs(frame.to_ndarray()).max()) for frame in file.decode(audio=0)) > 0.05


async def test_a_page_comes_between_those_who_see_each_other_until_it_is_taken_away(
    switch: Server, admin: Admin
) -> None:
    """Where pictures are switched, they are composed while there is a page."""
    admin.patch("/conferences/3000", pictures="switch", layout="presenter")
    page = io.BytesIO()
    Image.new("RGB", (400, 300), "yellow").save(page, "PNG")
    document = f"{switch.url}/api/v1/conferences/3000/meeting/document"
    try:
        async with two_phones(switch, "1014", "1015", size=(1280, 720)) as (alice, bob):
            calls = []
            for phone in (alice, bob):
                calls.append(await phone.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True))
                await calls[-1].wait_established(WITHIN)
            async with showing((calls[0], RED), (calls[1], BLUE)):
                await asyncio.gather(sees_at(calls[0], *whole(BLUE)), sees_at(calls[1], *whole(RED)))
                async with httpx.AsyncClient(headers=ADMIN, trust_env=False) as client:
                    shown = await client.put(document, content=page.getvalue())
                    assert shown.json() == {"page": 1, "pages": 1}
                    beside = (0.375, 0.5, YELLOW), (0.875, 0.1, RED), (0.875, 0.35, BLUE)
                    await asyncio.gather(*(sees_at(call, *beside) for call in calls))
                    assert (await client.delete(document)).status_code == 204
                await asyncio.gather(sees_at(calls[0], *whole(BLUE)), sees_at(calls[1], *whole(RED)))
            for call in calls:
                await call.hangup()
    finally:
        admin.patch("/conferences/3000", pictures="switch", layout="speaker")


def whole(colour: Colour) -> tuple[tuple[float, float, Colour], ...]:
    return tuple((x, y, colour) for x in (0.1, 0.9) for y in (0.1, 0.9))


async def film_of(folder: Path, name: str, least: int, before: Set[Path] = frozenset()) -> Path:
    """Wait for a file of so many bytes; nobody tells of it."""
    async with asyncio.timeout(WITHIN):
        while (found := _film(folder, name, least, before)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


def _film(folder: Path, name: str, least: int, before: Set[Path]) -> Path | None:
    return next((path for path in set(folder.glob(name)) - before if path.stat().st_size >= least), None)


def composer_of(switch: Server) -> int:
    """The process that composes: a child of the one that keeps it, which is a child of the switch."""
    (keeper,) = [child for child in children(switch.process.pid) if "compose" in command(child)]
    (composer,) = children(keeper)
    return composer


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
