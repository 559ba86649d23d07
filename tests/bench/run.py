"""`make bench`: python -m tests.bench.run [--only a,b,c] [--quick] [--out FILE]"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import (
    calls,
    centre,
    composed,
    delay,
    frozen,
    glass,
    hall,
    memory,
    menu,
    overload,
    queues,
    registrations,
    relayed,
    replayed,
    rooms,
    secured,
    shown,
    sound,
)
from tests.bench.report import Report

PARTS = {
    "a": ("signalling of a call", calls.measure),
    "b": ("registrations with digest", registrations.measure),
    "c": ("media relay", relayed.measure),
    "d": ("memory", memory.measure),
    "e": ("calls over TLS and WebSocket", secured.measure),
    "f": ("prompts", sound.measure_prompts),
    "g": ("a room where all speak", sound.measure_room),
    "h": ("a room in Opus", sound.measure_opus_room),
    "i": ("calls between codecs", sound.measure_transcoding),
    "j": ("recorded calls", relayed.measure_recording),
    "k": ("rooms that members come into", rooms.measure),
    "l": ("a contact centre", centre.measure),
    "m": ("callers in a menu", menu.measure),
    "q": ("the queue engine", queues.measure),
    "o": ("overload", overload.measure),
    "s": ("one camera to many", shown.measure),
    "t": ("the delay of a room", delay.measure),
    "u": ("pictures and lips through a room", glass.measure),
    "w": ("a hundred members, a hundred rooms", hall.measure),
    "v": ("composed pictures", composed.measure),
    "x": ("a composer that dies or hangs", frozen.measure),
    "r": ("replay of past calls", replayed.measure),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="short steps, for trying the benchmark itself")
    parser.add_argument("--out", type=Path, default=Path(".state/bench.jsonl"))
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    unknown = set(chosen) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    if shutil.which("sipp") is None:
        print("SIPp is needed: apt-get install sip-tester", file=sys.stderr)
        return 2
    report = Report(arguments.out)
    with tempfile.TemporaryDirectory(prefix="softswitch-bench-") as folder:
        for part in chosen:
            title, measure = PARTS[part]
            print(f"({part}) {title}", flush=True)
            measure(report, Path(folder) / part, arguments.quick)
    print()
    print(report.table())
    print(f"\nfigures: {arguments.out.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
