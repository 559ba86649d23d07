"""What one call costs in call control alone: no SIP, no sockets, no database.

Run: python -m tests.bench.engine_cost [--calls N] [--profile]. Prints CPU microseconds a call (ring, answer, hang up).
"""

import argparse
import asyncio
import cProfile
import pstats
import time
from collections.abc import Sequence

from softswitch.calls.signals import (
    Answered,
    Confirmed,
    Ended,
    HangUp,
    Incoming,
    Invitation,
    LegCommand,
    Origin,
    Progressed,
    Target,
)
from softswitch.engine.bus import Bus
from softswitch.engine.caller import Caller, Candidate
from softswitch.engine.switch import Switch
from softswitch.events import Fact, MediaFigures
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import IdSource, LegId
from softswitch.kernel.media import Codec, MediaDescription

SAID = MediaDescription(HostPort("10.0.0.1", 1000), (Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(101, "TELEPHONE-EVENT")))
OUTCOME = Ended(Cause.NORMAL_CLEARING, by_party=True)


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 the bench is where the real clock comes in

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


class NoMedia:
    codecs: Sequence[Codec] = SAID.codecs
    converts: tuple[Codec, ...] = ()
    address = HostPort("127.0.0.1", 4000)
    counted = MediaFigures()

    def open(self, leg: LegId) -> HostPort:
        return self.address

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None: ...
    def bridge(self, a: LegId, b: LegId) -> None: ...
    def echo(self, leg: LegId) -> None: ...
    def tone(self, leg: LegId, frequency: float) -> None: ...
    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None: ...
    def silence(self, leg: LegId) -> None: ...
    def listen_for(self, leg: LegId, **things: object) -> None: ...
    def close(self, leg: LegId) -> None: ...

    def heard(self, leg: LegId) -> int:
        return 0

    def figures(self, leg: LegId) -> MediaFigures:
        return self.counted


class Answering:
    """A far end that does at once whatever it is asked."""

    switch: Switch

    def __init__(self) -> None:
        self.dialled: list[LegId] = []
        self.cleared: list[LegId] = []

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        self.dialled.append(leg)

    def send(self, leg: LegId, command: LegCommand) -> None:
        if type(command) is HangUp:
            self.cleared.append(leg)


async def run_calls(calls: int) -> float:
    bus, far = Bus(), Answering()
    heard = 0

    def hear(fact: Fact) -> None:
        nonlocal heard
        heard += 1

    bus.subscribe(Fact, hear)
    switch = far.switch = Switch(bus, SystemClock(), IdSource("bench"))

    async def dials(caller: Caller, name: str) -> Destination | None:
        target = Target("sip:1002@10.0.0.2")
        await caller.dial([Candidate(target, Destination("account", "1002"), "1002")], 60)
        return None

    switch.connect(far, NoMedia(), {"dialplan": dials})
    incoming = Incoming(Origin("account", "1001", "default"), Party("1001"), Party("1002"), SAID.address, SAID)
    began = time.process_time()
    for _ in range(calls // 50):
        callers = [switch.incoming(incoming) for _ in range(50)]
        await asyncio.sleep(0)
        callees, far.dialled = far.dialled, []
        for leg in callees:
            switch.signalled(leg, Progressed(ringing=True))
        for leg in callees:
            switch.signalled(leg, Answered(SAID))
        for leg in callers:
            switch.signalled(leg, Confirmed())
        for leg in callers:
            switch.signalled(leg, OUTCOME)
        for leg in callees:
            switch.signalled(leg, OUTCOME)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    spent = time.process_time() - began
    assert switch.live == 0, "calls were left over"
    assert heard == calls // 50 * 50 * 10, "a call has ten facts"
    return spent / (calls // 50 * 50) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: asyncio.run(run_calls(arguments.calls)))
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    print(f"{asyncio.run(run_calls(arguments.calls)):.1f} CPU microseconds a call in call control")


if __name__ == "__main__":
    main()
