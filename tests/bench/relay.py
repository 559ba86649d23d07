"""What the media relay costs: CPU microseconds a packet, loss, order and added delay of G.711 calls.

`python tests/bench/relay.py --calls 100 500 1000 --seconds 10 --json FILE` prints a table and appends a line of
JSON for each measurement. The server runs alone on the first CPU, the load on the second. Beside the relay stands a
floor: a plain UDP echo in batches under the same load.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUST = ROOT / "gateways" / "rust"
TOOLS = RUST / "target" / "release"
HOST = "127.0.0.1"


def build_tools() -> None:
    """Build the load generator and the floor. Raises CalledProcessError."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "-p", "bench-tools"], cwd=RUST, check=True)


SUITES = {"AES_CM_128_HMAC_SHA1_80": 30, "AEAD_AES_128_GCM": 28}
"""SRTP suites that are measured, and the bytes of their master keys."""


def measure_relay(calls: int, seconds: int, io: str, suite: str = "", record: Path | None = None) -> dict[str, Any]:
    """The project's own media engine; with a suite each packet is opened, and protected again under another key; with a
    folder each call is recorded there."""
    command = [sys.executable, str(ROOT / "tests" / "bench" / "relay_server.py"), str(calls), "--io", io]
    if suite:
        command += ["--suite", suite, str(SUITES[suite])]
    if record is not None:
        command += ["--record", str(record)]
    with start_server(command) as server:
        assert server.stdout is not None
        kind = server.stdout.readline().strip()
        pairs = "".join(iter(server.stdout.readline, "\n"))
        figures = _load(server.pid, seconds, pairs, suite)
        told, _ = server.communicate()
    name = f"SRTP, {suite}" if suite else f"media engine, {kind}"
    if record is not None:
        name = "recorded, stereo WAV"
        figures |= json.loads(told)
    return {"bench": "relay", "server": name, **figures}


def measure_floor(calls: int, seconds: int) -> dict[str, Any]:
    """A plain UDP echo on one port."""
    with start_server([str(TOOLS / "udpfloor"), HOST]) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        figures = _load(server.pid, seconds, f"{port} {port}\n" * calls)
        server.kill()
    return {"bench": "relay", "server": "floor, UDP echo", **figures}


def start_server(command: list[str]) -> "subprocess.Popen[str]":
    """Start what is to be measured, on the first CPU; it is written to and read from."""
    return subprocess.Popen(alone(0, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _load(pid: int, seconds: int, pairs: str, suite: str = "") -> dict[str, Any]:
    command = [str(TOOLS / "rtpload"), HOST, str(seconds), str(pid), *([suite] if suite else [])]
    done = subprocess.run(alone(1, command), input=pairs, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def alone(cpu: int, command: list[str]) -> list[str]:
    """Run a command on one CPU, and before whatever else the machine does where we may; not so its further threads,
    unless they see to it themselves."""
    urgent = ["chrt", "--reset-on-fork", "--fifo", "1", *command] if os.geteuid() == 0 else command
    cpus = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cpus[cpu]), *urgent] if len(cpus) > 1 else urgent


def table(measured: list[dict[str, Any]]) -> str:
    """The measurements as lines of text."""
    head = (
        f"{'server':28}{'calls':>6}{'packets/s':>11}{'µs/packet':>11}{'p50 ms':>8}{'p99 ms':>8}{'lost':>8}{'order':>7}"
    )
    lines = (
        f"{m['server']:28}{m['calls']:>6}{m['sent'] / m['seconds']:>11.0f}{m['cpu_us_per_packet']:>11.2f}"
        f"{m['delay_us_p50'] / 1000:>8.2f}{m['delay_us_p99'] / 1000:>8.2f}{m['lost']:>8}{m['reordered']:>7}"
        for m in measured
    )
    return "\n".join((head, *lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 500, 1000])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--io", nargs="+", default=["auto"], choices=["auto", "epoll", "io_uring"])
    parser.add_argument("--json", type=Path, help="append the measurements to this file, a line each")
    options = parser.parse_args()
    build_tools()
    measured = []
    for calls in options.calls:
        measured += [measure_relay(calls, options.seconds, io) for io in options.io]
        measured += [measure_relay(calls, options.seconds, options.io[0], suite) for suite in SUITES]
        measured.append(measure_floor(calls, options.seconds))
    print(table(measured))
    if options.json:
        with options.json.open("a") as file:
            file.writelines(json.dumps(measurement) + "\n" for measurement in measured)


if __name__ == "__main__":
    main()
