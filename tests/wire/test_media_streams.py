"""Media streams on the real engine: a real WebSocket server hears a real party, and is heard by it."""

import asyncio
import json
import math
import socket
from array import array
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from gateways._native import MediaEngine
from gateways.media.gateway import MediaGateway
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.sound import Tone
from tests.wire.media_process import media_gateway
from tests.wire.rtp_party import PATIENCE, Party, amplitude_at, decode_a_law, heard_now, talk
from tests.wire.test_media_gateway import A, B, Told, opened, until

PEAK = 8000
CALLER, CALLED, AGENT = 700.0, 1100.0, 1700.0


@pytest.fixture(params=[1, 2, "process"], ids=["one thread", "two threads", "own process"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MediaGateway]:
    gateway = media_gateway(tmp_path, request.param)
    gateway.listen(Told())
    await gateway.start()
    yield gateway
    assert gateway.stats["panics"] == 0
    await gateway.stop()


class Peer:
    """The server's end of a stream: what it was sent, and its socket."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.texts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sound = bytearray()
        self.frames: list[int] = []
        """Bytes of each binary message."""
        self.kinds: list[str] = []
        """What came, in order."""

    async def read(self) -> None:
        async for message in self.socket:
            if isinstance(message, bytes):
                self.sound += message
                self.frames.append(len(message))
                self.kinds.append("sound")
            else:
                text = json.loads(message)
                self.kinds.append(text["type"])
                self.texts.put_nowait(text)

    async def text(self, kind: str) -> dict[str, Any]:
        """The next text of a kind; those of another before it are passed over."""
        async with asyncio.timeout(PATIENCE):
            while (text := await self.texts.get())["type"] != kind:
                pass
        return text

    async def send(self, **text: object) -> None:
        await self.socket.send(json.dumps(text))

    def samples(self, channel: int = 0, channels: int = 1) -> list[int]:
        return list(array("h", bytes(self.sound)))[channel::channels]


class Server:
    """A WebSocket server that takes one stream."""

    def __init__(self, url: str, peers: "asyncio.Queue[Peer]") -> None:
        self.url = url
        self._peers = peers

    async def peer(self) -> Peer:
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()


@asynccontextmanager
async def serving(*, reads: bool = True) -> AsyncIterator[Server]:
    peers: asyncio.Queue[Peer] = asyncio.Queue()
    done = asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        peer = Peer(connection)
        peers.put_nowait(peer)
        if reads:
            await peer.read()
        else:
            await done.wait()

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with serve(handle, sock=listener, max_queue=1, compression=None, close_timeout=1):
        try:
            yield Server(f"ws://127.0.0.1:{port}/agent?of=1", peers)
        finally:
            done.set()


class Ordered:
    """A stream, and what was told of it."""

    def __init__(
        self,
        gateway: MediaGateway,
        url: str,
        *,
        leg: LegId = A,
        rate: int = 8000,
        direction: str = "said",
        play: str = "none",
    ) -> None:
        self.opened = asyncio.Event()
        self.end: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.number = gateway.streams.stream(
            leg,
            url,
            rate=rate,
            direction=direction,
            play=play,
            about=[("call", "c-1"), ("leg", leg)],
            opened=self.opened.set,
            ended=lambda lost_ms, reason: self.end.set_result((lost_ms, reason)),
        )

    async def ended(self) -> tuple[int, str]:
        async with asyncio.timeout(PATIENCE):
            return await self.end


def loud(samples: list[int], frequency: float, rate: int = 8000) -> float:
    """How loud a tone is in the middle of some samples, between 0 and 1 of what the party says."""
    middle = samples[len(samples) // 3 : -len(samples) // 4]
    return amplitude_at(middle, frequency, rate) / PEAK


def tone(frequency: float, ms: int, rate: int = 8000) -> bytes:
    samples = (round(PEAK * math.sin(2 * math.pi * frequency * n / rate)) for n in range(rate * ms // 1000))
    return array("h", samples).tobytes()


def heard_samples(party: Party) -> list[int]:
    return [sample for packet in heard_now(party) for sample in decode_a_law(packet.payload)]


@pytest.mark.parametrize("rate", [8000, 16_000])
async def test_a_server_hears_the_party_at_its_rate_in_frames_of_20_ms(gateway: MediaGateway, rate: int) -> None:
    async with serving() as server:
        with Party() as caller:
            to = opened(gateway, A, caller)
            stream = Ordered(gateway, server.url, rate=rate)
            peer = await server.peer()
            start = await peer.text("start")
            assert start == {
                "type": "start",
                "stream": str(stream.number),
                "call": "c-1",
                "leg": A,
                "rate": rate,
                "channels": 1,
                "direction": "said",
                "play": "none",
                "encoding": "pcm_s16le",
                "frame_ms": 20,
            }
            await asyncio.wait_for(stream.opened.wait(), 5)  # an engine of its own tells the server first
            assert len(gateway.streams) == 1
            await talk(caller, to, CALLER, 1.5)
            assert (await peer.text("speech"))["state"] == "started"
            assert (await peer.text("speech"))["state"] == "stopped"
            gateway.streams.stop_stream(stream.number)
            assert (await peer.text("stop"))["reason"] == "it was stopped"
            assert (await stream.ended())[1] == "it was stopped"
            assert len(gateway.streams) == 0
            assert set(peer.frames) == {rate // 50 * 2}
            assert peer.socket.request is not None and peer.socket.request.path == "/agent?of=1"
            spoken = peer.samples()
            first = next(n for n, sample in enumerate(spoken) if abs(sample) > PEAK / 2)
            spoken = spoken[first : first + rate]
            assert 0.8 < loud(spoken, CALLER, rate) < 1.2
            assert loud(spoken, CALLED, rate) < 0.05


@pytest.mark.parametrize(
    ("direction", "levels"),
    [
        ("said", [{CALLER: True, CALLED: False}]),
        ("heard", [{CALLER: False, CALLED: True}]),
        ("mixed", [{CALLER: True, CALLED: True}]),
        ("stereo", [{CALLER: True, CALLED: False}, {CALLER: False, CALLED: True}]),
    ],
)
async def test_both_parties_of_a_call_are_heard_as_the_direction_says_and_their_packets_pass(
    gateway: MediaGateway, direction: str, levels: list[Mapping[float, bool]]
) -> None:
    async with serving() as server:
        with Party() as caller, Party() as called:
            first, second = opened(gateway, A, caller), opened(gateway, B, called)
            # Orders are carried out one after the other: when the stream begins, the bridge is there.
            gateway.bridge(A, B)
            stream = Ordered(gateway, server.url, direction=direction)
            peer = await server.peer()
            await peer.text("start")
            await asyncio.gather(talk(caller, first, CALLER, 1.0), talk(called, second, CALLED, 1.0))
            gateway.streams.stop_stream(stream.number)
            await stream.ended()
            for channel, level in enumerate(levels):
                samples = peer.samples(channel, len(levels))
                start = next(n for n, sample in enumerate(samples) if abs(sample) > PEAK / 3)
                for frequency, present in level.items():
                    found = loud(samples[start : start + 6400], frequency)
                    assert found > 0.7 if present else found < 0.05, (channel, frequency, found)
            # What the parties hear of each other is what was sent, untouched.
            relayed = heard_now(called)
            assert {packet.ssrc for packet in relayed} == {caller.ssrc}
            assert len(relayed) == 50


async def test_what_is_heard_follows_the_leg_into_a_mix(gateway: MediaGateway) -> None:
    mix = MixId("m")
    async with serving() as server:
        with Party() as caller, Party() as called:
            first, second = opened(gateway, A, caller), opened(gateway, B, called)
            stream = Ordered(gateway, server.url, direction="stereo", rate=16_000)
            peer = await server.peer()
            await peer.text("start")
            gateway.open_mix(mix)
            gateway.join(mix, A)
            gateway.join(mix, B)
            await asyncio.gather(talk(caller, first, CALLER, 1.0), talk(called, second, CALLED, 1.0))
            gateway.close_mix(mix)
            gateway.streams.stop_stream(stream.number)
            await stream.ended()
            said, heard = peer.samples(0, 2), peer.samples(1, 2)
            assert loud(said[8000:], CALLER, 16_000) > 0.5 and loud(said, CALLED, 16_000) < 0.05
            assert loud(heard[8000:], CALLED, 16_000) > 0.5 and loud(heard, CALLER, 16_000) < 0.05


@pytest.mark.parametrize(
    ("play", "rate", "other"), [("over", 8000, True), ("instead", 8000, False), ("over", 16_000, True)]
)
async def test_what_a_server_says_is_heard_by_the_party_over_or_instead_of_its_partner(
    gateway: MediaGateway, play: str, rate: int, other: bool
) -> None:
    async with serving() as server:
        with Party() as caller, Party() as called:
            opened(gateway, A, caller)
            second = opened(gateway, B, called)
            gateway.bridge(A, B)
            stream = Ordered(gateway, server.url, play=play, rate=rate)
            peer = await server.peer()
            await peer.text("start")
            await peer.socket.send(tone(AGENT, 1000, rate))
            await peer.send(type="mark", name="said")
            await talk(called, second, CALLED, 0.9)
            await peer.text("played")
            heard = heard_samples(caller)
            assert loud(heard, AGENT) > 0.7
            found = loud(heard, CALLED)
            assert found > 0.7 if other else found < 0.05
            # When the stream is over, packets pass as they are again.
            gateway.streams.stop_stream(stream.number)
            await stream.ended()
            await asyncio.sleep(0.1)
            heard_now(caller)
            await talk(called, second, CALLED, 0.2)
            await asyncio.sleep(0.05)
            assert {packet.ssrc for packet in heard_now(caller)} == {called.ssrc}


async def test_marks_are_told_in_order_once_the_sound_before_them_was_heard(gateway: MediaGateway) -> None:
    async with serving() as server:
        with Party() as caller:
            opened(gateway, A, caller)
            Ordered(gateway, server.url, play="over")
            peer = await server.peer()
            await peer.text("start")
            begun = len(peer.frames)
            await peer.send(type="mark", name="none before")
            assert (await peer.text("played"))["name"] == "none before"
            for name, ms in (("first", 400), ("second", 200)):
                await peer.socket.send(tone(AGENT, ms))
                await peer.send(type="mark", name=name)
            before = len(peer.frames)
            assert before - begun < 25
            for name, least in (("first", 20), ("second", 30)):
                assert (await peer.text("played"))["name"] == name
                # By the stream's own count of frames; some may be lost to a busy machine, none is early.
                after = len(peer.frames) - before
                assert least - 1 <= after < least + 15, (name, after)
            assert 29 <= len(heard_now(caller)) <= 32


async def test_what_is_dropped_is_never_heard_nor_its_marks_told(gateway: MediaGateway) -> None:
    async with serving() as server:
        with Party() as caller:
            opened(gateway, A, caller)
            Ordered(gateway, server.url, play="instead")
            peer = await server.peer()
            await peer.text("start")
            await peer.socket.send(tone(AGENT, 5000))
            await peer.send(type="mark", name="dropped")
            async with asyncio.timeout(PATIENCE):
                await caller.hear()
            await peer.send(type="clear")
            cleared = await peer.text("cleared")
            assert cleared["marks"] == ["dropped"] and 3000 < cleared["ms"] <= 4980
            await peer.send(type="mark", name="after")
            assert (await peer.text("played"))["name"] == "after"
            heard_now(caller)
            await asyncio.sleep(0.2)
            assert caller.heard_nothing()


async def test_keys_are_told_and_mistakes_answered_with_the_reason(gateway: MediaGateway) -> None:
    async with serving() as server:
        with Party() as caller:
            to = opened(gateway, A, caller)
            stream = Ordered(gateway, server.url)
            peer = await server.peer()
            await peer.text("start")
            caller.press(to, "7", timestamp=800)
            assert await peer.text("digit") == {"type": "digit", "digit": "7", "duration_ms": 80}
            await peer.socket.send("{")
            assert "no JSON" in (await peer.text("error"))["reason"]
            await peer.send(type="dance")
            assert "`type`" in (await peer.text("error"))["reason"]
            await peer.socket.send(tone(AGENT, 20))
            assert (await peer.text("error"))["reason"] == "this stream plays nothing"
            await peer.socket.send(b"odd")
            assert "half a sample" in (await stream.ended())[1]


async def test_the_server_the_leg_and_the_engine_end_a_stream(gateway: MediaGateway) -> None:
    async with serving() as server:
        with Party() as caller:
            opened(gateway, A, caller)
            for number in range(3):
                stream = Ordered(gateway, server.url)
                peer = await server.peer()
                await peer.text("start")
                if number == 0:
                    await peer.send(type="stop")
                    assert await stream.ended() == (0, "the far end asked for it")
                    assert (await peer.text("stop"))["reason"] == "the far end asked for it"
                elif number == 1:
                    await peer.socket.close()
                    assert "closed the connection" in (await stream.ended())[1]
                else:
                    gateway.close(A)
                    assert (await peer.text("stop"))["reason"] == "the leg has ended"
                    assert (await stream.ended())[1] == "the leg has ended"


async def test_a_slow_server_loses_sound_is_told_how_much_and_holds_nobody_up(gateway: MediaGateway) -> None:
    async with serving(reads=False) as server:
        with Party() as caller, Party() as called:
            first = opened(gateway, A, caller)
            opened(gateway, B, called)
            gateway.bridge(A, B)
            stream = Ordered(gateway, server.url, direction="stereo", rate=16_000)
            peer = await server.peer()
            await talk(caller, first, CALLER, 6.0)
            await until(lambda: gateway.figures(B).sent == 300)
            reading = asyncio.create_task(peer.read())
            lost = await peer.text("lost")
            assert lost["ms"] >= 200 and lost["ms"] % 20 == 0
            gateway.streams.stop_stream(stream.number)
            assert await stream.ended() == (lost["ms"], "it was stopped")
            assert gateway.streams.lost_ms == lost["ms"]
            assert peer.kinds[0] == "start"
            await reading


@pytest.mark.parametrize("end", ["refused", "no websocket", "no answer", "tls"])
async def test_a_server_that_is_none_ends_the_stream_with_the_reason(gateway: MediaGateway, end: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if end == "no websocket":
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            await asyncio.sleep(PATIENCE)
        writer.close()

    reasons: dict[str, Callable[[str], bool]] = {
        "refused": lambda reason: "is not reached" in reason,
        "no websocket": lambda reason: "no WebSocket is there" in reason and "404" in reason,
        "no answer": lambda reason: "nothing was answered" in reason,
        "tls": lambda reason: reason == "only ws:// is spoken",
    }
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if end == "refused":
        server.close()
        await server.wait_closed()
    with Party() as caller:
        opened(gateway, A, caller)
        stream = Ordered(gateway, f"{'wss' if end == 'tls' else 'ws'}://127.0.0.1:{port}")
        lost_ms, reason = await stream.ended()
        assert lost_ms == 0 and reasons[end](reason), reason
        assert not stream.opened.is_set()
    server.close()


async def test_what_cannot_be_streamed_is_refused(gateway: MediaGateway) -> None:
    async with serving() as server:
        with pytest.raises(Conflict):
            Ordered(gateway, server.url)
        with Party() as caller:
            opened(gateway, A, caller)
            assert (await Ordered(gateway, server.url, rate=44_100).ended())[1].startswith("a stream has 8000")
            Ordered(gateway, server.url, play="over")
            await server.peer()
            second = Ordered(gateway, server.url, play="instead")
            assert (await second.ended())[1] == "another stream plays to the leg already"


@pytest.mark.parametrize("play", ["over", "instead"])
async def test_what_the_switch_plays_beneath_or_over_a_stream_comes_to_its_end(
    gateway: MediaGateway, play: str
) -> None:
    async with serving() as server:
        with Party() as caller:
            opened(gateway, A, caller)
            Ordered(gateway, server.url, play=play)
            peer = await server.peer()
            await peer.text("start")
            await peer.socket.send(tone(AGENT, 1000))
            beneath, over = asyncio.Event(), asyncio.Event()
            gateway.play_list(A, [Tone(((CALLER, -10.0),), 600)], ended=beneath.set)
            gateway.play_list(A, [Tone(((CALLED, -10.0),), 300)], over=True, ended=over.set)
            async with asyncio.timeout(PATIENCE):
                await over.wait()
                first = heard_samples(caller)
                await beneath.wait()
                second = heard_samples(caller)
            assert loud(first, CALLED) > 0.5 and loud(first, AGENT) > 0.5
            assert loud(second, CALLED) < 0.05 and loud(second, AGENT) > 0.5
            found = loud(second, CALLER)
            assert found > 0.5 if play == "over" else found < 0.05


async def test_an_empty_list_ends_what_is_played_over_and_nothing_else(gateway: MediaGateway) -> None:
    with Party() as caller:
        opened(gateway, A, caller)
        beneath = asyncio.Event()
        gateway.play_list(A, [Tone(((CALLER, -10.0),), 800)], ended=beneath.set)
        gateway.play_list(A, [Tone(((CALLED, -10.0),))], over=True)
        await asyncio.sleep(0.3)
        gateway.play_list(A, [], over=True)
        await asyncio.sleep(0.06)
        assert loud(heard_samples(caller), CALLED) > 0.3
        async with asyncio.timeout(PATIENCE):
            await beneath.wait()
        after = heard_samples(caller)
        assert loud(after, CALLED) < 0.05 and loud(after, CALLER) > 0.3


async def test_a_server_that_is_dead_ends_the_stream_after_ten_seconds() -> None:
    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(
            line.partition(": ")[2] for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key")
        )
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        # It takes everything, and answers no ping.
        while await reader.read(4096):
            pass
        writer.close()

    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=1)
    gateway = MediaGateway(engine, "127.0.0.1")
    gateway.listen(Told())
    await gateway.start()
    server = await asyncio.start_server(shake_hands, "127.0.0.1", 0)
    try:
        with Party() as caller:
            opened(gateway, A, caller)
            stream = Ordered(gateway, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            async with asyncio.timeout(PATIENCE):
                await stream.opened.wait()
            await asyncio.sleep(9)
            assert not stream.end.done()
            assert (await stream.ended())[1] == "the far end gives no sign of life"
    finally:
        server.close()
        await gateway.stop()
