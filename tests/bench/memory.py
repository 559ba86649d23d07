"""(d) What an established call and a binding keep in memory."""

import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import registrations
from tests.bench.load import generating
from tests.bench.report import Report
from tests.bench.targets import Target, switch
from tests.support.server import free_sip_port

SETTLE_SECONDS = 3.0
WARM_CALLS = 500
DEVICES = 10
"""Bindings an account: as many as the registrar lets it have."""


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Resident memory before and while calls are held; before and after devices have registered."""
    _calls(report, folder / "calls", 200 if quick else 1000)
    _bindings(report, folder / "bindings", 2000 if quick else 10_000)


def _calls(report: Report, folder: Path, held: int) -> None:
    uas_port = free_sip_port("127.0.0.1")
    environment = {"SOFTSWITCH_MEDIA_LEGS": str(2 * (held + WARM_CALLS))}
    with (
        switch(folder / "target", uas_port, environment=environment) as target,
        generating("uas", folder, uas_port),
    ):
        call = (f"127.0.0.1:{target.port}", "-s", "80001", "-l", "20000")
        with generating(
            "uac", folder / "warm", free_sip_port("127.0.0.1"),
            *call, "-r", "100", "-m", str(WARM_CALLS), "-d", "200",
        ) as warm:  # fmt: skip
            warm.wait(60)
        time.sleep(SETTLE_SECONDS)
        before = target.resident_bytes()
        with generating(
            "uac", folder / "held", free_sip_port("127.0.0.1"),
            *call, "-r", "200", "-m", str(held), "-d", "120000",
        ):  # fmt: skip
            time.sleep(held / 200 + SETTLE_SECONDS)
            live = target.live_calls()
            grown = target.resident_bytes() - before
        if live != held:
            raise RuntimeError(f"{live} calls are live, not {held}")
        report.result(
            "d", target.name, "memory of an established call", round(grown / held / 1000, 1), "kB", f"{held} held"
        )


def _bindings(report: Report, folder: Path, bindings: int) -> None:
    accounts = range(20001, 20001 + bindings // DEVICES)
    with switch(folder / "target", free_sip_port("127.0.0.1")) as target:
        target.import_accounts((str(number), f"demo-{number}") for number in accounts)
        _register(target, folder / "warm", registrations.ACCOUNTS, DEVICES)
        before = target.resident_bytes()
        _register(target, folder / "all", accounts, DEVICES)
        grown = target.resident_bytes() - before
        report.result(
            "d", target.name, "memory of a binding", round(grown / bindings / 1000, 2), "kB", f"{bindings} registered"
        )


def _register(target: Target, folder: Path, accounts: Sequence[int], devices: int) -> None:
    file, count = registrations.accounts_file(folder, accounts, devices), len(accounts) * devices
    options = (f"127.0.0.1:{target.port}", "-s", "registrar", "-inf", str(file), "-r", "500", "-m", str(count))
    with generating("register", folder, free_sip_port("127.0.0.1"), *options, "-l", "20000") as load:
        load.wait(count / 500 + 60)
    counted = load.counted()
    if counted.succeeded != count:
        raise RuntimeError(f"{count - counted.succeeded} of {count} registrations failed")
    time.sleep(SETTLE_SECONDS)
