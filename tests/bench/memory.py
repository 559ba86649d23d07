"""(d) What an established call and a binding keep in memory."""

import time
from pathlib import Path

from tests.bench.load import generating
from tests.bench.registrations import accounts_file
from tests.bench.report import Report
from tests.bench.targets import Target, switch
from tests.support.server import free_sip_port

SETTLE_SECONDS = 3.0
WARM_CALLS = 500


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Resident memory before and while calls are held; before and after devices have registered."""
    _calls(report, folder / "calls", 200 if quick else 1000)
    _bindings(report, folder / "bindings", 2000 if quick else 10_000)


def _calls(report: Report, folder: Path, held: int) -> None:
    uas_port = free_sip_port("127.0.0.1")
    environment = {"SOFTSWITCH_MEDIA_LEGS": str(2 * (held + WARM_CALLS))}
    with (
        switch(folder / "target", uas_port, environment=environment) as target,
        generating("uas", folder, uas_port, 31000),
    ):
        call = (f"127.0.0.1:{target.port}", "-s", "80001", "-l", "20000")
        with generating(
            "uac", folder / "warm", free_sip_port("127.0.0.1"), 30000,
            *call, "-r", "100", "-m", str(WARM_CALLS), "-d", "200",
        ) as warm:  # fmt: skip
            warm.wait(60)
        time.sleep(SETTLE_SECONDS)
        before = target.resident_bytes()
        with generating(
            "uac", folder / "held", free_sip_port("127.0.0.1"), 30000,
            *call, "-r", "200", "-m", str(held), "-d", "120000",
        ):  # fmt: skip
            time.sleep(held / 200 + SETTLE_SECONDS)
            grown = target.resident_bytes() - before
        report.result(
            "d", target.name, "memory of an established call", round(grown / held / 1000, 1), "kB", f"{held} held"
        )


def _bindings(report: Report, folder: Path, bindings: int) -> None:
    with switch(folder / "target", free_sip_port("127.0.0.1")) as target:
        _register(target, folder / "warm", 200)
        before = target.resident_bytes()
        _register(target, folder / "all", bindings)
        grown = target.resident_bytes() - before
        report.result(
            "d", target.name, "memory of a binding", round(grown / bindings / 1000, 2), "kB", f"{bindings} registered"
        )


def _register(target: Target, folder: Path, bindings: int) -> None:
    accounts = accounts_file(folder, bindings)
    options = (f"127.0.0.1:{target.port}", "-s", "registrar", "-inf", str(accounts), "-r", "500", "-m", str(bindings))
    with generating("register", folder, free_sip_port("127.0.0.1"), 30000, *options, "-l", "20000") as load:
        load.wait(bindings / 500 + 60)
    time.sleep(SETTLE_SECONDS)
