"""(x): for how long pictures stand still when the composer is killed or hangs, from the last packet of one picture to
the first of the next that can be decoded; and the longest that sound pauses meanwhile, which is not to notice."""

import asyncio
import itertools
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.bench.report import Report
from tests.bench.seen import Came, Camera, Member, is_key, whole_pictures
from tests.interop.conftest import Admin
from tests.support.processes import composer_of
from tests.support.server import Server, running

BAR = 2000.0
SETTLED = 11.0
"""Seconds from one blow to the next: one that died sooner would be taken for one that dies of what it is told, and the
next one would be longer in coming."""
PICTURES_STAND = 0.15
"""Seconds; a picture comes every 0.04."""


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Both, again and again, in one meeting."""
    times = 1 if quick else 3
    with running(folder, environment={"SOFTSWITCH_MEDIA_LEGS": "40"}) as switch:
        Admin(switch).patch("/conferences/3000", pictures="compose", layout="2x2")
        for blow, what in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "hangs")):
            pictures, sound = asyncio.run(_struck(switch, blow, times))
            report.line("x", "composer", what, pictures_ms=pictures, sound_ms=sound)
            remark = f"of {times}; bar {BAR:g} ms"
            report.result("x", "composer", f"{what}: pictures stand still, longest", max(pictures), "ms", remark)
            report.result("x", "composer", f"{what}: sound, longest from packet to packet", sound, "ms", "20 as sent")


async def _struck(server: Server, blow: signal.Signals, times: int) -> tuple[list[float], float]:
    """Milliseconds for which pictures stood still at each blow, and the longest between two packets of sound."""
    cameras = [Camera.film("H264", marked=False, seed=place) for place in range(2)]
    here = [await Member.call(server.sip, f"8{place:04d}", "3000", "H264") for place in range(2)]
    over = asyncio.Event()
    busy = [
        asyncio.create_task(task)
        for member, camera in zip(here, cameras, strict=True)
        for task in (member.film(camera, over), member.talk(over, marked=False))
    ]
    viewer = here[0]
    await asyncio.sleep(SETTLED)
    viewer.keeps = True
    await asyncio.sleep(1)
    for _ in range(times):
        os.kill(composer_of(server), blow)
        await asyncio.sleep(SETTLED)
    over.set()
    await asyncio.gather(*busy)
    for member in here:
        await member.leave()
    stood = _stood(viewer.seen)
    assert len(stood) >= times, f"pictures stood still {len(stood)} times of {times}"
    heard = [came.at for came in viewer.heard if not 192 <= came.data[1] <= 223]
    pause = max(later - sooner for sooner, later in itertools.pairwise(heard))
    return stood, round(1000 * pause, 1)


def _stood(seen: Sequence[Came]) -> list[float]:
    """Each pause between pictures; what comes after one counts from its first key frame on."""
    pauses: list[float] = []
    last: float | None = None
    broken = False
    for at, _, data in whole_pictures("H264", seen):
        if last is not None and at - last > PICTURES_STAND:
            broken = True
        if broken and not is_key("H264", data):
            continue
        if broken and last is not None:
            pauses.append(round(1000 * (at - last), 1))
        last, broken = at, False
    return pauses
