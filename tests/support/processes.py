"""Processes of a switch under test."""

from pathlib import Path

from tests.support.server import Server


def composer_of(switch: Server) -> int:
    """The process that composes: a child of the one that keeps it, which is a child of the switch."""
    (keeper,) = [child for child in children(switch.process.pid) if "compose" in command(child)]
    (composer,) = children(keeper)
    return composer


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
