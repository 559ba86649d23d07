"""Real phones with video in a room whose picture is composed: what each sees at which place, its film, and a page."""

import asyncio
import io
from collections.abc import Set
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN
from tests.interop.pictures import BLUE, RED, YELLOW, is_at, whole
from tests.support.server import Server

pytest.importorskip("baresip")
from tests.interop.test_video_of_phones import sees_at, showing, video_phones

ADMIN = {"Authorization": "Bearer demo-admin"}
BOTH = (0.25, 0.2, RED), (0.75, 0.2, BLUE)
"""In quarters, in the order in which they came."""


async def test_a_meeting_of_phones_is_one_film_with_its_sound(switch: Server, admin: Admin) -> None:
    admin.patch("/conferences/3000", pictures="compose", layout="2x2")
    folder = switch.log.parent / "data" / "conferences" / "3000"
    before = set(folder.glob("*.mp4"))
    try:
        async with video_phones(switch, "1014", "1015", size=(1280, 720)) as (alice, bob):
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
    assert any(all(is_at(picture, 1280, 720, each) for each in BOTH) for picture in seen)
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
        async with video_phones(switch, "1014", "1015", size=(1280, 720)) as (alice, bob):
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


async def film_of(folder: Path, name: str, least: int, before: Set[Path] = frozenset()) -> Path:
    """Wait for a file of so many bytes; nobody tells of it."""
    async with asyncio.timeout(WITHIN):
        while (found := _film(folder, name, least, before)) is None:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    return found


def _film(folder: Path, name: str, least: int, before: Set[Path]) -> Path | None:
    return next((path for path in set(folder.glob(name)) - before if path.stat().st_size >= least), None)
