"""The project's own SIP corpus: hard, broken and careless messages, each with what must become of it and why.

`python -m tests.wire.corpus FOLDER` writes them as files beside an index.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.wire import cases_field, cases_noise, cases_right, cases_wrong
from tests.wire.messages import FINAL, Case

CASES = [*cases_right.CASES, *cases_wrong.CASES, *cases_noise.CASES, *cases_field.CASES]


def write(folder: Path, cases: Iterable[Case] = CASES) -> None:
    """Each message as a file, as a sender at 127.0.0.1:5066 would send it to 127.0.0.1:5060, and `index.tsv`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["file\tverdict\tstatuses\twhy"]
    for case in cases:
        message = case.message(host="127.0.0.1", port=5066, switch="127.0.0.1:5060", unique=case.name)
        (folder / f"{case.name}.dat").write_bytes(message)
        statuses = "any" if case.statuses == FINAL else "|".join(map(str, sorted(case.statuses))) or "none"
        rows.append(f"{case.name}.dat\t{case.verdict}\t{statuses}\t{case.why}")
    (folder / "index.tsv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.wire.corpus FOLDER")
    write(Path(sys.argv[1]))
    print(f"{len(CASES)} messages in {sys.argv[1]}")
