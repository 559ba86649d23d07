"""`make soak`: a random day for a demo switch, with a kill in the middle, and the reckoning afterwards.

Calls that talk, are hung up on, are cancelled, are busy, are held and resumed, are transferred, phones that register
again and again, members of conference rooms, and TCP connections that are reset; how many, how fast and how long is
drawn from a seed. Three times: a spell whose every call must have its record, a spell that `kill -9` interrupts, and a
spell after the restart in which memory must stay flat as well.
"""

import argparse
import contextlib
import random
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import soak_restart
from tests.bench.centre import NUMBER, QUEUE, Centre, reported
from tests.bench.load import Counted, read_counters
from tests.bench.registrations import accounts_file
from tests.bench.soak_rooms import Rooms
from tests.interop.conftest import Admin
from tests.interop.sipp import Sipp
from tests.support.server import Server, free_sip_port, running

BATCH_SECONDS = 5
LINGER_SECONDS = 15.0
"""How long after its last call a batch may still talk."""
WARM_PART = 0.5
"""Of the last spell, the part after which memory must no longer grow: lingering transactions have then ended (32 s)."""
MEMORY_TOLERANCE = 0.10


@dataclass(frozen=True)
class Kind:
    """One way in which calls go."""

    name: str
    prefix: str
    """The first two digits of its numbers, by which its records are told."""
    caller: str
    called: str
    disposition: str
    rate: int
    """Calls a second at most."""
    words: tuple[tuple[str, str], ...] = ()
    by_account: bool = False
    """Whether accounts call, and not a guest."""
    talk_ms: int = 300
    """How long the called party talks, where it hangs up."""

    @property
    def filled(self) -> dict[str, Any]:
        return dict(self.words)


KINDS = (
    Kind("talk", "80", "uac", "uas_at_once", "answered", 20),
    Kind("hung-up-on", "81", "uac_hung_up", "uas_hangs_up", "answered", 10),
    Kind("cancel", "82", "uac_cancel", "uas_rings", "cancelled", 5),
    Kind("busy", "83", "uac_refused", "uas_refuses", "busy", 5, (("status", "486"), ("reason", "Busy Here"))),
    Kind("hold", "84", "uac_reinvite", "uas_reinvited", "answered", 5),
    # Whoever was called talks on with the echo, and hangs up on it.
    Kind("transfer", "85", "uac_transfers", "uas_hangs_up", "answered", 5, (("target", "9196"),), True, 4000),
)


class Broken(AssertionError):
    """An invariant that does not hold."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._random = random.Random(seed)
        self._batches = 0
        self._spells = 0
        self._accounts = accounts_file(folder)
        self._phones_port = free_sip_port("127.0.0.1")
        """Phones register from the same address again and again, as phones do: another would be another device."""
        self.made: Counter[str] = Counter()
        """Calls begun in the exact spells, by kind."""
        self.restarts = 0

    def run(self) -> None:
        """Raises Broken when something does not add up."""
        spell = self._seconds / 3
        with running(self._folder / "switch", "--bench") as server, self._answering(server):
            self._exact(server, spell, flat=False)
            self._rooms(server)
            self._queues(server)
            self._interrupted(server, spell)
        self.restarts += 1
        # The kill left the data folder as it was: what had ended must be there.
        with running(self._folder / "switch", "--bench") as server:
            self._check_after_kill(server)
            self._rooms(server)
            with self._answering(server):
                self._exact(server, spell, flat=True)

    # Spells -----------------------------------------------------------------------------------------------

    def _exact(self, server: Server, seconds: float, *, flat: bool) -> None:
        """Every call of this spell must have its one record with the right disposition."""
        admin = Admin(server)
        before = self._records(admin)
        begun: Counter[str] = Counter()
        started, warm = time.monotonic(), 0  # noqa: TID251 - a load tool lives by the real clock
        warm_records = 0
        while (elapsed := time.monotonic() - started) < seconds:  # noqa: TID251
            begun += self._batch(server)
            if flat and not warm and elapsed >= seconds * WARM_PART:
                warm, warm_records = server.memory(), sum(begun.values())
        self.made += begun
        admin.eventually(lambda: admin.all("/calls"), lambda live: not live)
        wanted = before.copy()
        for kind in KINDS:
            wanted[kind.name, kind.disposition] += begun[kind.name]
        wanted = +wanted
        found = admin.eventually(lambda: self._records(admin), lambda records: records.total() >= wanted.total())
        if found != wanted:
            raise Broken(f"records {dict(found - wanted)} too many, {dict(wanted - found)} missing")
        if flat and warm:
            grown = server.memory() - warm
            calls = sum(begun.values()) - warm_records
            print(f"  memory {warm / 1e6:.1f} MB, {grown / 1e6:+.2f} MB over the last {calls} calls")
            if grown > warm * MEMORY_TOLERANCE:
                raise Broken(f"memory grew by {grown / 1e6:.1f} MB over {calls} calls")
        self._unharmed(server)
        admin.close()

    def _rooms(self, server: Server) -> None:
        """Members of rooms, to the last one's end."""
        self._spells += 1
        rooms = Rooms(server, self._folder / f"rooms-{self._spells}", self._random)
        found = rooms.live(2 * BATCH_SECONDS)
        rooms.close()
        if found:
            raise Broken("; ".join(found))
        self._unharmed(server)

    def _queues(self, server: Server) -> None:
        """Callers of a queue and agents, to the last one's end; then some who still wait when the switch is killed."""
        folder, admin = self._folder / "centre", Admin(server)
        centre = Centre(server, folder, agents=10, talk_ms=1000)
        outcome = centre.live(rate=10, seconds=BATCH_SECONDS)
        centre.close()
        print(f"  a queue: {dict(outcome.account)}")
        remote = f"{server.host}:{server.sip_port}"
        admin.patch(f"/queues/{QUEUE}", wait_most_seconds=None)
        self._waiters = Sipp(
            "uac_hung_up", folder / "waiters", remote, "-s", NUMBER, "-m", "20", "-r", "20", quiet=True
        )
        admin.eventually(lambda: admin.get(f"/queues/{QUEUE}")["waiting"], lambda waiting: waiting == 20)
        admin.close()

    def _interrupted(self, server: Server, seconds: float) -> None:
        """Load, and in the middle of it `kill -9`."""
        started = time.monotonic()  # noqa: TID251
        while time.monotonic() - started < seconds - BATCH_SECONDS:  # noqa: TID251
            self.made += self._batch(server)
        admin = Admin(server)
        self._before_kill = {record["call_id"]: record for record in admin.all("/cdrs")}
        admin.close()
        batch = list(self._callers(server))
        try:
            time.sleep(self._random.uniform(1, BATCH_SECONDS - 1))
            server.process.kill()
            server.process.wait()
        finally:
            self._waiters.stop()
            for caller, _ in batch:
                caller.stop()
        self._interrupted_calls = sum(_counted(caller).succeeded for caller, kind in batch if kind is not None)

    def _check_after_kill(self, server: Server) -> None:
        admin = Admin(server)
        if live := admin.all("/calls"):
            raise Broken(f"{len(live)} calls live after a restart")
        row = reported(admin)
        outcomes = sum(row[name] for name in ("answered", "abandoned", "overflowed", "callback", "disconnected"))
        if row["waiting"] or row["offered"] != outcomes or row["disconnected"] != 20:
            raise Broken(f"the queue's account after the kill does not add up: {row}")
        wanted = len(self._before_kill) + self._interrupted_calls
        records = admin.eventually(lambda: admin.all("/cdrs"), lambda found: len(found) >= wanted)
        ids = Counter(record["call_id"] for record in records)
        if doubled := [call for call, count in ids.items() if count > 1]:
            raise Broken(f"more than one record of {doubled[:5]}")
        after = {record["call_id"]: record for record in records}
        if changed := [call for call, record in self._before_kill.items() if after.get(call) != record]:
            raise Broken(f"records lost or changed by the kill: {changed[:5]}")
        cut_off = len(after) - wanted
        print(f"  kill -9: {len(self._before_kill)} records kept, {self._interrupted_calls} of calls that ended in the")
        print(f"  interrupted seconds, {cut_off} more of calls that it cut off")
        admin.close()

    # Load -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _answering(self, server: Server) -> Iterator[None]:
        """A SIPp server for each kind, with a trunk and a rule that lead to it."""
        admin = Admin(server)
        with contextlib.ExitStack() as stack:
            for kind in KINDS:
                talk = ("-d", str(kind.talk_ms))
                uas = Sipp(kind.called, self._folder, *talk, "-timeout", "100000", quiet=True, **kind.filled)
                stack.callback(uas.stop)
                context = "default" if kind.by_account else "guest"
                admin.trunk_with_rule(f"soak-{kind.name}", uas.port, f"{kind.prefix}XXX", context)
            yield
        admin.close()

    def _batch(self, server: Server) -> Counter[str]:
        """Some seconds of load, to its end; gives the calls begun, by kind."""
        callers = list(self._callers(server))
        self._reset_connections(server)
        give_up = time.monotonic() + BATCH_SECONDS + LINGER_SECONDS  # noqa: TID251
        begun: Counter[str] = Counter()
        for caller, kind in callers:
            while not caller.ended() and time.monotonic() < give_up:  # noqa: TID251
                time.sleep(0.05)
            caller.stop()
            counted = _counted(caller)
            if counted.succeeded != counted.started:
                raise Broken(f"{counted.started - counted.succeeded} of {counted.started} failed:\n{caller.log()}")
            if kind is not None:
                begun[kind.name] += counted.started
        return begun

    def _callers(self, server: Server) -> Iterator[tuple[Sipp, Kind | None]]:
        self._batches += 1
        folder = self._folder / f"batch-{self._batches}"
        remote = f"{server.host}:{server.sip_port}"
        for kind in KINDS:
            rate = self._random.randint(1, kind.rate)
            number = f"{kind.prefix}{self._random.randrange(1000):03d}"
            accounts = ("-inf", str(self._accounts)) if kind.by_account else ()
            yield (
                Sipp(
                    kind.caller, folder, remote, "-s", number, "-r", str(rate), "-m", str(rate * BATCH_SECONDS),
                    "-d", str(self._random.randint(20, 2000)), *accounts, quiet=True, **kind.filled,
                ),
                kind,
            )  # fmt: skip
        registrations = (remote, "-s", "registrar", "-inf", str(self._accounts), "-r", "20", "-m", "100")
        yield Sipp("register", folder, *registrations, port=self._phones_port, quiet=True, status="200"), None

    def _reset_connections(self, server: Server) -> None:
        """Connections that end as bad networks end them: by a reset, in the middle of a message or before any."""
        options = b"OPTIONS sip:soak SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK-soak\r\n"
        for _ in range(self._random.randint(5, 30)):
            with socket.create_connection((server.host, server.sip_port), timeout=10) as connection:
                connection.sendall(options[: self._random.randrange(len(options))])
                # No lingering: closing sends RST instead of FIN.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    # Reckoning --------------------------------------------------------------------------------------------

    def _records(self, admin: Admin) -> Counter[tuple[str, str]]:
        names = {kind.prefix: kind.name for kind in KINDS}
        return Counter(
            (names[record["to"][:2]], record["disposition"])
            for record in admin.all("/cdrs")
            if record["to"][:2] in names
        )

    def _unharmed(self, server: Server) -> None:
        metrics = server.metrics()
        bad = ("panic", "fault", "accounts_off")
        harmed = {name: value for name, value in metrics.items() if value and any(word in name for word in bad)}
        if harmed:
            raise Broken(f"{harmed}\n{server.log_tail()}")
        if server.process.poll() is not None:
            raise Broken(f"the switch ended:\n{server.log_tail()}")


def _counted(sipp: Sipp) -> Counted:
    return read_counters(sipp.statistics)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--restarts", type=int, default=0, help="instead, so many kills of a switch whose media engine lives on"
    )
    parser.add_argument("--calls", type=int, default=100, help="how many calls there are at each of them")
    arguments = parser.parse_args()
    if arguments.restarts:
        return soak_restart.run(arguments.restarts, arguments.calls, arguments.seed)
    if shutil.which("sipp") is None:
        print("SIPp is needed: apt-get install sip-tester", file=sys.stderr)
        return 2
    print(f"soak for {arguments.seconds:g} s, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="softswitch-soak-") as folder:
        soak = Soak(Path(folder), arguments.seconds, arguments.seed)
        try:
            soak.run()
        except AssertionError as broken:
            print(f"BROKEN with seed {arguments.seed}: {broken}")
            return 1
    print(f"{soak.made.total()} calls kept their promises: {dict(soak.made)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
