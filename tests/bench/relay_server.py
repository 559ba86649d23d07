"""A media relay in a process of its own: opens two legs a call, bridges them, and prints their ports.

`python tests/bench/relay_server.py CALLS [--io KIND] [--suite SUITE BYTES] [--record FOLDER]` prints one line with the
kind of I/O, then a line `PORT PORT` for each call, then an empty line; it ends when its standard input does. With an
SRTP suite and the bytes of its master key, every leg is sent to under a key of ones and sends under one of twos. With
a folder every call is recorded there as stereo WAV, and at the end a line of JSON tells what became of the recordings.
"""

import argparse
import json
import select
import sys
from pathlib import Path

from gateways._native import MediaCommand, MediaEngine, MediaEvent, MediaFormats


def serve(calls: int, io: str, suite: str, master_bytes: int, folder: Path | None) -> None:
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=2 * calls, io=io)  # type: ignore[arg-type]
    ports = engine.ports()
    said = [(8, "PCMA", 8000, 1, ""), (101, "TELEPHONE-EVENT", 8000, 1, "0-16")]
    formats = MediaFormats(said, said)
    for a in range(0, 2 * calls, 2):
        for leg in (a, a + 1):
            engine.submit(
                [
                    MediaCommand.Open(leg=leg, epoch=1),
                    # Where the generator sends from is told by its packets, as for a phone behind NAT.
                    MediaCommand.Connect(
                        leg=leg,
                        host="0.0.0.0",
                        port=0,
                        rtcp_host="0.0.0.0",
                        rtcp_port=0,
                        rtcp_mux=False,
                        formats=formats,
                        ptime=20,
                        send=True,
                        receive=True,
                        keys=(suite, b"\1" * master_bytes, b"\2" * master_bytes, b"") if suite else None,
                    ),
                ]
            )
        engine.submit([MediaCommand.Bridge(a=a, b=a + 1)])
        if folder is not None:
            path = folder / f"{a}.wav"
            engine.submit([MediaCommand.Record(recording=a, path=path, container="wav", layout="stereo", leg=a)])
    print(engine.io)
    for a in range(0, 2 * calls, 2):
        print(ports[a], ports[a + 1])
    print(flush=True)
    sys.stdin.read()
    if folder is not None:
        print(json.dumps(_finish(engine, calls)))
    engine.close()


def _finish(engine: MediaEngine, calls: int) -> dict[str, object]:
    """End all recordings: how many files there are, and milliseconds in them, lost of them, and what went wrong."""
    engine.submit([MediaCommand.StopRecord(recording=2 * call) for call in range(calls)])
    ended: list[MediaEvent.RecordingEnded] = []
    events = select.poll()
    events.register(engine.fileno(), select.POLLIN)
    while len(ended) < calls:
        if not events.poll(30_000):
            raise TimeoutError(f"{calls - len(ended)} recordings do not end")
        ended += [event for event in engine.drain() if isinstance(event, MediaEvent.RecordingEnded)]
    return {
        "recordings": sum(event.size > 0 for event in ended),
        "recorded_ms": sum(event.milliseconds for event in ended),
        "recording_lost_ms": sum(event.lost_ms for event in ended),
        "recording_faults": sorted({event.reason for event in ended if event.reason}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=int)
    parser.add_argument("--io", default="auto", choices=["auto", "epoll", "io_uring"])
    parser.add_argument("--suite", nargs=2, default=["", "0"], metavar=("SUITE", "BYTES"))
    parser.add_argument("--record", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    suite, master_bytes = options.suite
    serve(options.calls, options.io, suite, int(master_bytes), options.record)


if __name__ == "__main__":
    main()
