"""The menu of the demo, by keys of all three kinds: events in the sound, messages beside it, and tones."""

import asyncio
from array import array
from typing import Any

import pytest

import ivr_flows
from tests.support.server import Server
from tests.wire.doctored_calls import Caller, Phone, port_in, value
from tests.wire.rtp_party import Party, encode_a_law, sine

TONES = {"1": (697, 1209), "2": (697, 1336), "9": (852, 1477), "#": (941, 1477)}
KINDS = ("events", "messages", "tones")


def tone_of(key: str) -> list[bytes]:
    """A key as 200 ms of its two tones, in packets of 20 ms."""
    low, high = (array("h", sine(hertz, 0.2, 8000, 8000)) for hertz in TONES[key])
    codes = encode_a_law([a + b for a, b in zip(low, high, strict=True)])
    return [codes[at : at + 160] for at in range(0, len(codes), 160)]


async def press(kind: str, key: str, phone: Phone, party: Party, to: str, port: int, cseq: int) -> None:
    """Press a key, and say nothing for a while."""
    match kind:
        case "events":
            party.press(("127.0.0.1", port), key, timestamp=cseq * 8000)
        case "messages":
            phone.say("INFO", cseq, to=to, body=f"Signal={key}\r\nDuration=160\r\n", kind="application/dtmf-relay")
        case "tones":
            for packet in tone_of(key):
                party.send(("127.0.0.1", port), packet)
                await asyncio.sleep(0.02)
    for _ in range(30):
        party.send(("127.0.0.1", port))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_caller_comes_to_sales_in_mandarin_by_keys_of_any_kind(switch: Server, kind: str) -> None:
    number = f"4{KINDS.index(kind)}"
    caller = Caller(number, to="5000", codecs="8" if kind == "tones" else "8 101")
    phone = await Phone.open((switch.host, switch.sip_port), caller)
    with Party() as party:
        offered = f"m=audio {party.address[1]} RTP/AVP {caller.codecs}"
        events = "a=rtpmap:101 telephone-event/8000\r\n" if kind != "tones" else ""
        body = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{offered}\r\n{events}"
        phone.say("INVITE", 1, body=body)
        answer = await phone.answer()
        assert answer.startswith("SIP/2.0 200"), answer
        to, port = value(answer, "To"), port_in(answer)
        phone.say("ACK", 1, to=to)
        for _ in range(75):  # the welcome is heard
            party.send(("127.0.0.1", port))
            await asyncio.sleep(0.02)
        before = len(paths(switch))
        for cseq, key in enumerate("91", 2):
            await press(kind, key, phone, party, to, port, cseq)
        for _ in range(300):  # the caller waits in the queue then, which nobody serves
            if len(paths(switch)) > before:
                break
            await asyncio.sleep(0.1)
        phone.say("BYE", 4, to=to)
        assert (await phone.answer("4 BYE")).startswith("SIP/2.0 200")
    phone.transport.close()
    path = await the_path(switch, number)
    assert path["outcome"] == "transferred" and path["language"] == "zh"
    ways = [(step["node"], step["result"]) for step in path["steps"] if step["node"] not in ("hours", "closed")]
    told = ivr_flows.call("main", ",,9,1")
    assert ways == [(step.node, step.result) for step in told.path.steps if step.node != "hours"]


def paths(switch: Server) -> list[dict[str, Any]]:
    """Of all callers who have gone through the menu."""
    found: list[dict[str, Any]] = switch.get("/api/v1/flows/main/paths")["items"]
    return found


async def the_path(switch: Server, number: str) -> dict[str, Any]:
    """The path of a call, once it is stored."""
    for _ in range(50):
        calls = [cdr["call_id"] for cdr in switch.get("/api/v1/cdrs")["items"] if cdr["from"] == number]
        for path in paths(switch):
            if path["call_id"] in calls:
                return path
        await asyncio.sleep(0.1)
    raise AssertionError(f"{number} has left no path")
