"""A room system with a line for slides and floor control, in SIP and BFCP on real sockets: it asks for the floor of the
room that it is in, has it, and gives it back."""

import asyncio
import re
from pathlib import Path
from typing import cast

import pytest

from gateways.bfcp.floors import FLOOR
from gateways.bfcp.messages import UNRELIABLE, Kind, Message, Primitive, number, parse
from tests.support.server import Server, free_sip_port, running
from tests.wire.doctored_calls import Caller, Phone, value
from tests.wire.rtp_party import Party

H264 = "a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n"


class Asker(asyncio.DatagramProtocol):
    """Speaks BFCP over UDP."""

    def __init__(self, conference: int, user: int) -> None:
        self.conference, self.user = conference, user
        self._transaction = 0
        self._heard: asyncio.Queue[Message] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._heard.put_nowait(parse(data))

    async def ask(self, primitive: Primitive, kind: Kind, value: int) -> Message:
        self._transaction += 1
        asked = Message(
            primitive=primitive,
            conference=self.conference,
            transaction=self._transaction,
            user=self.user,
            attributes=(number(kind, value),),
            version=UNRELIABLE,
        )
        self.transport.sendto(asked.print())
        async with asyncio.timeout(20):
            while True:
                heard = await self._heard.get()
                if heard.responds and heard.transaction == self._transaction:
                    return heard


def offer(sound: int, picture: int, slides: int) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {sound} RTP/AVP 8\r\n"
        f"m=video {picture} RTP/AVP 97\r\n{H264}a=content:main\r\n"
        "m=application 5000 UDP/BFCP *\r\na=floorctrl:c-only\r\n"
        f"m=video {slides} RTP/AVP 97\r\n{H264}a=content:slides\r\na=label:12\r\n"
    )


def presenters(switch: Server) -> list[str]:
    members = switch.get("/api/v1/conferences/3000/members")["items"]
    return [member["number"] for member in members if member["presenter"] and member["state"] == "in"]


async def until(switch: Server, wanted: list[str]) -> None:
    for _ in range(300):
        if presenters(switch) == wanted:
            return
        await asyncio.sleep(0.1)
    assert presenters(switch) == wanted


async def test_a_room_system_asks_for_the_floor_of_a_room(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="pictures need softswitch[video]")
    listens = free_sip_port("127.0.0.1")
    few = {"SOFTSWITCH_MEDIA_LEGS": "40", "SOFTSWITCH_VIDEO_FLOOR_LISTEN": f"127.0.0.1:{listens}"}
    with running(tmp_path, environment=few) as switch, Party() as sound, Party() as picture, Party() as slides:
        phone = await Phone.open(switch.sip, Caller("roomkit", to="3000"))
        ports = [party.address[1] for party in (sound, picture, slides)]
        phone.say("INVITE", 1, body=offer(*ports))
        answer = await phone.answer()
        assert answer.startswith("SIP/2.0 200"), answer
        to = value(answer, "To")
        phone.say("ACK", 1, to=to)
        assert f"m=application {listens} UDP/BFCP *" in answer and "a=floorctrl:s-only" in answer
        assert "a=floorid:1 mstrm:12" in answer and "a=label:12" in answer and "a=content:slides" in answer
        conference, user = (int(re.findall(rf"a={name}:(\d+)", answer)[0]) for name in ("confid", "userid"))
        transport, asker = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Asker(conference, user), remote_addr=("127.0.0.1", listens)
        )
        await until(switch, [])
        granted = await asker.ask(Primitive.FLOOR_REQUEST, Kind.FLOOR_ID, FLOOR)
        information = granted.first(Kind.FLOOR_REQUEST_INFORMATION)
        assert information is not None and granted.primitive == Primitive.FLOOR_REQUEST_STATUS
        await until(switch, ["roomkit"])
        await asker.ask(Primitive.FLOOR_RELEASE, Kind.FLOOR_REQUEST_ID, information.number)
        await until(switch, [])
        transport.close()
        phone.say("BYE", 2, to=to)
        assert (await phone.answer("2 BYE")).startswith("SIP/2.0 200")
        phone.transport.close()
