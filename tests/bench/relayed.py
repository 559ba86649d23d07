"""(c) and (j): what a relayed packet costs, beside a plain batched UDP echo that no relay can be cheaper than."""

import shutil
from pathlib import Path
from typing import Any

from tests.bench.relay import SUITES, build_tools, measure_floor, measure_relay
from tests.bench.report import Report

CALLS = (100, 500, 900, 1000, 1800)
"""The last is the load that is to be borne without loss, and 900 are half of it."""
SECURED = 1000
"""Calls up to which SRTP is measured: one core does not hold many more."""
RECORDED = (100, 500)


def measure(report: Report, folder: Path, quick: bool) -> None:
    """G.711 calls through the media engine, in the clear and under SRTP on both legs; the floor under the same load."""
    build_tools()
    for calls in CALLS[:1] if quick else CALLS:
        for figures in (
            measure_relay(calls, 3 if quick else 10, "auto"),
            *(measure_relay(calls, 3 if quick else 10, "auto", suite) for suite in SUITES if calls <= SECURED),
            measure_floor(calls, 3 if quick else 10),
        ):
            _tell(report, figures)


def measure_recording(report: Report, folder: Path, quick: bool) -> None:
    """The same with every call recorded in a stereo WAV file, beside plain relay."""
    build_tools()
    seconds = 3 if quick else 10
    for calls in CALLS[:1] if quick else RECORDED:
        recordings = folder / str(calls)
        recordings.mkdir(parents=True)
        plain = measure_relay(calls, seconds, "auto")
        recorded = measure_relay(calls, seconds, "auto", record=recordings)
        shutil.rmtree(recordings)
        for figures in (plain, recorded, measure_floor(calls, seconds)):
            _tell(report, figures, "j")
        more = recorded["cpu_us_per_packet"] / plain["cpu_us_per_packet"] - 1
        lost = f"{recorded['recordings']} files, {recorded['recording_lost_ms']} ms of {recorded['recorded_ms']} lost"
        report.result("j", recorded["server"], f"{calls} calls: CPU", round(100 * more, 1), "% more than relay", lost)


def _tell(report: Report, figures: dict[str, Any], part: str = "c") -> None:
    server = figures["server"]
    report.line(part, server, "relay", **{name: value for name, value in figures.items() if name != "server"})
    report.result(
        part,
        server,
        f"relay of {figures['calls']} calls: CPU",
        round(figures["cpu_us_per_packet"], 2),
        "µs a packet",
        f"p99 added delay {figures['delay_us_p99'] / 1000:.2f} ms, {figures['lost']} lost",
    )
