"""What a media engine in a process of its own costs more than one in ours: CPU time of both processes.

Run: python -m tests.bench.link_cost [--rounds N]. Prints microseconds, ours and the engine's. Work comes every two
milliseconds, so that each order wakes whoever carries it out, as in a switch with time to spare.
"""

import argparse
import resource
import select
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateways._native import MediaCommand, MediaEngine, MediaEngineLink
from gateways.media import agreement
from gateways.media.process import EngineProcess
from softswitch.kernel.address import HostPort
from softswitch.kernel.media import MediaDescription
from tests.wire.media_process import engine_process

CODECS = (agreement.PCMA, agreement.TELEPHONE_EVENT)


def one_event(engine: MediaEngine | MediaEngineLink, poll: select.poll, epoch: int) -> None:
    """An order that cannot be carried out, which is told at once; the owner waits for that as its loop does."""
    engine.submit([MediaCommand.Echo(leg=7)])
    poll.poll()
    while not engine.drain():
        poll.poll()


def one_call(engine: MediaEngine | MediaEngineLink, poll: select.poll, epoch: int) -> None:
    """What the gateway orders of a call between two phones, turn by turn, and asks at its end."""
    local = [MediaDescription(HostPort("127.0.0.1", port), CODECS) for port in engine.ports()[:2]]
    remote = [MediaDescription(HostPort("127.0.0.1", 9), CODECS)] * 2
    for leg in (0, 1):
        engine.submit([MediaCommand.Open(leg=leg, epoch=2 * epoch + leg)])
    engine.submit([*(agreement.connect(leg, local[leg], remote[leg]) for leg in (1, 0)), MediaCommand.Bridge(a=0, b=1)])
    for leg in (0, 1):
        engine.leg_stats(leg)
        engine.submit([MediaCommand.Close(leg=leg)])


def nothing(engine: MediaEngine | MediaEngineLink, poll: select.poll, epoch: int) -> None:
    """What the measuring itself costs."""


def spent(engine: int | None) -> tuple[float, float]:
    """CPU seconds of ours, and of an engine's process."""
    ours = resource.getrusage(resource.RUSAGE_SELF)
    theirs = 0.0
    if engine is not None:
        # In nanoseconds, of each of its threads.
        threads = Path(f"/proc/{engine}/task").iterdir()
        theirs = sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    return ours.ru_utime + ours.ru_stime, theirs


def measure(
    what: str,
    work: Callable[[MediaEngine | MediaEngineLink, select.poll, int], None],
    engine: MediaEngine | MediaEngineLink,
    process: int | None,
    rounds: int,
) -> None:
    poll = select.poll()
    poll.register(engine.fileno(), select.POLLIN)
    for epoch in range(1, 200):
        work(engine, poll, epoch)
    time.sleep(0.2)
    before = spent(process)
    for epoch in range(200, rounds + 200):
        work(engine, poll, epoch)
        time.sleep(0.002)
    time.sleep(0.2)  # what the engine's threads still have to do
    after = spent(process)
    ours, theirs = ((new - old) * 1e6 / rounds for new, old in zip(after, before, strict=True))
    where = "in our process" if process is None else "in its own"
    print(f"{what:12} engine {where:14} {ours + theirs:7.1f} µs  (ours {ours:.1f}, the engine's {theirs:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a media engine in a process of its own costs more.")
    parser.add_argument("--rounds", type=int, default=3000)
    rounds = parser.parse_args().rounds
    for what, work in (("nothing", nothing), ("an event", one_event), ("a call", one_call)):
        inside = MediaEngine(host="127.0.0.1", first_port=0, legs=8)
        measure(what, work, inside, None, rounds)
        inside.close()
        with tempfile.TemporaryDirectory() as folder:
            process: EngineProcess = engine_process(Path(folder))
            link = process.reach()
            measure(what, work, link, int(Path(folder, "media.sock.lock").read_text()), rounds)
            link.close()
            process.wait(5)


if __name__ == "__main__":
    main()
