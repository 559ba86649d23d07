"""(v): what it costs to compose members into one picture that is encoded once, beside the codecs alone."""

import subprocess
import sys
import time
from pathlib import Path

from gateways.video import records
from gateways.video.records import Beat, Face, Output, Picture, Scene
from tests.bench.heads import FRAMES, clip
from tests.bench.processes import SERVER_CORE, cpu_seconds, pinned
from tests.bench.relay import ROOT
from tests.bench.report import Report
from tests.support.composing import BLUE, RED, Desk, Eye, Sender, composer, near

ROOMS = ((4, "2x2", 640, 360, 15, 12.0), (9, "3x3", 1280, 720, 25, 45.0))
"""Members of 640x360, the layout, the picture, and the share of a core that it may cost."""
AT_ONCE = ((640, 360, 15), (1280, 720, 25))
"""Pictures of which as many rooms of four are composed at once as one composer can."""
LEFT_OUT = 0.01
"""Of its pictures, at the most so many may be left out, and so much longer may it take to send it those of members."""


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Each room, and the floor of each."""
    folder.mkdir(parents=True)
    seconds = 3 if quick else 10
    for members, layout, width, height, fps, bar in ROOMS:
        title = f"{members} x 640x360 to {width}x{height} at {fps}"
        faces = tuple(Face(str(number), number, f"Member {number}") for number in range(1, members + 1))
        scene = Scene(
            1, width, height, fps, layout, faces, active="1", title="Room", outputs=(Output(1, "H264", 1500),)
        )
        with composer(folder) as desk:
            share, made, late, _ = _composed(desk, seconds, scene)
            delay = _delay(desk, scene)
        report.line("v", "composer", title, cpu_share=share, pictures=made, late=late, delay_ms=delay)
        remark = f"bar {bar:g} %; {made} pictures in {seconds} s, {late} left out"
        report.result("v", "composer", f"{title}: CPU", share, "% of a core", remark)
        report.result("v", "composer", f"{title}: from a picture to the one it is in", delay, "ms, the longest of 9")
        words = (members, width, height, fps, seconds)
        command = pinned(SERVER_CORE, sys.executable, "-m", "tests.bench.heads", *map(str, words))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        floor = round(100 * float(done.stdout) / seconds, 1)
        report.line("v", "floor, codecs alone", title, cpu_share=floor)
        report.result("v", "floor, codecs alone", f"{title}: CPU", floor, "% of a core")
    for width, height, fps in AT_ONCE:
        title = f"rooms of 4 x 640x360 to {width}x{height} at {fps}"
        rooms, share = _most(report, folder, title, (width, height, fps), seconds)
        remark = f"{share} % of a core then"
        report.result("v", "composer", f"{title}, at once without loss", rooms, "rooms", remark)


def _most(report: Report, folder: Path, title: str, shape: tuple[int, int, int], seconds: int) -> tuple[int, float]:
    """How many rooms a composer carries, and what share of a core that takes."""
    carried, most = (0, 0.0), 1
    while True:
        scenes = []
        for room in range(most):
            members = range(4 * room + 1, 4 * room + 5)
            faces = tuple(Face(str(number), number, f"Member {number}") for number in members)
            outputs = (Output(room + 1, "H264", 1500 if shape[1] == 720 else 600),)
            scenes.append(Scene(room + 1, *shape, "2x2", faces, title="Room", outputs=outputs))
        with composer(folder) as desk:
            share, made, late, took = _composed(desk, seconds, *scenes)
        report.line("v", "composer", title, rooms=most, cpu_share=share, pictures=made, late=late, seconds=took)
        # Too slow for what comes, it reads less: pictures of members wait, and none of its own is late.
        if late > LEFT_OUT * (made + late) or took > (1 + LEFT_OUT) * seconds:
            return carried
        carried = (most, share)
        # The first tells where it is worth to begin.
        most = max(2, int(60 / share)) if most == 1 else most + (1 if shape[1] == 720 else 2)


def _composed(desk: Desk, seconds: int, *scenes: Scene) -> tuple[float, int, int, float]:
    """The composer's share of a core in percent, pictures it made, those it left out, and how many seconds the members'
    pictures of `seconds` took to be sent. All rooms have the same people."""
    fps = scenes[0].fps
    people = [clip(seed, fps) for seed in range(1, len(scenes[0].faces) + 1)]
    clips = {face.member: pictures for scene in scenes for face, pictures in zip(scene.faces, people, strict=True)}
    for scene in scenes:
        desk.show(scene)
    began = time.perf_counter()
    count, start, since, begun = 0, 0.0, began, _figures(desk)
    warm, total = fps, fps * (seconds + 1)
    while count < total:
        if count == warm:
            begun, start, since = _figures(desk), cpu_seconds(desk.process.pid), time.perf_counter()
        for member, pictures in clips.items():
            key, data = pictures[count % FRAMES]
            desk.engine.say(records.picture(Picture(member, "H264", key, False, count * 90_000 // fps, 0, data)))
        count += 1
        desk.engine.skim(max(0.0, began + count / fps - time.perf_counter()))
    took = time.perf_counter() - since
    share = round(100 * (cpu_seconds(desk.process.pid) - start) / took, 1)
    ended = _figures(desk)
    return share, ended.encoded - begun.encoded, ended.late - begun.late, round(took, 2)


def _delay(desk: Desk, scene: Scene) -> int:
    """Milliseconds from a member's picture to the encoded one that it is seen in, whenever it comes."""
    eye, sender = Eye("H264"), Sender(1, RED, 640, 360)
    desk.see(eye, 1, lambda eye: near(eye.colour_at(100, 80), RED), sender)
    longest = 0.0
    for turn in range(9):
        time.sleep(turn / 9 / scene.fps)
        sender.colour = BLUE if sender.colour == RED else RED
        began = time.perf_counter()
        desk.engine.say(records.picture(sender.picture()))
        desk.see(eye, 1, lambda eye: near(eye.colour_at(100, 80), sender.colour))
        longest = max(longest, time.perf_counter() - began)
    return round(1000 * longest)


def _figures(desk: Desk) -> Beat:
    """As they are now: those told while nobody listened are old."""
    desk.control.skim(0.001)
    return desk.beat()
