"""(m) What a caller in the menu of 5000 costs, who hears it and does nothing, and that many are there at once."""

import time
from pathlib import Path

import httpx

from tests.bench.load import generating
from tests.bench.report import Report
from tests.bench.targets import ADMIN, Target, switch
from tests.support.server import free_sip_port

CALLERS = 500
RATE = 50
"""At which they come, a second."""
SECONDS = 10.0
"""In which nobody comes or goes, and the processor is looked at."""


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Let them come, and look at what they cost while all are there."""
    callers = 100 if quick else CALLERS
    arriving = callers / RATE
    stay = arriving + SECONDS + 3
    with switch(folder / "target", free_sip_port("127.0.0.1")) as target:
        options = (
            f"127.0.0.1:{target.port}", "-s", "5000", "-r", str(RATE), "-m", str(callers), "-l", str(callers),
            "-d", str(int(stay * 1000)), "-timeout", str(int(stay) + 40),
        )  # fmt: skip
        started = target.cpu_seconds()
        with generating("uac", folder, free_sip_port("127.0.0.1"), *options) as uac:
            time.sleep(arriving + 1)
            before, live = target.cpu_seconds(), target.live_calls()
            time.sleep(SECONDS)
            cpu = target.cpu_seconds() - before
            uac.wait(60)
        counted = uac.counted()
        in_menu = _in_menu(target, callers)
        whole = (target.cpu_seconds() - started) / callers
        report.line(
            "m",
            target.name,
            "callers in the menu",
            callers=callers,
            at_once=live,
            failed=counted.failed,
            came_to_the_menu=in_menu,
            cpu_us_a_second=round(cpu / SECONDS / max(1, live) * 1e6, 1),
            cpu_us_a_call=round(whole * 1e6, 1),
        )
        if counted.failed or live < callers or in_menu < callers:
            why = f"{counted.failed} calls failed, {live} were there at once, {in_menu} came to the menu"
            report.result("m", target.name, "caller in the menu: CPU", None, "% of a core", why)
            return
        share = round(cpu / SECONDS / live * 100, 4)
        report.result("m", target.name, "caller in the menu: CPU", share, "% of a core", f"{live} at once")


def _in_menu(target: Target, callers: int) -> int:
    """How many came to the menu, by the switch's own report, which is stored soon after they have gone."""
    found = 0
    for _ in range(50):
        report = httpx.get(f"{target.url}/api/v1/flows/main/report", headers=ADMIN, trust_env=False, timeout=30).json()
        found = sum(node["calls"] for node in report["nodes"] if node["node"] == "menu")
        if found >= callers:
            break
        time.sleep(0.1)
    return found
