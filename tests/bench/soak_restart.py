"""`make soak ARGS="--restarts 50"`: a switch whose media engine is a process of its own is killed while calls talk.

In each round it is killed (`kill -9`) with so many calls up, begun again at once, and found to know its calls: nobody
has missed more than 40 ms of sound, transfers, holding and hang-ups work. At the end every call has one record, and
each record says what the phones saw. Phones are the model phones of the simulations, on real sockets.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from softswitch.kernel.address import HostPort
from tests.bench.talkers import PACKET_MS, Heard, Talkers, make_urgent
from tests.interop.conftest import Admin
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.real_network import RealNetwork
from tests.support.server import Server, StartFailed, free_sip_port, free_tcp_port

MOST_GAP_MS = 40.0
CALLERS = tuple(str(number) for number in range(1001, 1011))
CALLED = tuple(str(number) for number in range(1011, 1021))
_HOST = "127.0.0.1"


class Broken(Exception):
    """A promise that was not kept."""


@dataclass
class Talk:
    """One call as its phones see it."""

    name: str
    """The caller's half of the Session-ID."""
    caller: PhoneCall
    called: list[PhoneCall] = field(default_factory=list)
    """Whom the caller talked with, one after the other."""
    transferred: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    """Packets of parties that have hung up, by the names of their accounts."""

    @property
    def pair(self) -> tuple[PhoneCall, PhoneCall]:
        return self.caller, self.called[-1]


@dataclass(frozen=True)
class Round:
    """What one kill did."""

    calls: int
    gap_ms: float
    """The longest that anybody missed."""
    run_lost: int
    """The most packets in a row that anybody missed."""
    lost: int
    down_ms: float
    """From the kill until the switch answered HTTP again."""
    quiet_gap_ms: float
    """The same as `gap_ms` for as long before the kill: what the machine itself does."""


class RestartSoak:
    """A switch, its phones, and their calls."""

    def __init__(self, folder: Path, calls: int, seed: int, *, timed: bool = True) -> None:
        """`timed`: whether what is late counts as missed; else only what never comes."""
        self._folder = folder
        self._timed = timed
        self._calls = calls
        self._chance = random.Random(seed)
        self._sip, self._http = free_sip_port(_HOST), free_tcp_port(_HOST)
        self._lives = 0
        self._server: Server
        self._net = f"127.{self._chance.randint(16, 220)}.{self._chance.randint(0, 255)}"
        self._phones: dict[str, Phone] = {}
        self._up: list[Talk] = []
        self._over: list[Talk] = []
        self._placed = 0
        self._talkers: Talkers
        self._network: RealNetwork
        self._wall_offset = 0.0

    async def live(self, rounds: int, told: Callable[[int, Round], None]) -> list[Round]:
        """Raises Broken."""
        loop = asyncio.get_running_loop()
        self._wall_offset = time.time_ns() / 1e9 - loop.time()
        self._network = RealNetwork(loop)
        with Talkers() as self._talkers:
            self._server = await self._start()
            try:
                await self._furnish()
                found = []
                for number in range(1, rounds + 1):
                    await self._fill()
                    measured = await self._kill()
                    told(number, measured)
                    found.append(measured)
                    await self._use()
                await self._end_all(len(self._up))
                await self._reckon()
            finally:
                self._network.close()
                self._server.stop()
        return found

    # The switch -------------------------------------------------------------------------------------------

    async def _start(self) -> Server:
        self._lives += 1
        log = self._folder / f"switch-{self._lives}.log"
        words = [sys.executable, "-m", "softswitch", "serve", "--demo", "--sip", f"{_HOST}:{self._sip}"]
        words += ["--http", f"{_HOST}:{self._http}", "--data-dir", str(self._folder / "data")]
        words += ["--media-socket", str(self._folder / "media.sock")]
        legs = str(max(40, 3 * self._calls))
        environment = {**os.environ, "SOFTSWITCH_MEDIA_LEGS": legs}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: ASYNC220 - no pipe is read
                words, stdout=output, stderr=subprocess.STDOUT, env=environment
            )
        server = Server(process, _HOST, self._sip, self._http, log)
        give_up = time.perf_counter() + 60
        while time.perf_counter() < give_up:
            if process.poll() is not None:
                raise StartFailed(server.log_tail())
            with suppress(OSError):
                if await asyncio.to_thread(server.get, "/health") == {"status": "ok"}:
                    if self._lives == 1 and self._timed:
                        # What others do on this machine is not what is to be measured.
                        make_urgent(_engine_of(self._folder / "media.sock"))
                    return server
            await asyncio.sleep(0.05)
        raise StartFailed(server.log_tail())

    async def _furnish(self) -> None:
        loop = asyncio.get_running_loop()
        for number, account in enumerate((*CALLERS, *CALLED), 1):
            phone = self._phones[account] = Phone(
                self._network.for_phones,
                loop,
                HostPort(f"{self._net}.{number}", 5060),
                account,
                f"demo-{account}",
                server=HostPort(_HOST, self._sip),
                domain=_HOST,
                seed=self._chance.randrange(10**6),
            )
            phone.offered = ("0", "101")
            if account in CALLED:
                phone.on_call = self._rings
            status = await phone.register()
            _must(status == 200, f"{account} could not register: {status}")

    def _rings(self, back: PhoneCall) -> None:
        asyncio.get_running_loop().call_later(0.1, back.answer)

    async def _kill(self) -> Round:
        """Kill the switch and begin it anew; gives what the parties missed meanwhile."""
        self._talkers.heard()
        await asyncio.sleep(3)
        quiet = self._heard_by_all()
        began = time.perf_counter()
        self._server.process.kill()
        self._server.process.wait()
        self._server = await self._start()
        down = time.perf_counter() - began
        await asyncio.sleep(1.5)
        heard = self._heard_by_all()
        gone = [party for talk in self._up for party in talk.pair if party.state != "up"]
        _must(not gone, f"{len(gone)} parties were hung up by the restart: {gone[:3]}{self._server.log_tail()}")
        missed = {each: self._missed(each) for each in heard}
        worst = max(missed.values())
        _must(
            worst <= MOST_GAP_MS,
            f"somebody missed {worst} ms ({max(map(self._missed, quiet))} ms without a kill):"
            f" {[each for each, gap in missed.items() if gap > MOST_GAP_MS]}",
        )
        return Round(
            calls=len(self._up),
            gap_ms=max(each.gap_ms for each in heard),
            run_lost=max(each.longest_run_lost for each in heard),
            lost=sum(each.lost for each in heard),
            down_ms=round(down * 1000),
            quiet_gap_ms=max(each.gap_ms for each in quiet),
        )

    def _missed(self, heard: Heard) -> float:
        """Milliseconds."""
        return heard.gap_ms if self._timed else heard.longest_run_lost * PACKET_MS

    def _heard_by_all(self) -> list[Heard]:
        """What those have heard who are in calls. Nobody may hear nothing."""
        heard = self._talkers.heard()
        found = []
        for talk in self._up:
            for party in talk.pair:
                each = heard[party.local_rtp]
                _must(each.silent_ms < 1000, f"{party!r} has heard nothing for {each.silent_ms} ms")
                found.append(each)
        return found

    # Calls ------------------------------------------------------------------------------------------------

    async def _fill(self) -> None:
        """Place calls until there are as many as there should be."""
        while len(self._up) < self._calls:
            batch = [self._place() for _ in range(min(10, self._calls - len(self._up)))]
            await asyncio.gather(*batch)
        await asyncio.sleep(0.5)  # what has just been answered is on the disk a moment later

    async def _place(self) -> None:
        self._placed += 1
        line, name = self._placed % len(CALLERS), f"{self._placed:032x}"
        caller, called = self._phones[CALLERS[line]], self._phones[CALLED[line]]
        before = list(called.calls)
        caller.says = [("Session-ID", f"{name};remote={'0' * 32}")]  # by it the record is found
        out = caller.call(called.user)
        talk = Talk(name, out)
        await out.until("up", within=20)
        caller.says = []
        talk.called.append(await self._find(called, before))
        self._let_talk(talk)
        self._up.append(talk)

    async def _find(self, phone: Phone, before: Sequence[PhoneCall]) -> PhoneCall:
        """The call that a phone has been called by since there were only these."""
        for _ in range(200):
            for call in phone.calls[len(before) :]:
                if not call.outgoing and call.state == "up":
                    return call
            await asyncio.sleep(0.05)
        raise Broken(f"{phone.user} was not called: {phone.calls[-3:]}")

    def _let_talk(self, talk: Talk) -> None:
        for party in talk.pair:
            self._talkers.talk(party.local_rtp, party.theirs.address)

    async def _use(self) -> None:
        """Transfer some, hold some, and end some, from either side."""
        self._chance.shuffle(self._up)
        share = max(1, self._calls // 20)
        for talk in self._up[:share]:
            await self._transfer(talk)
        for talk in self._up[share : 2 * share]:
            await self._hold(talk)
        await self._end_all(max(2, self._calls // 5))

    async def _transfer(self, talk: Talk) -> None:
        by = talk.called[-1]
        other = self._phones[self._chance.choice([account for account in CALLED if account != by.phone.user])]
        before = list(other.calls)
        by.refer(other.user)
        await by.until("over", within=20)
        came = f"the transfer to {other.user} came to {by.referred} {by.told}: {by!r} {by.reason}"
        _must(by.how == "cleared" and by.told[-1:] == [200], came)
        self._count_sent(talk, by)
        third = await self._find(other, before)
        talk.called.append(third)
        talk.transferred += 1
        self._let_talk(talk)

    async def _hold(self, talk: Talk) -> None:
        for party in talk.pair:
            for direction in ("sendonly", "sendrecv"):
                _must(party.offer_again(direction), f"{party!r} cannot offer")
                async with asyncio.timeout(20):
                    while party.busy_offering:  # noqa: ASYNC110 - it tells nobody when that ends
                        await asyncio.sleep(0.02)
                _must(party.state == "up", f"{party!r} ended as it offered {direction}")
                _must(party.local_sdp is not None and party.local_sdp.direction == direction, f"{party!r} was refused")

    async def _end_all(self, how_many: int) -> None:
        """End the calls that were placed first, each from one side or the other."""
        ending, self._up = self._up[:how_many], self._up[how_many:]
        for talk in ending:
            one, other = self._chance.sample(talk.pair, 2)
            one.hang_up()
            await other.until("over", within=20)
            for party in talk.pair:
                self._count_sent(talk, party)
            self._over.append(talk)

    def _count_sent(self, talk: Talk, party: PhoneCall) -> None:
        talk.sent[party.phone.user] = talk.sent.get(party.phone.user, 0) + self._talkers.hush(party.local_rtp)

    # The reckoning ----------------------------------------------------------------------------------------

    async def _reckon(self) -> None:
        """Every call has one record, which says what its phones saw."""
        await asyncio.sleep(1)
        admin = Admin(self._server)
        try:
            records = await asyncio.to_thread(admin.all, "/cdrs")
            live = await asyncio.to_thread(admin.all, "/calls")
        finally:
            admin.close()
        _must(not live, f"{len(live)} calls are still live")
        by_name: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            by_name.setdefault(record["session_id"], []).append(record)
        _must(len(records) == len(self._over), f"{len(self._over)} calls have {len(records)} records")
        found: list[str] = []
        for talk in self._over:
            its = by_name.get(talk.name, [])
            if len(its) != 1:
                found.append(f"call {talk.name} has {len(its)} records")
            for record in its[:1]:
                found += self._wrong(talk, record)
        found += [breach for phone in self._phones.values() for breach in phone.violations]
        found = [each for each in found if "acknowledges no INVITE" not in each]
        _must(not found, f"{len(found)} findings, such as\n" + "\n".join(found[:5]))

    def _wrong(self, talk: Talk, cdr: dict[str, Any]) -> list[str]:
        """What is wrong with a record."""
        out = talk.caller
        assert out.answered_at is not None and out.ended_at is not None
        answered, ended = out.answered_at + self._wall_offset, out.ended_at + self._wall_offset
        facts = {
            "disposition": (cdr["disposition"], "answered"),
            "cause": (cdr["cause_code"], 16),
            "note": (cdr["note"], ""),
            "talks": (len(cdr["talks"]), 1 + talk.transferred),
            "legs": (len(cdr["legs"]), 2 + talk.transferred),
            "transfers": ([each["outcome"] for each in cdr["transfers"]], ["completed"] * talk.transferred),
            "billable": (cdr["billable_ms"], round((_seconds(cdr["ended_at"]) - _seconds(cdr["answered_at"])) * 1000)),
            "first talk begins with the answer": (
                abs(_seconds(cdr["talks"][0]["started_at"]) - _seconds(cdr["answered_at"])) < 0.1,
                True,
            ),
            "last talk ends with the call": (
                abs(_seconds(cdr["talks"][-1]["ended_at"]) - _seconds(cdr["ended_at"])) < 0.1,
                True,
            ),
            "answered when it was": (abs(_seconds(cdr["answered_at"]) - answered) < 1.0, True),
            "ended when it was": (abs(_seconds(cdr["ended_at"]) - ended) < 1.0, True),
        }
        found = [
            f"{talk.name} {name}: {is_!r}, not {should!r}" for name, (is_, should) in facts.items() if is_ != should
        ]
        received: dict[str, int] = {}
        for leg in cdr["legs"]:
            account = leg["destination"].partition("/")[2]
            received[account] = received.get(account, 0) + (leg["media"] or {"received": 0})["received"]
        for account, sent in talk.sent.items():
            # What was on its way when a party hung up, or came before its port was opened anew, is not counted.
            if not sent - 100 <= received.get(account, 0) <= sent:
                found.append(f"{talk.name} {account} has sent {sent} packets, {received.get(account)} are on record")
        return found


def _engine_of(socket: Path) -> int:
    """The process of the media engine that listens there."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdecimal() else []
            if b"media" in words and str(socket).encode() in words:
                return int(folder.name)
    raise Broken(f"no media engine was begun for {socket}")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _must(kept: bool, promise: str) -> None:
    if not kept:
        raise Broken(promise)


def run(rounds: int, calls: int, seed: int) -> int:
    """Run the soak and say what came of it; gives the exit status."""
    print(f"{rounds} kills with {calls} calls, seed {seed}", flush=True)

    def told(number: int, one: Round) -> None:
        print(
            f"{number:3}: {one.calls} calls, gap {one.gap_ms:.1f} ms ({one.quiet_gap_ms:.1f} without a kill),"
            f" {one.run_lost} in a row of {one.lost} packets lost, back after {one.down_ms:.0f} ms",
            flush=True,
        )

    with tempfile.TemporaryDirectory(prefix="ss-") as folder:
        soak = RestartSoak(Path(folder), calls, seed)
        try:
            found = asyncio.run(soak.live(rounds, told))
        except Broken as broken:
            print(f"BROKEN with seed {seed}: {broken}")
            return 1
    worst = max(found, key=lambda one: one.gap_ms)
    print(f"every call was kept and is on record; the longest gap was {worst.gap_ms:.1f} ms, {worst.run_lost} packets")
    return 0
