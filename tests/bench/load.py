"""SIPp as a load generator on the core that the server does not have, and what its own counters said."""

import contextlib
import csv
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import LOAD_CORE, cpu_seconds, pinned
from tests.interop.sipp import free_media_port

SCENARIOS = Path(__file__).parent / "sipp"


@dataclass(frozen=True)
class Counted:
    """One run's final counters."""

    started: int
    """Calls (or registrations) begun."""
    succeeded: int
    failed: int
    retransmitted: int
    """Messages SIPp sent again: a first sign that an answer came late or never."""

    @property
    def failure_rate(self) -> float:
        """Of what was begun, the part that did not succeed."""
        return 1 - self.succeeded / self.started if self.started else 1.0


def read_counters(statistics: Path) -> Counted:
    """The last line of SIPp's `-trace_stat` file."""
    with statistics.open() as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return Counted(
        started=int(last["TotalCallCreated"]),
        succeeded=int(last["SuccessfulCall(C)"]),
        failed=int(last["FailedCall(C)"]),
        retransmitted=int(last["Retransmissions(C)"]),
    )


class Generator:
    """A running SIPp."""

    def __init__(self, scenario: str, folder: Path, port: int, *options: str) -> None:
        self.folder = folder / f"{scenario}-{port}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._statistics = self.folder / "statistics.csv"
        self._output = (self.folder / "screen").open("wb")
        command = [
            "sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port),
            "-mi", "127.0.0.1", "-mp", str(free_media_port()), "-nostdin", "-trace_stat", "-stf", str(self._statistics),
            "-fd", "1", "-buff_size", "8000000", "-deadcall_wait", "0", *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            pinned(LOAD_CORE, *command),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def wait(self, within: float) -> None:
        """Until it ends by itself; killed after `within` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(within)
        self.stop()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def counted(self) -> Counted:
        """What it did in all."""
        return read_counters(self._statistics)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._output.close()


@contextlib.contextmanager
def generating(scenario: str, folder: Path, port: int, *options: str) -> Iterator[Generator]:
    """A generator for the length of a `with` block."""
    generator = Generator(scenario, folder, port, *options)
    try:
        yield generator
    finally:
        generator.stop()
