"""What a process and its children cost, read from /proc; and starting one on a core of its own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
SERVER_CORE, LOAD_CORE = "0", "1"


def pinned(core: str, *command: str) -> list[str]:
    """A command that runs on one core only (on a machine with a single core: as it is), and where we may before
    whatever else the machine does."""
    urgent = ["nice", "-n", "-10", *command] if os.geteuid() == 0 else list(command)
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return urgent
    return ["taskset", "-c", core, *urgent]


def family(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    for task in _tasks(pid):
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads and its living descendants, since they started."""
    total = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants."""
    return sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE for one in family(pid))


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []
