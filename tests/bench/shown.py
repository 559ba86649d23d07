"""(s): what it costs to show one camera to many, beside a plain program that sends each datagram on in batches."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gateways._native import MediaCommand, MediaEngine
from tests.bench.relay import HOST, ROOT, TOOLS, alone, build_tools, start_server
from tests.bench.report import Report

KBPS = 1500
VIEWERS = (50, 200)


def measure(report: Report, folder: Path, quick: bool) -> None:
    """1.5 Mb/s of H.264 to many viewers, each of whom has a stream of its own."""
    build_tools()
    seconds = 3 if quick else 10
    for viewers in VIEWERS:
        with start_server([sys.executable, "-m", "tests.bench.shown", str(viewers)]) as server:
            assert server.stdout is not None
            kind = server.stdout.readline().strip()
            ports = "".join(iter(server.stdout.readline, "\n"))
            ours = _load(server, seconds, ports)
            told, _ = server.communicate()
        stats = json.loads(told)
        with start_server([str(TOOLS / "udpfan"), HOST]) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            floor = _load(server, seconds, f"{port}\n" * (viewers + 1))
            server.kill()
        for name, figures in ((f"media engine, {kind}", ours | stats), ("floor, UDP fan-out", floor)):
            report.line("s", name, "one camera to many", kbps=KBPS, **figures)
            remark = (
                f"{figures['cpu_us_per_packet']:.2f} µs a packet, p99 delay {figures['delay_us_p99'] / 1000:.2f} ms, "
                f"{figures['lost']} of {figures['lost'] + figures['shown']} lost"
            )
            share = round(100 * figures["cpu_share"], 1)
            report.result("s", name, f"{KBPS / 1000} Mb/s to {viewers} viewers: CPU", share, "% of a core", remark)


def _load(server: "subprocess.Popen[str]", seconds: int, ports: str) -> dict[str, Any]:
    command = [str(TOOLS / "pictureload"), HOST, str(seconds), str(server.pid), str(KBPS)]
    done = subprocess.run(alone(1, command), input=ports, capture_output=True, text=True, check=True, cwd=ROOT)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def serve(viewers: int) -> None:
    """Be the media engine: prints its kind of I/O, the camera's port and those of its viewers, and an empty line; when
    its standard input ends, its figures as JSON."""
    engine = MediaEngine(host=HOST, first_port=0, legs=viewers + 1)
    codecs = [(96, "H264", 90_000, 1, "profile-level-id=42e01f;packetization-mode=1")]
    for leg in range(viewers + 1):
        connect = MediaCommand.ConnectVideo(
            leg=leg,
            # Where parties are is told by their packets.
            host="0.0.0.0",
            port=0,
            rtcp_host="0.0.0.0",
            rtcp_port=0,
            rtcp_mux=True,
            ours=codecs,
            theirs=codecs,
            feedback=["nack", "nack pli", "ccm fir"],
            send=True,
            receive=True,
        )
        engine.submit([MediaCommand.OpenVideo(leg=leg, epoch=1), connect])
    engine.submit([MediaCommand.Show(viewer=leg, source=0) for leg in range(1, viewers + 1)])
    print(engine.io)
    print("\n".join(str(port) for port in engine.ports()))
    print(flush=True)
    sys.stdin.read()
    stats = engine.stats()
    print(json.dumps({name: stats[name] for name in ("late_ticks", "panics")}))
    engine.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
