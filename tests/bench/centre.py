"""A contact centre under load: SIPp as callers and as agents, and exact accounts at the end.

    python -m tests.bench.centre [--agents 40] [--rate 20] [--seconds 600]

More come than the agents can serve, so that a line forms. Nine of ten wait for an agent, who hangs up, or are sent away
after some seconds; one hangs up itself after a moment, whatever it is at. At the end everybody who called must be in
the account of the queue once, with one outcome, the same in the engine, in the report from the database, and in the
records of calls; nobody waits, and all agents are free.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.load import Counted, read_counters
from tests.bench.registrations import accounts_file
from tests.bench.report import Report
from tests.interop.conftest import Admin
from tests.interop.sipp import Sipp
from tests.support.server import Server, free_sip_port, running

FIRST = 2001
"""The first agent's account."""
NUMBER = "89999"
QUEUE = "load"
BUSY_PART = 1.2
"""How much of the agents' time all callers would take."""
WAIT_SECONDS = 3
"""Then a caller is sent away."""
SHORT_MS = 300
"""How long the callers who hang up themselves are there."""
LINGER_SECONDS = 60.0


class Broken(AssertionError):
    """An account that does not add up."""


@dataclass(frozen=True)
class Outcome:
    """What became of those who called."""

    begun: int
    account: Counter[str]
    cpu_ms: float
    """The switch's, for each call."""


class Centre:
    """A queue of a running switch (`--bench`) and agents who serve it."""

    def __init__(self, server: Server, folder: Path, agents: int, talk_ms: int) -> None:
        self._server = server
        self._folder = folder
        self._agents = [str(number) for number in range(FIRST, FIRST + agents)]
        self.admin = Admin(server)
        self._furnish()
        port = free_sip_port("127.0.0.1")
        remote = f"{server.host}:{server.sip_port}"
        accounts = accounts_file(folder, [int(number) for number in self._agents])
        Sipp(
            "register_agents", folder, remote, "-s", "registrar", "-inf", str(accounts), "-m", str(agents),
            "-deadcall_wait", "0",
            port=port, quiet=True,
        ).wait()  # fmt: skip
        self._phones = Sipp("uas_agent", folder, "-timeout", "100000", port=port, quiet=True, talk_ms=str(talk_ms))
        for number in self._agents:
            self.admin.post(f"/agents/a{number}/sign-on")

    def _furnish(self) -> None:
        admin = self.admin
        if any(queue["name"] == QUEUE for queue in admin.all("/queues")):
            return
        admin.post("/queues", name=QUEUE, wrap_up={"mode": "none"}, ring_seconds=10, wait_most_seconds=WAIT_SECONDS)
        admin.post("/routes", context="guest", name=QUEUE, number=NUMBER, destination=f"queue/{QUEUE}", position=1)
        for number in self._agents:
            admin.post("/accounts", number=number, password=f"demo-{number}")
            admin.post("/agents", id=f"a{number}", account=number, queues=[{"queue": QUEUE}])

    def close(self) -> None:
        """The agents go home."""
        for number in self._agents:
            self.admin.post(f"/agents/a{number}/sign-off")
        self._phones.stop()
        self.admin.close()

    def live(self, rate: float, seconds: float) -> Outcome:
        """Callers for some seconds, to the last one's end, and the reckoning. Raises Broken."""
        before, cpu = self._account(), self._server.cpu_seconds()
        begun = sum(counted.started for counted in self._load(rate, seconds))
        admin = self.admin
        admin.eventually(lambda: admin.all("/calls"), lambda live: not live)
        cpu = self._server.cpu_seconds() - cpu
        found = Counter({name: count - before[name] for name, count in self._account().items()})
        self._check(begun, found)
        return Outcome(begun, found, round(1000 * cpu / max(1, begun), 2))

    def _load(self, rate: float, seconds: float) -> Sequence[Counted]:
        remote = f"{self._server.host}:{self._server.sip_port}"
        callers = []
        for scenario, part in (("uac_hung_up", 0.9), ("uac", 0.1)):
            calls = max(1, round(rate * part * seconds))
            options = [
                "-s",
                NUMBER,
                "-r",
                str(round(rate * part * 10)),
                "-rp",
                "10000",
                "-m",
                str(calls),
                "-l",
                "5000",
                "-deadcall_wait",
                "0",
            ]
            folder = self._folder / f"load-{time.monotonic_ns()}"
            callers.append(
                Sipp(scenario, folder, remote, *options, "-d", str(SHORT_MS), "-timeout", "100000", quiet=True)
            )
        counted = []
        for caller in callers:
            try:
                caller.wait(seconds + LINGER_SECONDS)
            finally:
                caller.stop()
            counted.append(read_counters(caller.statistics))
        return counted

    def _account(self) -> Counter[str]:
        return Counter(self.admin.get(f"/queues/{QUEUE}")["account"])

    # The reckoning ----------------------------------------------------------------------------------------

    def _check(self, begun: int, account: Counter[str]) -> None:
        admin = self.admin
        outcomes = sum(count for name, count in account.items() if name != "offered")
        if not begun == account["offered"] == outcomes:
            raise Broken(f"{begun} called, {account['offered']} were offered: {dict(account)}")
        queue = admin.get(f"/queues/{QUEUE}")
        if queue["waiting"]:
            raise Broken(f"{queue['waiting']} wait, and nobody calls")
        states = admin.eventually(self._states, lambda states: set(states) == {"available"})
        if set(states) != {"available"}:
            raise Broken(f"all calls are over, and agents are {dict(states)}")
        whole = self._account()
        row = reported(admin)
        wrong = {name: (count, row[name]) for name, count in whole.items() if row[name] != count}
        if wrong:
            raise Broken(f"the engine's account and the report's differ: {wrong}")
        records = admin.eventually(lambda: admin.all("/cdrs", to=NUMBER), lambda found: len(found) >= whole["offered"])
        ids = Counter(record["call_id"] for record in records)
        if len(records) != whole["offered"] or len(ids) != len(records):
            raise Broken(f"{whole['offered']} were offered, and there are {len(records)} records of {len(ids)} calls")
        metrics = self._server.metrics()
        harmed = {
            name: value for name, value in metrics.items() if value and ("panic" in name or "accounts_off" in name)
        }
        if harmed:
            raise Broken(f"{harmed}\n{self._server.log_tail()}")

    def _states(self) -> Counter[str]:
        ids = {f"a{number}" for number in self._agents}
        return Counter(agent["state"] for agent in self.admin.all("/agents") if agent["id"] in ids)


def reported(admin: Admin) -> dict[str, Any]:
    """The queue's account as the database has it."""
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    (row,) = admin.get("/reports/queues", since=since, interval="month", queue=QUEUE)["items"]
    return row  # type: ignore[no-any-return]


def run(folder: Path, agents: int, rate: float, seconds: float) -> Outcome:
    """One centre from its beginning to the reckoning. Raises Broken."""
    talk_ms = round(BUSY_PART * agents / rate * 1000)
    with running(folder / "switch", "--bench") as server:
        centre = Centre(server, folder, agents, talk_ms)
        try:
            return centre.live(rate, seconds)
        finally:
            centre.close()


def measure(report: Report, folder: Path, quick: bool) -> None:
    """40 agents, 20 calls a second."""
    outcome = run(folder, 40, 20, 10 if quick else 60)
    fields: dict[str, Any] = {"calls": outcome.begun, **outcome.account}
    report.line("l", "softswitch", "a contact centre", **fields)
    report.result("l", "softswitch", "a caller of a queue: CPU", outcome.cpu_ms * 1000, "µs", "40 agents, 20 calls/s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.centre")
    parser.add_argument("--agents", type=int, default=40)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    arguments = parser.parse_args()
    if shutil.which("sipp") is None:
        print("SIPp is needed: apt-get install sip-tester", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="softswitch-centre-") as folder:
        try:
            outcome = run(Path(folder), arguments.agents, arguments.rate, arguments.seconds)
        except AssertionError as broken:
            print(f"BROKEN: {broken}")
            return 1
    print(f"{outcome.begun} called, and all are accounted for: {dict(outcome.account)}")
    print(f"{outcome.cpu_ms} ms of CPU a call")
    return 0


if __name__ == "__main__":
    sys.exit(main())
