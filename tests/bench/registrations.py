"""(b) What a registration costs: a REGISTER that is challenged, and one with the answer."""

import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.load import generating
from tests.bench.report import Report
from tests.bench.targets import Target, kamailio, kamailio_installed, switch
from tests.support.server import free_sip_port

RATES = (500, 1000, 2000, 4000, 6000)
TOLERATED = 0.001
ACCOUNTS = range(1001, 1021)


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Search the highest rate at which all are accepted, for us and for Kamailio's registrar."""
    nowhere = free_sip_port("127.0.0.1")
    with switch(folder / "switch", nowhere) as target:
        _search(target, report, folder / "load", quick)
    if kamailio_installed():
        with kamailio(folder / "kamailio", nowhere) as target:
            _search(target, report, folder / "load-kamailio", quick)
    else:
        report.note("kamailio is not installed: not compared")


def accounts_file(folder: Path, accounts: Sequence[int] = ACCOUNTS, devices: int = 1) -> Path:
    """SIPp's injection file: account, credentials, and a word that tells one device of an account from another."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "accounts.csv"
    rows = (
        f"{number};[authentication username={number} password=demo-{number}];{device}\n"
        for device in range(devices)
        for number in accounts
    )
    path.write_text("SEQUENTIAL\n" + "".join(rows))
    return path


def _search(target: Target, report: Report, folder: Path, quick: bool) -> None:
    accounts = accounts_file(folder)
    best: dict[str, object] | None = None
    for rate in RATES[:2] if quick else RATES:
        figures = _run(target, folder / str(rate), accounts, rate, seconds=4 if quick else 8)
        report.line("b", target.name, "REGISTER", **figures)
        if figures["failure_rate"] > TOLERATED:  # type: ignore[operator]
            break
        best = figures
    report.result(
        "b",
        target.name,
        "REGISTER with digest: CPU",
        best["cpu_us"] if best else None,
        "µs each",
        f"at {best['reached_rate']}/s" if best else "some failed at every rate",
    )


def _run(target: Target, folder: Path, accounts: Path, rate: int, seconds: float) -> dict[str, object]:
    options = (
        f"127.0.0.1:{target.port}", "-s", "registrar", "-inf", str(accounts), "-r", str(rate),
        "-m", str(int(rate * seconds)), "-l", "20000", "-timeout", str(int(seconds) + 40),
    )  # fmt: skip
    before, started = target.cpu_seconds(), time.perf_counter()
    with generating("register", folder, free_sip_port("127.0.0.1"), *options) as load:
        load.wait(seconds + 60)
    elapsed, cpu, counted = time.perf_counter() - started, target.cpu_seconds() - before, load.counted()
    return {
        "rate": rate,
        "registrations": counted.started,
        "failed": counted.failed,
        "failure_rate": round(counted.failure_rate, 5),
        "retransmitted": counted.retransmitted,
        "cpu_us": round(cpu / max(1, counted.succeeded) * 1e6, 1),
        "server_core_percent": round(100 * cpu / elapsed, 1),
        "reached_rate": round(counted.succeeded / elapsed, 1),
    }
