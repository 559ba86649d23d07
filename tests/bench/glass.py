"""(u): how long a picture takes through a room, from the first packet of one in which a member's wall has another
colour to the last packet of the first in which another member sees it, beside the echo; and how far picture and sound
of one moment are apart at that member, and in the film of the meeting."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.bench import heads
from tests.bench.report import Report
from tests.bench.seen import (
    EVERY,
    LOUD,
    QUIET,
    Camera,
    Change,
    Clock,
    Member,
    Onset,
    changes,
    clocks,
    colour,
    moment,
    onsets,
)
from tests.interop.conftest import Admin
from tests.support.server import Server, running

DELAY_BAR, LIPS_BAR = 250.0, 80.0
WARM = 5.0
"""Seconds after which all jitter is known, and each stream has had a sender report (RFC 3550 section 6.2)."""
SAID = 5.0
"""Seconds from the beginning of a recording on in which all are told of it."""
FILM_SECONDS = 20.0
ROOM = "/conferences/3000"
SWITCHED, COMPOSED = "room, switched", "room, composed"


@dataclass
class Seen:
    """What one member got, and when another had sent it."""

    sent: Sequence[float]
    changes: Sequence[Change]
    onsets: Sequence[Onset]
    clocks: tuple[Sequence[Clock], Sequence[Clock]]
    """Of sound and of pictures."""
    film: Sequence[float] = field(default_factory=list)
    """Seconds by which pictures in the film are later than their sound."""

    def delays(self) -> list[float]:
        """Milliseconds that each change took. Raises AssertionError where one was not seen before the next one."""
        taken = [next((seen.at - sent for seen in self.changes if seen.at >= sent), EVERY) for sent in self.sent]
        missed = sum(delay >= EVERY for delay in taken)
        assert not missed, f"{missed} of {len(taken)} changes were not seen"
        return [1000 * delay for delay in taken]

    def lips(self) -> list[float]:
        """Milliseconds by which each picture comes later than its sound, both shown and played as they come."""
        return [1000 * (change.at - onset.at) for change, onset in self._pairs()]

    def lips_by_clock(self) -> list[float]:
        """The same, both shown and played by the times that sender reports give them (RFC 3550 section 6.4.1)."""
        apart = []
        for change, onset in self._pairs():
            heard, seen = (
                next((clock for clock in reversed(told) if clock.came <= change.at), None) for told in self.clocks
            )
            assert heard is not None
            assert seen is not None, "no sender report came in time"
            assert heard.name == seen.name, "sound and pictures have two names: no phone plays them in step"
            apart.append(1000 * (moment(change.rtp, 90_000, seen) - moment(onset.rtp, 8000, heard)))
        return apart

    def _pairs(self) -> list[tuple[Change, Onset]]:
        """Changes, each with the burst of the same moment."""
        counted = [each for each in self.changes if any(0 <= each.at - sent < EVERY for sent in self.sent)]
        return [(each, min(self.onsets, key=lambda onset: abs(onset.at - each.at))) for each in counted]


def measure(report: Report, folder: Path, quick: bool) -> None:
    """The echo, a room that switches and one that composes, on one switch."""
    count = 6 if quick else 40
    with running(folder, environment={"SOFTSWITCH_MEDIA_LEGS": "60"}) as switch:
        admin = Admin(switch)
        for who, number, members, codec, settings in (
            ("floor, echo", "9196", 1, "H264", {}),
            (SWITCHED, "3000", 2, "H264", {"pictures": "switch", "layout": "speaker"}),
            (COMPOSED, "3000", 4, "H264", {"pictures": "compose", "layout": "2x2"}),
            (f"{COMPOSED} in VP8", "3000", 4, "VP8", {"pictures": "compose", "layout": "2x2"}),
        ):
            if settings:
                admin.patch(ROOM, **settings)
            films = who == COMPOSED
            seen = asyncio.run(_through(switch, number, members, codec, count, admin if films else None))
            _tell(report, who, seen, bar="room" in who)
    each = 1000 * heads.floor(4, 1280, 720, 25, 2) / (2 * 25)
    title = "four pictures decoded and scaled, one of 1280x720 encoded"
    report.line("u", "floor, codecs alone", title, ms=round(each, 1))
    report.result("u", "floor, codecs alone", title, round(each, 1), "ms of CPU")


def _tell(report: Report, who: str, seen: Seen, *, bar: bool) -> None:
    delays = seen.delays()
    middle, worst = round(statistics.median(delays), 1), round(max(delays), 1)
    report.line("u", who, "pictures", median_ms=middle, longest_ms=worst, changes=len(delays))
    remark = f"longest {worst} of {len(delays)}" + (f"; bar {DELAY_BAR:g} ms" if bar else "")
    report.result("u", who, "from a picture to the one in which it is seen", middle, "ms", remark)
    for way, apart in (
        ("as they come", seen.lips()),
        # The echo passes sound as it is, and with it the reports of whoever sends it.
        ("by their sender reports", seen.lips_by_clock() if bar else []),
        ("in the film", [1000 * each for each in seen.film]),
    ):
        if not apart:
            continue
        middle, least, most = (round(each, 1) for each in (statistics.median(apart), min(apart), max(apart)))
        report.line("u", who, f"picture behind sound, {way}", median_ms=middle, from_ms=least, to_ms=most)
        remark = f"from {least} to {most}" + (f"; bar {LIPS_BAR:g} ms" if bar else "")
        report.result("u", who, f"picture behind its sound, {way}", middle, "ms", remark)


async def _through(server: Server, number: str, members: int, codec: str, count: int, admin: Admin | None) -> Seen:
    """Let the first member change its colours so often, and the last one see it; `admin`: record it, too."""
    cameras = [Camera.film(codec, marked=place == 0, seed=place) for place in range(members)]
    here = [await Member.call(server.sip, f"8{place:04d}", number, codec) for place in range(members)]
    over = asyncio.Event()
    busy = [
        asyncio.create_task(task)
        for place, (member, camera) in enumerate(zip(here, cameras, strict=True))
        for task in (member.film(camera, over), member.talk(over, marked=place == 0))
    ]
    first, last = here[0], here[-1]
    last.keeps = True
    await asyncio.sleep(WARM)
    if admin is not None:
        await asyncio.to_thread(admin.patch, f"{ROOM}/meeting", recording="on")
        await asyncio.sleep(SAID)
    already = len(first.sent)
    while len(first.sent) < already + count + 1:
        await asyncio.wait(busy, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        assert not any(task.done() for task in busy), [task for task in busy if task.done()]
    over.set()
    await asyncio.gather(*busy)
    for member in here:
        await member.leave()
    # Whoever sees the last change must have had the time to.
    seen = Seen(
        first.sent[already:-1],
        changes(codec, last.seen),
        onsets(last.heard),
        (clocks(last.heard), clocks(last.seen)),
    )
    if admin is not None:
        seen.film = _apart(await asyncio.to_thread(_film, server.log.parent / "data" / "conferences" / "3000"))
    return seen


def _film(folder: Path) -> Path:
    """The film of the only meeting that was recorded, when it is complete."""
    give_up = time.perf_counter() + FILM_SECONDS
    while time.perf_counter() < give_up:
        for path in folder.glob("*.mp4"):
            if path.name.count(".") == 1:
                return path
        time.sleep(0.1)
    raise TimeoutError(f"no film in {folder}")


def _apart(film: Path) -> list[float]:
    """Seconds by which pictures with another colour are later than the bursts that began with them."""
    turned, shown = [], None
    with av.open(str(film)) as file:
        for frame in file.decode(video=0):
            red = colour(frame)
            at = float(frame.time or 0.0)
            if red is not None and shown is not None and red != shown and at > SAID:
                turned.append(at)
            shown = shown if red is None else red
    samples: list[Any] = []
    with av.open(str(film)) as file:
        for sound in file.decode(audio=0):
            samples.append(sound.to_ndarray()[0])
        rate, began = sound.sample_rate, float(sound.time or 0.0)
    whole = np.concatenate(samples)
    began -= (len(whole) - len(samples[-1])) / rate
    (loud,) = np.nonzero(np.abs(whole) > LOUD / 32768)
    begun = [began + at / rate for before, at in itertools.pairwise(loud) if at - before > QUIET * rate // 8000]
    return [each - min(begun, key=lambda at: abs(at - each)) for each in turned]
