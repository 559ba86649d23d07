"""Parties that send sound and time what they hear: a process of its own, so that whoever watches calls does not delay
it.

`Talkers` is its handle. Each party sends a packet every 20 ms which says when it was sent; the kernel tells when one
came. So what the switch adds is told from what the machine does to the parties themselves.
"""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softswitch.kernel.address import HostPort

PACKET_MS = 20
_STAMP = struct.Struct("!QII")
"""Nanoseconds of the wall clock, a number, and which party it is."""
_HELD_UP = 1_000_000
"""Nanoseconds from looking at the clock until the kernel had the packet, beyond which the machine had other things to
do in between: then the packet counts as sent when the kernel had it."""
_FILL = bytes(160 - _STAMP.size)
_TICKS = 20
_ROOT = Path(__file__).resolve().parents[2]
_SO_TIMESTAMPNS = 35


@dataclass(frozen=True)
class Heard:
    """What one party has heard since it was last asked."""

    packets: int
    lost: int
    longest_run_lost: int
    gap_ms: float
    """The longest silence that was the switch's doing: how much later a packet came behind the one before than it was
    sent behind it, and 20 ms for each between them that never came."""
    ago_ms: float
    """When that was."""
    silent_ms: float
    """Since the last packet; of a party that heard none, since it began."""
    sent: int
    """By this party, since it began."""


class Talkers:
    """The process, for the length of a `with` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            urgent([sys.executable, "-m", "tests.bench.talkers"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )

    def __enter__(self) -> "Talkers":
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def talk(self, own: HostPort, to: HostPort) -> None:
        """Let a party send from its address to another; it stops sending where it did before."""
        self._say("talk", *own, *to)

    def hush(self, own: HostPort) -> int:
        """Let a party be silent, and close its port; gives how many packets it has sent."""
        return int(self._ask("hush", *own))

    def heard(self) -> dict[HostPort, Heard]:
        """What each party has heard since the last time."""
        figures: Mapping[str, list[Any]] = self._ask("heard")
        return {HostPort.parse(name): Heard(*each) for name, each in figures.items()}

    def _say(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def _ask(self, *words: object) -> Any:
        self._say(*words)
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def urgent(command: list[str]) -> list[str]:
    """Run a command before whatever else the machine does, where we may."""
    return ["chrt", "--reset-on-fork", "--fifo", "1", *command] if os.geteuid() == 0 else command


def make_urgent(process: int) -> None:
    """The same for a process that runs, with all its threads."""
    if os.geteuid() == 0:
        for thread in os.listdir(f"/proc/{process}/task"):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


@dataclass
class _Party:
    socket: socket.socket
    to: tuple[str, int]
    index: int
    began: int = field(default_factory=time.time_ns)
    number: int = 0
    packets: int = 0
    lost: int = 0
    run: int = 0
    gap: int = 0
    gap_at: int = 0
    last: tuple[int, int, int] | None = None
    """Of the last packet heard: when it came, when it was sent, its number."""

    def send(self, held_up: dict[tuple[int, int], int]) -> None:
        self.number += 1
        head = struct.pack("!BBHII", 0x80, 0, self.number & 0xFFFF, self.number * 160 & 0xFFFFFFFF, self.to[1])
        began = time.time_ns()
        try:
            self.socket.sendto(head + _STAMP.pack(began, self.number, self.index) + _FILL, self.to)
        except OSError:
            return  # nobody is there any more
        done = time.time_ns()
        if done - began > _HELD_UP:
            held_up[self.index, self.number] = done

    def read(self, held_up: dict[tuple[int, int], int]) -> None:
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(512, 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            if len(data) != 172 or data[1] & 0x7F:
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            sent, number, index = _STAMP.unpack_from(data, 12)
            sent = held_up.pop((index, number), sent)
            self._heard(seconds * 1_000_000_000 + nanoseconds, sent, number)

    def _heard(self, came: int, sent: int, number: int) -> None:
        self.packets += 1
        last, self.last = self.last, (came, sent, number)
        if last is None or number <= last[2] or number - last[2] > 3000:
            return  # the first of whoever speaks now
        lost = number - last[2] - 1
        self.lost += lost
        self.run = max(self.run, lost)
        gap = (came - last[0]) - (sent - last[1]) + lost * PACKET_MS * 1_000_000
        if gap > self.gap:
            self.gap, self.gap_at = gap, came

    def figures(self) -> list[float]:
        now = time.time_ns()
        since, ago = now - (self.last[0] if self.last is not None else self.began), now - self.gap_at
        told = [self.packets, self.lost, self.run, round(self.gap / 1e6, 3), round(ago / 1e6, 1)]
        told += [round(since / 1e6, 1), self.number]
        self.packets = self.lost = self.run = self.gap = 0
        return told


def main() -> None:
    """Do as told on standard input, a JSON array a line, until its end."""
    parties: dict[HostPort, _Party] = {}
    ticks: list[dict[HostPort, _Party]] = [{} for _ in range(_TICKS)]
    poll = select.epoll()
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    by_number: dict[int, _Party] = {}
    held_up: dict[tuple[int, int], int] = {}
    made = 0
    unread = b""
    due, tick = time.perf_counter_ns(), 0
    while True:
        wait = max(0, due - time.perf_counter_ns()) / 1e9
        for number, _ in poll.poll(wait):
            if number in by_number:
                by_number[number].read(held_up)
                continue
            chunk = os.read(number, 65536)
            if not chunk:
                return
            *lines, unread = (unread + chunk).split(b"\n")
            for line in lines:
                word, *rest = json.loads(line)
                if word == "talk":
                    own, to = HostPort(rest[0], rest[1]), (rest[2], rest[3])
                    party = parties.get(own)
                    if party is not None:
                        party.to = to
                        continue
                    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                    bound.setblocking(False)
                    bound.bind(own)
                    made += 1
                    party = parties[own] = _Party(bound, to, made)
                    ticks[party.index % _TICKS][own] = party
                    by_number[bound.fileno()] = party
                    poll.register(bound.fileno(), select.EPOLLIN)
                elif word == "hush":
                    own = HostPort(*rest)
                    party = parties.pop(own)
                    del ticks[party.index % _TICKS][own], by_number[party.socket.fileno()]
                    poll.unregister(party.socket.fileno())
                    party.socket.close()
                    print(party.number, flush=True)
                else:
                    print(json.dumps({str(own): party.figures() for own, party in parties.items()}), flush=True)
        if time.perf_counter_ns() >= due:
            for party in ticks[tick].values():
                party.send(held_up)
            tick = (tick + 1) % _TICKS
            due += 1_000_000
            if time.perf_counter_ns() - due > 500_000_000:
                due = time.perf_counter_ns()  # the machine slept: nobody talks in a rush


if __name__ == "__main__":
    main()
