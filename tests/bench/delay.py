"""(t): how long sound takes through a room, from a member's packet to the packet in which another hears it, beside the
echo, which passes packets as they come."""

import asyncio
import statistics
from pathlib import Path

from tests.bench.report import Report
from tests.support.server import Server, running
from tests.wire.doctored_calls import A_LAW_SILENCE, Caller, Phone, port_in, value
from tests.wire.rtp_party import Party, Rtp

FRAME = 0.02
SILENCE, BURST = A_LAW_SILENCE[:160], (b"\x15" * 8 + b"\x95" * 8) * 10
EVERY, LOUD = 50, 15
"""Frames from one burst to the next, and of each."""
BAR = 120.0


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Both, on one switch."""
    with running(folder, environment={"SOFTSWITCH_MEDIA_LEGS": "40"}) as switch:
        bursts = 10 if quick else 40
        echo = asyncio.run(_through(switch, "9196", ("alone",), bursts))
        room = asyncio.run(_through(switch, "3000", ("says", "hears"), bursts))
    for who, delays, remark in (("floor, echo", echo, ""), ("room", room, f"bar {BAR:g} ms")):
        middle, worst = round(1000 * statistics.median(delays), 1), round(1000 * max(delays), 1)
        report.line("t", who, "sound", median_ms=middle, longest_ms=worst, bursts=len(delays))
        report.result("t", who, "from a packet to the one in which it is heard", middle, "ms", remark)
        report.result("t", who, "the longest of them", worst, "ms", f"{len(delays)} bursts")


async def _through(switch: Server, number: str, names: tuple[str, ...], bursts: int) -> list[float]:
    """Seconds that each burst took from the first caller to the last."""
    parties = [Party() for _ in names]
    phones, dialogs, ends = [], [], []
    for name, party in zip(names, parties, strict=True):
        phone = await Phone.open(switch.sip, Caller(name, to=number))
        phone.say("INVITE", 1, body=_sdp(party.address[1]))
        answer = await phone.answer()
        phone.say("ACK", 1, to=value(answer, "To"))
        phones.append(phone)
        dialogs.append(value(answer, "To"))
        ends.append(("127.0.0.1", port_in(answer)))
    loop = asyncio.get_running_loop()
    sent: list[float] = []
    heard: list[float] = []
    speaking = [
        loop.create_task(_speak(party, end, sent if k == 0 else None, bursts))
        for k, (party, end) in enumerate(zip(parties, ends, strict=True))
    ]
    hearing = loop.create_task(_hear(parties[-1], heard))
    await asyncio.gather(*speaking)
    await asyncio.sleep(0.5)
    hearing.cancel()
    for phone, to in zip(phones, dialogs, strict=True):
        phone.say("BYE", 2, to=to)
        await phone.answer("2 BYE")
        phone.transport.close()
    for party in parties:
        party.socket.close()
    # A burst is heard before the next one is said.
    first = [next((at - said for at in heard if at >= said), EVERY * FRAME) for said in sent]
    missed = sum(delay >= EVERY * FRAME for delay in first)
    assert not missed, f"{missed} of {len(sent)} bursts were not heard"
    return first


async def _speak(party: Party, to: tuple[str, int], sent: list[float] | None, bursts: int) -> None:
    """A packet every 20 ms; from the fourth second on, when all jitter is known, a burst again and again."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(200 + EVERY * bursts):
        await asyncio.sleep(max(0.0, began + number * FRAME - loop.time()))
        place = (number - 200) % EVERY
        loud = sent is not None and number >= 200 and place < LOUD
        if loud and place == 0 and sent is not None:
            sent.append(loop.time())
        packet = Rtp(8, number & 0xFFFF, number * 160, party.ssrc, BURST if loud else SILENCE)
        party.socket.sendto(packet.print(), to)


async def _hear(party: Party, heard: list[float]) -> None:
    """When each burst began."""
    loop, quiet = asyncio.get_running_loop(), 0
    while True:
        packet = Rtp.parse(await loop.sock_recv(party.socket, 2048))
        loud = sum(code & 0x7F ^ 0x55 > 40 for code in packet.payload) > 20
        if loud and quiet > 5:
            heard.append(loop.time())
        quiet = 0 if loud else quiet + 1


def _sdp(port: int) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
