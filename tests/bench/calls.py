"""(a) What a call through the switch costs in signalling, and at which rate it still does them all."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench.load import Generator, generating
from tests.bench.report import Report
from tests.bench.targets import Target, kamailio, kamailio_installed, sippy, sippy_installed, switch
from tests.support.server import free_sip_port

RATES = (300, 600, 1000, 1500, 2000, 2500, 3000)
SLOW_RATES = (50, 100, 150, 200, 300, 400)
TOLERATED = 0.001
"""The part of calls that may fail."""
SETTLE_SECONDS = 1.0
Opening = Callable[[Path, int], AbstractContextManager[Target]]


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Search the highest rate, for us and for whichever peer is installed."""
    search("B2BUA call", switch, report, folder / "switch", quick)
    if kamailio_installed():
        search("proxied call", kamailio, report, folder / "kamailio", quick)
    else:
        report.note("kamailio is not installed: not compared")
    if sippy_installed():
        search("B2BUA call", sippy, report, folder / "sippy", quick, SLOW_RATES)
    else:
        report.note("sippy (pip install sippy) is not installed: not compared")


def search(
    what: str, opening: Opening, report: Report, folder: Path, quick: bool, rates: Sequence[int] = RATES
) -> None:
    """Raise the rate until calls fail; report each step and the best."""
    uas_port = free_sip_port("127.0.0.1")
    best: dict[str, object] | None = None
    with opening(folder / "target", uas_port) as target:
        with generating("uas", folder, uas_port) as uas:
            _run(target, folder / "warm", uas, rate=min(100, rates[0]), seconds=3)
            for rate in rates[1:5:3] if quick else rates:
                figures = _run(target, folder / str(rate), uas, rate, seconds=4 if quick else 8)
                report.line("a", target.name, what, **figures)
                if figures["failure_rate"] > TOLERATED:  # type: ignore[operator]
                    break
                best = figures
                time.sleep(SETTLE_SECONDS)
        if best is not None:
            report.result("a", target.name, f"{what}: CPU", best["cpu_us"], "µs a call", f"at {best['rate']} calls/s")
        else:
            report.result("a", target.name, f"{what}: CPU", None, "µs a call", "calls failed at every rate")


def _run(target: Target, folder: Path, uas: Generator, rate: int, seconds: float) -> dict[str, object]:
    calls = int(rate * seconds)
    options: Sequence[str] = (
        f"127.0.0.1:{target.port}", "-s", "80001", "-r", str(rate), "-m", str(calls), "-l", "20000",
        "-d", "0", "-timeout", str(int(seconds) + 40),
    )  # fmt: skip
    before, uas_before, started = target.cpu_seconds(), uas.cpu_seconds(), time.perf_counter()
    with generating("uac", folder, free_sip_port("127.0.0.1"), *options) as uac:
        load_cpu = 0.0
        while uac.process.poll() is None:
            # Its counters in /proc go with it.
            load_cpu = max(load_cpu, uac.cpu_seconds() if uac.process.poll() is None else 0.0)
            time.sleep(0.05)
        uac.wait(1)
    elapsed = time.perf_counter() - started
    cpu = target.cpu_seconds() - before
    counted = uac.counted()
    done = max(1, counted.succeeded)
    return {
        "rate": rate,
        "calls": counted.started,
        "failed": counted.failed,
        "failure_rate": round(counted.failure_rate, 5),
        "retransmitted": counted.retransmitted,
        "cpu_us": round(cpu / done * 1e6, 1),
        "server_core_percent": round(100 * cpu / elapsed, 1),
        "load_core_percent": round(100 * (load_cpu + uas.cpu_seconds() - uas_before) / elapsed, 1),
        "reached_rate": round(counted.succeeded / elapsed, 1),
    }
