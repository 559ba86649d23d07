"""Broken SIP, SDP and RTP at a running switch: `python -m tests.fuzz.run --seconds 600`.

Round after round: mutated datagrams, pieces of messages over TCP, mutated packets at the media ports of a call. After
each round the switch must answer OPTIONS and carry a call to the echo; no panic may have been counted, and memory must
stay within bounds. A third of the time through, two thirds and at the end the fire rests until the switch has forgotten
it all: what memory has then must stay what it was. The seed is printed; the same seed sends the same bytes.
"""

import argparse
import contextlib
import random
import secrets
import socket
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.fuzz.echo_call import EchoCall
from tests.fuzz.mutate import Mutator, media_originals, sip_originals
from tests.fuzz.seeds import DESCRIPTIONS
from tests.support.server import Server, running
from tests.wire.probe import Probe

DATAGRAMS = 300
CONNECTIONS = 20
CALLS = 10
PACKETS = 300
FIRE_LIMIT = 150 << 20
"""Bytes of memory it may take under fire beyond what it had after the first round: transactions live for 32 seconds."""
LEAK_LIMIT = 24 << 20
"""Bytes it may have more at the last rest than at the first. Caches still fill, and a heap is never quite the same."""
HELD = ("sessions", "legs", "timers", "engine_server_transactions", "engine_client_transactions", "engine_timers")
REST_LIMIT = 150.0
"""Seconds until all is forgotten: an answer that was never acknowledged (32 s), the BYE after it (32 s)."""


class Fuzz:
    """One switch under fire."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        # Not from 127.0.0.1, where the honest call comes from: a switch may lock out who sends only nonsense.
        self._source = f"127.{self._random.randint(1, 254)}.{self._random.randint(0, 255)}.66"
        target = "{}:{}".format(*server.sip)
        self._sip = Mutator(seed, sip_originals(self._source, 5066, target))
        self._media = Mutator(seed + 1, media_originals())
        self._offers = Mutator(seed + 2, DESCRIPTIONS)
        self._memory_before = 0
        self.rounds = 0

    def round(self) -> None:
        """Fire once, then see whether it lives."""
        self.rounds += 1
        self._datagrams()
        self._streams()
        self._calls()
        with EchoCall(self._server.sip, f"fuzz-{self.rounds}") as call:
            call.say()
            self._packets(call)
            call.say()
        with Probe(self._server.sip, port=5067) as probe:
            probe.liveness()
        self._check()

    def _datagrams(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((self._source, 0))
            for number in range(DATAGRAMS):
                with contextlib.suppress(OSError):  # too long for a datagram
                    sender.sendto(self._sip.next(), self._server.sip)
                if number % 50 == 49:
                    # Wait for it to come this far, or the kernel would drop the rest.
                    with Probe(self._server.sip, port=5067) as probe:
                        probe.liveness()

    def _streams(self) -> None:
        for _ in range(CONNECTIONS):
            with contextlib.suppress(OSError), socket.create_connection(self._server.sip, timeout=5) as connection:
                for _ in range(self._random.randint(1, 6)):
                    connection.sendall(self._sip.next() if self._random.random() < 0.5 else self._sip.piece())

    def _calls(self) -> None:
        """From an address that may call: what is wrong is only the offer, and a refusal must be the caller's fault."""
        for number in range(CALLS):
            offer = self._offers.next()
            with EchoCall(self._server.sip, f"offer-{self.rounds}-{number}", offer[:8000]):
                pass

    def _packets(self, call: EchoCall) -> None:
        host, port = call.media
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((self._source, 0))
            for _ in range(PACKETS):
                sender.sendto(self._media.next()[:1500], (host, port + self._random.choice((0, 0, 1))))

    def _check(self) -> None:
        assert self._server.process.poll() is None, "the switch has ended"
        panics = {name: count for name, count in self._server.metrics().items() if "panic" in name and count}
        assert not panics, panics
        memory = self._server.memory()
        if self.rounds == 1:
            self._memory_before = memory
        growth = memory - self._memory_before
        assert growth < FIRE_LIMIT, f"grown by {growth >> 20} MB in {self.rounds} rounds"

    def rest(self) -> int:
        """Wait until the switch holds nothing of what was fired; gives the bytes of its memory."""
        give_up = time.perf_counter() + REST_LIMIT
        while held := self._held():
            assert time.perf_counter() < give_up, f"never forgotten: {held}"
            time.sleep(1)
        return self._server.memory()

    def _held(self) -> dict[str, float]:
        metrics = self._server.metrics()
        return {name: metrics[f"softswitch_sip_{name}"] for name in HELD if metrics[f"softswitch_sip_{name}"]}


def fire(work: Fuzz, seconds: float) -> None:
    """Round after round, for so long."""
    give_up = time.perf_counter() + seconds
    while time.perf_counter() < give_up:
        work.round()


def unguarded(folder: Path) -> AbstractContextManager[Server]:
    """A switch that turns nothing away, neither for its source nor for being busy: every message is to be read."""
    return running(folder, "--bench", environment={"SOFTSWITCH_DEFENCE_SHEDDING": "false"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, unguarded(Path(folder)) as server:
        try:
            work, memory = Fuzz(server, options.seed), list[int]()
            for _ in range(3):
                fire(work, options.seconds / 3)
                memory.append(work.rest())
                print(f"{work.rounds} rounds, {memory[-1] / 2**20:.1f} MB at rest", flush=True)
            assert memory[-1] - memory[0] < LEAK_LIMIT, "memory grows and grows"
        except (AssertionError, OSError) as failure:
            print(f"seed {options.seed} failed: {failure!r}\n{server.log_tail()}", file=sys.stderr)
            return 1
        received = server.metrics()["softswitch_sip_engine_received_total"]
        print(
            f"{work.rounds} rounds, {received:.0f} messages, {server.memory() >> 20} MB: no panic, every call carried"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
