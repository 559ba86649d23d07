"""Pictures on the real engine: who sees what over real sockets, and what the composer gets and gives."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateways._native import MediaCommand, MediaEngine
from gateways.media import agreement
from gateways.media.gateway import MediaGateway
from gateways.media.pictures import Pictures
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, VideoLine
from tests.wire.media_process import engine_process
from tests.wire.rtp_party import PATIENCE, Party, Rtp, amplitude_at, decode_a_law, sine
from tests.wire.test_media_gateway import Told, settled
from tests.wire.test_media_gateway import opened as opened_for_sound

A, B, C = LegId("call.1/video"), LegId("call.2/video"), LegId("call.3/video")
MADE = LegId("room/canvas")

SPS = bytes.fromhex("6742c01ed900a02ff97011000003000100000300 3c0f162e48".replace(" ", ""))
PPS = bytes.fromhex("68ce3c80")
IDR, SLICE = b"\x65\x88key", b"\x41\x9adelta"
START = b"\0\0\0\1"
MODE_1 = "profile-level-id=42e01f;packetization-mode=1"

PLI, FIR, NACK = (206, 1), (206, 4), (205, 1)


class Seen:
    """What the gateway told of pictures, in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    def key_frame_wanted(self, line: LegId) -> None:
        self.queue.put_nowait(("wanted", line))

    def video_flows(self, line: LegId, flows: bool) -> None:
        self.queue.put_nowait(("flows" if flows else "stalled", line))

    def shown(self, viewer: LegId, source: LegId) -> None:
        self.queue.put_nowait(("shown", viewer, source))

    def composer_ready(self) -> None:
        self.queue.put_nowait(("ready",))

    def composer_lost(self, reason: str) -> None:
        self.queue.put_nowait(("lost", reason))

    async def next(self) -> tuple[str, ...]:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(params=[1, 2, "process"], ids=["one thread", "two threads", "own process"])
async def gateway(
    request: pytest.FixtureRequest, seen: Seen, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MediaGateway]:
    if request.param == "process":
        process = engine_process(tmp_path_factory.mktemp("engine"))
        gateway = MediaGateway(process.reach(), "127.0.0.1", process=process)
    else:
        gateway = MediaGateway(MediaEngine(host="127.0.0.1", first_port=0, legs=8, threads=request.param), "127.0.0.1")
    gateway.listen(Told())
    gateway.pictures.listen(seen)
    gateway.pictures.listen_to_switch(seen)
    await gateway.start()
    yield gateway
    panics = gateway.stats["panics"]
    await gateway.stop()
    assert panics == 0


@pytest.fixture
def pictures(gateway: MediaGateway) -> Pictures:
    return gateway.pictures


def line(
    address: tuple[str, int],
    payload_type: int = 96,
    name: str = "H264",
    feedback: tuple[str, ...] = ("nack", "nack pli", "ccm fir"),
) -> VideoLine:
    codec = Codec(payload_type, name, 90_000, 1, MODE_1 if name == "H264" else "")
    return VideoLine(HostPort(*address), (codec,), rtcp_mux=True, feedback=feedback)


def opened(pictures: Pictures, leg: LegId, party: Party, payload_type: int = 96, **said: object) -> HostPort:
    """We say number 97 for what it sends; it takes what it is sent under its own."""
    local = pictures.open_video(leg)
    pictures.connect_video(leg, line(local, 97), line(party.address, payload_type, **said))  # type: ignore[arg-type]
    return local


def film(party: Party, to: HostPort, *units: bytes, at: int) -> None:
    """Send a picture: a packet a unit."""
    for number, unit in enumerate(units):
        party._sequence += 1
        last = number == len(units) - 1
        packet = Rtp(97, party._sequence, at * 3000, party.ssrc, unit, last)
        party.socket.sendto(packet.print(), to)


async def hear(party: Party, wanted: Callable[[bytes], bool]) -> bytes:
    """The next datagram that is wanted."""
    while True:
        data = await party.hear_bytes()
        if wanted(data):
            return data


def is_rtp(data: bytes) -> bool:
    return not 192 <= data[1] <= 223


def asks(kind: tuple[int, int]) -> Callable[[bytes], bool]:
    """Whether a compound packet has feedback of a kind."""

    def wanted(data: bytes) -> bool:
        while data and 192 <= data[1] <= 223:
            if (data[1], data[0] & 0x1F) == kind:
                return True
            data = data[4 * (struct.unpack_from("!H", data, 2)[0] + 1) :]
        return False

    return wanted


def feedback(party: Party, kind: tuple[int, int], media: int, more: bytes = b"") -> bytes:
    report = struct.pack("!BBHI", 0x80, 201, 1, party.ssrc)
    return report + struct.pack("!BBHII", 0x80 | kind[1], kind[0], 2 + len(more) // 4, party.ssrc, media) + more


async def test_two_see_each_other_under_their_own_payload_types_and_ask_each_other(
    gateway: MediaGateway, pictures: Pictures
) -> None:
    with Party(ssrc=1) as a, Party(ssrc=2) as b:
        here, there = opened(pictures, A, a, 110), opened(pictures, B, b, 120)
        pictures.bridge_video(A, B)
        await settled(gateway, a, here)
        await settled(gateway, b, there)
        film(a, here, SPS, PPS, IDR, at=1)
        film(b, there, SLICE, at=1)
        heard = [Rtp.parse(await hear(b, is_rtp)) for _ in range(3)]
        assert [packet.payload for packet in heard] == [SPS, PPS, IDR]
        assert {(packet.payload_type, packet.ssrc) for packet in heard} == {(120, 1)}
        assert Rtp.parse(await hear(a, is_rtp)).payload_type == 110
        asked = feedback(b, PLI, 1)
        b.socket.sendto(asked, there)
        assert await hear(a, asks(PLI)) == asked
        figures = pictures.video_figures(A)
        assert (figures.received, figures.key_frames, figures.width, figures.height) == (3, 1, 640, 360)
        assert figures.asked_of_party == 1
        assert pictures.video_figures(B).asked_by_party == 1


async def test_who_takes_no_wish_by_rtcp_is_asked_by_signalling(
    gateway: MediaGateway, pictures: Pictures, seen: Seen
) -> None:
    with Party(ssrc=1) as a, Party(ssrc=2) as b:
        here = opened(pictures, A, a, feedback=())
        there = opened(pictures, B, b)
        pictures.bridge_video(A, B)
        await settled(gateway, a, here)
        await settled(gateway, b, there)
        film(b, there, SLICE, at=1)
        await hear(a, is_rtp)
        b.socket.sendto(feedback(b, PLI, 1), there)
        assert await seen.next() == ("flows", B)
        assert await seen.next() == ("wanted", A)


async def test_a_viewer_is_shown_one_after_another_from_a_key_frame_on(pictures: Pictures, seen: Seen) -> None:
    with Party(ssrc=1) as a, Party(ssrc=2) as b, Party(ssrc=3) as viewer:
        here, there, ours = opened(pictures, A, a), opened(pictures, B, b), opened(pictures, C, viewer, 120)
        pictures.show(C, A)
        await hear(a, asks(FIR))
        film(a, here, SLICE, at=1)
        film(a, here, SPS, PPS, IDR, at=2)
        film(a, here, SLICE, at=3)
        assert await seen.next() == ("flows", A)
        assert await seen.next() == ("shown", C, A)
        first = [Rtp.parse(await hear(viewer, is_rtp)) for _ in range(4)]
        assert [packet.payload for packet in first] == [SPS, PPS, IDR, SLICE]
        pictures.show(C, B)
        await hear(b, asks(FIR))
        film(a, here, SLICE, at=4)
        film(b, there, SPS, PPS, IDR, at=500)
        assert await seen.next() == ("flows", B)
        assert await seen.next() == ("shown", C, B)
        film(a, here, SLICE, at=5)
        film(b, there, SLICE, at=501)
        packets = [*first, *[Rtp.parse(await hear(viewer, is_rtp)) for _ in range(5)]]
        assert [packet.payload for packet in packets[4:]] == [SLICE, SPS, PPS, IDR, SLICE]
        assert {(packet.payload_type, packet.ssrc) for packet in packets} == {(120, packets[0].ssrc)}
        numbers = [packet.sequence - packets[0].sequence & 0xFFFF for packet in packets]
        assert numbers == list(range(9))
        # A packet that the viewer missed comes again, and a wish of its goes to whom it sees.
        newest = packets[-1]
        missed = struct.pack("!HH", newest.sequence, 0)
        viewer.socket.sendto(feedback(viewer, NACK, newest.ssrc, missed), ours)
        assert Rtp.parse(await hear(viewer, is_rtp)) == newest
        await asyncio.sleep(0.5)  # requests are one in half a second
        viewer.socket.sendto(feedback(viewer, PLI, newest.ssrc), ours)
        await hear(b, asks(PLI))
        assert pictures.video_figures(C).resent == 1


async def test_a_line_that_has_ended_is_neither_sent_to_nor_heard(gateway: MediaGateway, pictures: Pictures) -> None:
    with Party(ssrc=1) as a, Party(ssrc=2) as b:
        here, there = opened(pictures, A, a), opened(pictures, B, b)
        pictures.bridge_video(A, B)
        await settled(gateway, a, here)
        await settled(gateway, b, there)
        film(a, here, SLICE, at=1)
        await hear(b, is_rtp)
        pictures.connect_video(B, line(there, 97), line((b.address[0], 0)))
        await settled(gateway, b, there)
        film(a, here, b"\x41\x9aunseen", at=2)
        await settled(gateway, a, here)
        pictures.connect_video(B, line(there, 97), line(b.address))
        await settled(gateway, b, there)
        film(a, here, b"\x41\x9aagain", at=3)
        assert Rtp.parse(await hear(b, is_rtp)).payload == b"\x41\x9aagain"


async def test_what_a_party_takes_is_known(pictures: Pictures) -> None:
    with Party() as phone:
        local = pictures.open_video(A)
        assert pictures.taken(A) is None
        ours = (Codec(97, "H264", 90_000, 1, MODE_1), Codec(98, "VP8", 90_000))
        theirs = (Codec(120, "H265", 90_000), Codec(121, "H264", 90_000), Codec(122, "VP8", 90_000))
        said = VideoLine(HostPort(*phone.address), theirs, bandwidth_kbps=512)
        pictures.connect_video(A, VideoLine(local, ours), said)
        assert (pictures.taken(A), pictures.takes_kbps(A)) == (theirs[2], 512)
        pictures.connect_video(A, VideoLine(local, ours), VideoLine(HostPort("127.0.0.1", 0), ()))
        assert pictures.taken(A) is None


async def test_ports_come_back(gateway: MediaGateway, pictures: Pictures) -> None:
    lines = [LegId(f"many.{n}/video") for n in range(8)]
    taken: list[LegId] = []
    with pytest.raises(Rejected):
        for each in lines * 2:
            pictures.open_video(LegId(f"{each}{len(taken)}"))
            taken.append(each)
    for number, each in enumerate(taken):
        pictures.close_video(LegId(f"{each}{number}"))
    assert pictures.open_video(A).port % 2 == 0
    gateway.open(LegId("call.9"))


async def test_what_is_shown_goes_on_when_the_switch_has_died(
    seen: Seen, tmp_path_factory: pytest.TempPathFactory
) -> None:
    process = engine_process(tmp_path_factory.mktemp("engine"))
    link = process.reach()
    ports = [HostPort("127.0.0.1", port) for port in link.ports()]
    with Party(ssrc=1) as camera, Party(ssrc=2) as viewer:
        for slot, party in enumerate((camera, viewer)):
            connect = agreement.connect_video(slot, line(ports[slot], 97), line(party.address))
            link.submit([MediaCommand.OpenVideo(leg=slot, epoch=1), connect])
        link.submit([MediaCommand.OpenVideo(leg=2, epoch=1), MediaCommand.Show(viewer=1, source=0)])
        await hear(camera, asks(FIR))
        film(camera, ports[0], SPS, PPS, IDR, at=1)
        first = [Rtp.parse(await hear(viewer, is_rtp)) for _ in range(3)]
        link.abandon()
        gateway = MediaGateway(process.reach(), "127.0.0.1", process=process)
        gateway.listen(Told())
        gateway.pictures.listen(seen)
        await gateway.start()
        assert gateway.resume_video(A, ports[0])
        assert gateway.resume_video(C, ports[1])
        assert not gateway.resume_video(B, ports[1]), "somebody has it"
        gateway.resumed()
        # What it orders is so already, and what nobody took is closed.
        gateway.pictures.show(C, A)
        await settled(gateway, camera, ports[0])
        assert gateway.stats["legs_open"] == 2
        film(camera, ports[0], SLICE, at=2)
        packet = Rtp.parse(await hear(viewer, is_rtp))
        assert (packet.payload, packet.ssrc) == (SLICE, first[0].ssrc)
        assert packet.sequence == (first[2].sequence + 1) & 0xFFFF
        assert gateway.pictures.video_figures(A).received == 4
        await gateway.stop()


class Composer:
    """The other end, as the composer's protocol says."""

    HELLO = b"SOFTSWVC" + struct.pack("<H", 1)

    def __init__(self) -> None:
        self.connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def serve(self, path: Path) -> asyncio.Server:
        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connected.put_nowait((reader, writer))

        return await asyncio.start_unix_server(met, path)

    async def meet(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await self.connected.get()
            assert await reader.readexactly(12) == self.HELLO + b"\0\0"
        writer.write(self.HELLO + b"\0\0")
        return reader, writer


async def record(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(struct.unpack("<I", await reader.readexactly(4))[0])


async def test_the_composer_gets_whole_pictures_and_what_it_makes_is_shown(
    pictures: Pictures, seen: Seen, tmp_path: Path
) -> None:
    composer = Composer()
    server = await composer.serve(tmp_path / "composer")
    with Party(ssrc=1) as a, Party(ssrc=2) as viewer:
        here, ours = opened(pictures, A, a), opened(pictures, C, viewer, 120)
        pictures.feed(A, 77)
        pictures.composer(tmp_path / "composer")
        reader, writer = await composer.meet()
        assert await seen.next() == ("ready",)
        await hear(a, asks(FIR))
        film(a, here, SLICE, at=1)
        film(a, here, SPS, PPS, IDR, at=2)
        film(a, here, SLICE, at=3)
        key, delta = await record(reader), await record(reader)
        assert struct.unpack_from("<BQBBHQ", key) == (1, 77, 0, 3, 0, 6000)
        assert key[29:] == START + SPS + START + PPS + START + IDR
        assert struct.unpack_from("<BQBBHQ", delta) == (1, 77, 0, 0, 0, 9000)
        pictures.open_source(MADE, 5, Codec(96, "H264", 90_000, 1, MODE_1))
        pictures.show(C, MADE)
        # Its viewers need a key frame.
        assert await record(reader) == struct.pack("<BQ", 3, 5)
        made = START + SPS + START + PPS + START + b"\x65\x88" + bytes([7]) * 3000
        body = struct.pack("<BQBBHQ", 16, 5, 0, 1, 0, 90_000) + made
        writer.write(struct.pack("<I", len(body)) + body)
        assert await seen.next() == ("flows", A)
        assert await seen.next() == ("shown", C, MADE)
        shown = [Rtp.parse(await hear(viewer, is_rtp)) for _ in range(5)]
        assert [packet.payload for packet in shown[:2]] == [SPS, PPS]
        assert b"".join(packet.payload[2:] for packet in shown[2:]) == b"\x88" + bytes([7]) * 3000
        assert [packet.marker for packet in shown] == [False, False, False, False, True]
        # What it needs of a member is asked for.
        await asyncio.sleep(0.5)
        writer.write(struct.pack("<IBQ", 9, 17, 77))
        await hear(a, asks(PLI))
        # It dies, and another takes its place.
        writer.close()
        assert (await seen.next())[0] == "lost"
        pictures.composer(tmp_path / "composer")
        reader, writer = await composer.meet()
        assert await seen.next() == ("ready",)
        film(a, here, SLICE, at=4)
        film(a, here, SPS, PPS, IDR, at=5)
        assert struct.unpack_from("<BQBB", await record(reader)) == (1, 77, 0, 3)
        pictures.feed(A, None)
        assert await record(reader) == struct.pack("<BQ", 2, 77)
        pictures.close_video(MADE)
        writer.close()
        assert ours.port != here.port
    server.close()


async def test_a_composer_that_is_not_there_is_told(pictures: Pictures, seen: Seen, tmp_path: Path) -> None:
    pictures.composer(tmp_path / "nobody")
    assert (await seen.next())[0] == "lost"


async def test_what_the_composer_sends_of_a_camera_is_heard_in_a_mix(
    gateway: MediaGateway, seen: Seen, tmp_path: Path
) -> None:
    composer, pictures = Composer(), gateway.pictures
    server = await composer.serve(tmp_path / "composer")
    room, camera = MixId("room"), LegId("room/camera 1")
    with Party() as phone:
        opened_for_sound(gateway, A, phone)
        gateway.open_mix(room)
        gateway.join(room, A)
        pictures.open_voice(camera, 77)
        gateway.join(room, camera)
        pictures.composer(tmp_path / "composer")
        _, writer = await composer.meet()
        assert await seen.next() == ("ready",)
        hertz = 437.5  # whole waves in 64 ms

        async def say() -> None:
            wave = sine(hertz, 0.064, 16_000)
            while True:
                writer.write(struct.pack("<IBQ", 9 + len(wave), 18, 77) + wave)
                await asyncio.sleep(0.064)

        async def heard() -> list[int]:
            packets = [await phone.hear() for _ in range(25)]
            return decode_a_law(b"".join(packet.payload for packet in packets))

        saying = asyncio.create_task(say())
        async with asyncio.timeout(PATIENCE):
            while amplitude_at(await heard(), hertz) < 7500:
                pass
            gateway.set_level(room, camera, muted=True)
            while max(map(abs, await heard())) > 100:
                pass
        saying.cancel()
        pictures.close_voice(camera)
        pictures.close_voice(camera)
        pictures.open_voice(camera, 78)
        writer.close()
    server.close()
