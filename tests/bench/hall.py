"""(w): a hundred members in a room, a hundred rooms at once, and these beside a room whose pictures are composed: the
whole switch, where all speak G.711 all the time, beside a plain UDP echo of as many packets."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.processes import SERVER_CORE, cpu_seconds, pinned
from tests.bench.relay import HOST, ROOT, TOOLS, alone, build_tools, start_server
from tests.bench.report import Report
from tests.bench.seen import Camera, Member
from tests.interop.conftest import Admin
from tests.support.server import Server, running
from tests.wire.doctored_calls import Caller, Phone, port_in, value
from tests.wire.rtp_party import Party

ROOMS, EACH, LARGE = 100, 3, 100
"""How many rooms there are at once, how many are in each, and how many in a large one."""
FIRST = 80_000
"""The number of the first room; guests may call numbers of five digits."""
SEEN = 4
"""Members of a composed room."""
LATE, LEFT_OUT = "softswitch_media_late_ticks_total", "softswitch_composer_pictures_late_total"


def measure(report: Report, folder: Path, quick: bool) -> None:
    """All on one switch."""
    build_tools()
    seconds = 3 if quick else 10
    command = pinned(SERVER_CORE, sys.executable, "-m", "softswitch")
    environment = {"SOFTSWITCH_MEDIA_LEGS": str(2 * ROOMS * EACH)}
    with running(folder, "--bench", command=command, environment=environment) as switch:
        admin = Admin(switch)
        for number in range(ROOMS):
            admin.post("/conferences", number=str(FIRST + number), announce="none", most=LARGE)
        route = {"context": "guest", "name": "hall", "number": "80XXX", "destination": "conference/{number}"}
        admin.post("/routes", **route, position=1)
        many = [str(FIRST + number) for number in range(ROOMS)]
        for title, rooms, composed in (
            (f"a room of {LARGE}", [many[0]] * LARGE, ""),
            (f"{ROOMS} rooms of {EACH}", many * EACH, ""),
            (f"{ROOMS - 1} rooms of {EACH} beside a composed one of {SEEN}", many[1:] * EACH, many[0]),
        ):
            if composed:
                admin.patch(f"/conferences/{composed}", pictures="compose", layout="2x2")
            figures = asyncio.run(_live(switch, rooms, composed, seconds))
            report.line("w", "softswitch", title, **figures)
            remark = (
                f"{figures['legs_short_of_packets']} legs short of packets, {figures['legs_short_of_sound']} of sound; "
                f"{figures['late_ticks']} ticks late"
            )
            if composed:
                remark += f"; composer {round(100 * figures['composer_share'], 1)} %, {figures['left_out']} left out"
            share = round(100 * figures["cpu_share"], 1)
            report.result("w", "softswitch", f"{title}, all speak G.711: CPU", share, "% of a core", remark)
    for legs in (LARGE, ROOMS * EACH):
        with start_server([str(TOOLS / "udpfloor"), HOST]) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            with _load(server.pid, seconds, [port] * legs) as load:
                figures = _result(load)
            server.kill()
        report.line("w", "floor, UDP echo", f"{legs} legs", **figures)
        share = round(100 * figures["cpu_share"], 1)
        remark = f"{figures['legs_short_of_packets']} legs short of packets"
        report.result("w", "floor, UDP echo", f"{legs} legs: CPU", share, "% of a core", remark)


async def _live(switch: Server, rooms: Sequence[str], composed: str, seconds: int) -> dict[str, Any]:
    """Members come into these rooms and speak for a while; where a room is composed, others sit in it."""
    with Party() as nobody:
        # Their sound comes from elsewhere, as behind NAT.
        # Their names tell them from those before, who may have had the same ports.
        calls = [_Call(switch, f"{len(rooms)}{place:04d}", number) for place, number in enumerate(rooms)]
        for some in range(0, len(calls), 20):
            await asyncio.gather(*(call.begin(nobody.address[1]) for call in calls[some : some + 20]))
        over = asyncio.Event()
        sitting = [
            await Member.call(switch.sip, f"89{place:03d}", composed, "H264")
            for place in range(SEEN if composed else 0)
        ]
        camera = Camera.film("H264", marked=False)
        busy = [
            asyncio.create_task(task)
            for member in sitting
            for task in (member.film(camera, over), member.talk(over, marked=False))
        ]
        ports = [str(call.port) for call in calls]
        figures = await asyncio.to_thread(_loaded, switch, seconds, ports)
        over.set()
        await asyncio.gather(*busy)
        for member in sitting:
            await member.leave()
        for some in range(0, len(calls), 20):
            await asyncio.gather(*(call.end() for call in calls[some : some + 20]))
    return figures


class _Call:
    """SIP of one member."""

    def __init__(self, switch: Server, name: str, room: str) -> None:
        self._switch = switch
        self._caller = Caller(name, to=room)
        self.port = 0
        """Where its sound goes."""

    async def begin(self, port: int) -> None:
        self._phone = await Phone.open(self._switch.sip, self._caller)
        described = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        self._phone.say("INVITE", 1, body=described)
        answer = await self._phone.answer()
        assert answer.startswith("SIP/2.0 200"), answer
        self._to, self.port = value(answer, "To"), port_in(answer)
        self._phone.say("ACK", 1, to=self._to)

    async def end(self) -> None:
        self._phone.say("BYE", 2, to=self._to)
        await self._phone.answer("2 BYE")
        self._phone.transport.close()


def _loaded(switch: Server, seconds: int, ports: Sequence[str]) -> dict[str, Any]:
    """What the load found, and the switch itself."""
    with _load(switch.process.pid, seconds, ports) as load:
        assert load.stdout is not None
        load.stdout.readline()
        before, others = switch.metrics(), _others(switch)
        figures = _result(load)
        after = switch.metrics()
        figures["late_ticks"], figures["left_out"] = (int(after[name] - before[name]) for name in (LATE, LEFT_OUT))
        figures["composer_share"] = round((_others(switch) - others) / seconds, 3)
    return figures


def _others(switch: Server) -> float:
    """CPU seconds of all processes that the switch has begun: the composer's."""
    return cpu_seconds(switch.process.pid) - switch.cpu_seconds()


def _load(pid: int, seconds: int, ports: Sequence[str]) -> "subprocess.Popen[str]":
    command = alone(1, [str(TOOLS / "soundload"), HOST, str(seconds), str(pid)])
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert load.stdin is not None
    load.stdin.write("".join(f"{port} speech pcma\n" for port in ports))
    load.stdin.close()
    return load


def _result(load: "subprocess.Popen[str]") -> dict[str, Any]:
    assert load.stdout is not None
    figures: dict[str, Any] = json.loads(load.stdout.read())
    return figures
