"""(f) to (i): what sound costs that the media engine makes, beside a plain batched UDP echo of as many packets."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.relay import HOST, ROOT, TOOLS, alone, build_tools, start_server
from tests.bench.report import Report


def measure_prompts(report: Report, folder: Path, quick: bool) -> None:
    """A prompt for each leg, whose party is quiet and sends all the same."""
    _per_leg(report, "f", "prompt", "IVR prompt", (500,) if quick else (500, 2500), quick)


def measure_room(report: Report, folder: Path, quick: bool) -> None:
    """One room in G.711 where all speak and all are heard."""
    _per_leg(report, "g", "room", "room, all speak, G.711", (100,) if quick else (100, 1000, 2500), quick)


def measure_opus_room(report: Report, folder: Path, quick: bool) -> None:
    """A room of 100 in Opus, where three speak; the others send the noise of a quiet place."""
    _per_core(report, "h", "opus-room", "Opus room of 100 at 16 kHz, 3 speak", 100, quick)


def measure_transcoding(report: Report, folder: Path, quick: bool) -> None:
    """100 calls between G.711 and Opus at 16 kHz of complexity 0."""
    _per_core(report, "i", "transcode", "100 calls, G.711 to Opus at 16 kHz", 200, quick)


def _per_leg(report: Report, part: str, kind: str, title: str, sizes: tuple[int, ...], quick: bool) -> None:
    build_tools()
    for legs in sizes:
        for server, figures in _measured(kind, legs, quick):
            report.line(part, server, title, **figures)
            cost = figures["cpu_ms_per_leg_second"]
            report.result(part, server, f"{title}, {legs} legs: CPU", cost, "ms a leg-second", _remark(figures))


def _per_core(report: Report, part: str, kind: str, title: str, legs: int, quick: bool) -> None:
    build_tools()
    for server, figures in _measured(kind, legs, quick):
        report.line(part, server, title, **figures)
        share = round(100 * figures["cpu_share"], 1)
        report.result(part, server, f"{title}: CPU", share, "% of a core", _remark(figures))


def _remark(figures: dict[str, Any]) -> str:
    short = f"{figures['legs_short_of_packets']} legs short of packets"
    if "late_ticks" not in figures:
        return short
    return f"{short}, {figures['legs_short_of_sound']} of sound; {figures['late_ticks']} ticks late"


def _measured(kind: str, legs: int, quick: bool) -> list[tuple[str, dict[str, Any]]]:
    """The media engine, and the floor under the same load."""
    seconds = 3 if quick else 10
    with start_server([sys.executable, "-m", "tests.bench.sound_server", kind, str(legs)]) as server:
        assert server.stdout is not None
        name = f"media engine, {server.stdout.readline().strip()}"
        parties = "".join(iter(server.stdout.readline, "\n"))
        ours = _load(server, seconds, parties, counts=True)
        server.communicate()
    with start_server([str(TOOLS / "udpfloor"), HOST]) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        words = (line.split() for line in parties.splitlines())
        floor = _load(server, seconds, "".join(f"{port} {says} {codec}\n" for _, says, codec in words), counts=False)
        server.kill()
    return [(name, ours), ("floor, UDP echo", floor)]


def _load(server: "subprocess.Popen[str]", seconds: int, parties: str, counts: bool) -> dict[str, Any]:
    """Put a server under load; where it counts late ticks, with those of the time that was measured."""
    command = alone(1, [str(TOOLS / "soundload"), HOST, str(seconds), str(server.pid)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(parties)
        load.stdin.close()
        load.stdout.readline()
        before = _stats(server) if counts else {}
        figures: dict[str, Any] = json.loads(load.stdout.readline())
        if counts:
            after = _stats(server)
            figures |= {name: after[name] - before[name] for name in ("late_ticks", "packets_sent", "panics")}
    return figures


def _stats(server: "subprocess.Popen[str]") -> dict[str, int]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    stats: dict[str, int] = json.loads(server.stdout.readline())
    return stats
