"""Where figures go: lines on screen as they come, a table at the end, and JSON lines in a file."""

import json
import platform
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO


@dataclass
class Report:
    """The figures of one run."""

    path: Path
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    out: TextIO = sys.stdout

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")
        self._write({"kind": "run", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": _machine()})

    def line(self, part: str, target: str, what: str, **figures: object) -> None:
        """One measured step."""
        self._write({"kind": "step", "part": part, "target": target, "what": what, **figures})
        print(f"  ({part}) {target}, {what}: " + ", ".join(f"{k} {v}" for k, v in figures.items()), file=self.out)
        self.out.flush()

    def result(self, part: str, target: str, what: str, value: object, unit: str, remark: str = "") -> None:
        """One figure of the table. None: it could not be measured, and `remark` says why."""
        self._write(
            {
                "kind": "result",
                "part": part,
                "target": target,
                "what": what,
                "value": value,
                "unit": unit,
                "remark": remark,
            }
        )
        self.rows.append((part, target, what, "—" if value is None else f"{value} {unit}", remark))

    def note(self, text: str) -> None:
        """What the reader of the table should know."""
        if text not in self.notes:
            self.notes.append(text)
            self._write({"kind": "note", "text": text})

    def table(self) -> str:
        """All results."""
        rows = [("", "who", "what", "figure", ""), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:], *(f"note: {note}" for note in self.notes)])

    def _write(self, line: dict[str, object]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, Linux {platform.release()}, Python {platform.python_version()}"
