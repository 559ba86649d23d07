"""The media gateway on the real engine: what parties hear over real sockets."""

import asyncio
import struct
import wave
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateways._native import MediaEngine
from gateways.media.gateway import MediaGateway
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, Direction, MediaDescription
from softswitch.kernel.sound import SoundFile
from tests.wire.media_process import engine_process
from tests.wire.rtp_party import PATIENCE, Party, Rtp, amplitude_at, decode_a_law, encode_a_law, sine

A, B = LegId("call.1"), LegId("call.2")
PCMA, PCMU, EVENT = Codec(8, "PCMA"), Codec(0, "PCMU"), Codec(101, "TELEPHONE-EVENT")


class Told:
    """What the gateway told, in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, LegId, str]] = asyncio.Queue()

    def played(self, leg: LegId) -> None:
        self.queue.put_nowait(("played", leg, ""))

    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None:
        self.queue.put_nowait(("digit", leg, f"{digit} {duration_ms}"))

    def detected(self, leg: LegId, what: str) -> None:
        self.queue.put_nowait(("detected", leg, what))

    def sound_lost(self, leg: LegId) -> None:
        self.queue.put_nowait(("lost", leg, ""))

    async def next(self) -> tuple[str, LegId, str]:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


@pytest.fixture(params=["epoll", "io_uring"])
def io(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    try:
        MediaEngine(host="127.0.0.1", first_port=0, legs=1, io=kind).close()  # type: ignore[arg-type]
    except OSError as error:
        pytest.skip(f"the kernel does not allow {kind}: {error}")
    return kind


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    (tmp_path / "main").mkdir()
    with wave.open(str(tmp_path / "main" / "welcome.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(sine(700, 0.3, 16_000))
    return tmp_path


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(params=[1, 2, "process"], ids=["one thread", "two threads", "own process"])
async def gateway(
    request: pytest.FixtureRequest, io: str, prompts: Path, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MediaGateway]:
    if request.param == "process":
        process = engine_process(tmp_path_factory.mktemp("engine"), "--io", io)
        gateway = MediaGateway(process.reach(), "127.0.0.1", prompts, keeps_in=prompts, process=process)
    else:
        engine = MediaEngine(host="127.0.0.1", first_port=0, legs=8, threads=request.param, io=io)  # type: ignore[arg-type]
        gateway = MediaGateway(engine, "127.0.0.1", prompts, keeps_in=prompts)
    gateway.listen(told)
    await gateway.start()
    yield gateway
    panics = gateway.stats["panics"]
    await gateway.stop()
    assert panics == 0


def said(
    address: tuple[str, int],
    direction: Direction = Direction.SENDRECV,
    *,
    rtcp: HostPort | None = None,
    rtcp_mux: bool = False,
    codecs: tuple[Codec, ...] = (PCMA, EVENT),
) -> MediaDescription:
    return MediaDescription(HostPort(*address), codecs, direction, 20, rtcp, rtcp_mux)


def connect(gateway: MediaGateway, leg: LegId, local: HostPort, remote: MediaDescription) -> None:
    """Agree with a party: we say what it said, at our address."""
    ours = MediaDescription(local, remote.codecs, remote.direction.reversed, 20, None, remote.rtcp_mux)
    gateway.connect(leg, ours, remote)


def opened(gateway: MediaGateway, leg: LegId, party: Party) -> HostPort:
    local = gateway.open(leg)
    connect(gateway, leg, local, said(party.address))
    return local


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that tells nobody: figures."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 (a counter in another thread has no event)
            await asyncio.sleep(0.002)


async def settled(gateway: MediaGateway, party: Party, local: HostPort) -> None:
    """Wait until the engine has carried out all orders and taken all packets before this call.

    A datagram that is no RTP is sent behind what was sent before, and counted when it is taken.
    """
    await asyncio.sleep(0)
    before = gateway.stats["packets_discarded"]
    party.socket.sendto(b"?", local)
    await until(lambda: gateway.stats["packets_discarded"] > before)


async def test_an_echo_is_heard_back_to_the_bit(gateway: MediaGateway) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.echo(A)
        await settled(gateway, phone, local)
        for n in range(20):
            sent = phone.send(local, bytes([n]) * 160)
            assert await phone.hear() == sent
        figures = gateway.figures(A)
        assert (figures.received, figures.sent, figures.lost) == (20, 20, 0)
        assert figures.last_address == "{}:{}".format(*phone.address)
        assert figures.first_packet_ms is not None


async def test_a_tone_of_1004_hz_is_heard_at_1004_hz_in_steady_packets(gateway: MediaGateway) -> None:
    with Party() as phone:
        opened(gateway, A, phone)
        gateway.tone(A, 1004.0)
        packets = [await phone.hear() for _ in range(25)]
        samples = decode_a_law(b"".join(packet.payload for packet in packets))
        peak = 32768 * 10 ** ((-13.0 - 3.14) / 20)
        assert amplitude_at(samples, 1004.0) == pytest.approx(peak, rel=0.05)
        assert amplitude_at(samples, 900.0) < 0.05 * peak
        assert [packet.marker for packet in packets] == [True] + [False] * 24
        assert {packet.payload_type for packet in packets} == {8}
        assert len({packet.ssrc for packet in packets}) == 1
        assert [(p.sequence - packets[0].sequence) % 65536 for p in packets] == list(range(25))
        assert [(p.timestamp - packets[0].timestamp) % 2**32 for p in packets] == [160 * n for n in range(25)]


async def test_bridged_parties_hear_each_other_untouched(gateway: MediaGateway) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = opened(gateway, A, caller), opened(gateway, B, callee)
        gateway.bridge(A, B)
        await settled(gateway, caller, a)
        await settled(gateway, callee, b)
        for n in range(10):
            sent = caller.send(a, bytes([n]) * 160)
            assert await callee.hear() == sent
            sent = callee.send(b, bytes([n + 100]) * 160)
            assert await caller.hear() == sent
        assert gateway.figures(A).sent == gateway.figures(B).received == 10


async def test_each_party_is_spoken_to_under_its_own_payload_types(gateway: MediaGateway) -> None:
    opus, keys = Codec(111, "OPUS", 48_000, 2), Codec(101, "TELEPHONE-EVENT")
    other_opus, other_keys = Codec(96, "OPUS", 48_000, 2), Codec(97, "TELEPHONE-EVENT")
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, said(caller.address, codecs=(opus, keys)))
        connect(gateway, B, b, said(callee.address, codecs=(other_opus, other_keys)))
        gateway.bridge(A, B)
        await settled(gateway, caller, a)
        await settled(gateway, callee, b)
        for here, there in [(111, 96), (101, 97)]:
            sent = caller.send(a, b"opaque", payload_type=here)
            assert await callee.hear() == sent._replace(payload_type=there)
            sent = callee.send(b, b"opaque", payload_type=there)
            assert await caller.hear() == sent._replace(payload_type=here)


async def test_a_payload_type_that_was_never_agreed_is_counted_and_not_heard(gateway: MediaGateway) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = opened(gateway, A, caller), opened(gateway, B, callee)
        gateway.bridge(A, B)
        await settled(gateway, callee, b)
        caller.send(a, payload_type=9)
        sent = caller.send(a)
        assert await callee.hear() == sent
        figures = gateway.figures(A)
        assert (figures.received, figures.discarded, figures.payload_types) == (2, 1, (8, 9))
        assert gateway.figures(B).sent == 1


async def test_rtcp_passes_beside_the_sound_and_muxed_with_it(gateway: MediaGateway) -> None:
    report = struct.pack("!BBHI", 0x80, 201, 1, 77)
    with Party() as caller, Party() as caller_rtcp, Party() as callee:
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, said(caller.address, rtcp=HostPort(*caller_rtcp.address)))
        connect(gateway, B, b, said(callee.address, rtcp_mux=True))
        gateway.bridge(A, B)
        await settled(gateway, caller, a)
        await settled(gateway, callee, b)
        caller_rtcp.socket.sendto(report, (a.host, a.port + 1))
        assert await callee.hear_bytes() == report
        callee.send(b)
        await caller.hear()
        callee.socket.sendto(report, b)
        assert await caller_rtcp.hear_bytes() == report


async def test_a_leg_cannot_be_stolen_once_its_party_was_heard(gateway: MediaGateway) -> None:
    with Party() as phone, Party() as thief:
        local = opened(gateway, A, phone)
        gateway.echo(A)
        await settled(gateway, phone, local)
        phone.send(local)
        await phone.hear()
        before = gateway.figures(A).discarded
        for _ in range(50):
            thief.send(local)
        await until(lambda: gateway.figures(A).discarded == before + 50)
        assert thief.heard_nothing()
        sent = phone.send(local)
        assert await phone.hear() == sent


async def test_a_phone_behind_nat_is_answered_where_it_sends_from(gateway: MediaGateway) -> None:
    with Party() as phone, Party() as named:
        local = gateway.open(A)
        connect(gateway, A, local, said(named.address))
        gateway.echo(A)
        await settled(gateway, phone, local)
        sent = phone.send(local)
        assert await phone.hear() == sent
        assert named.heard_nothing()


async def test_nothing_is_sent_before_connect_and_what_comes_is_counted(gateway: MediaGateway) -> None:
    with Party() as phone:
        local = gateway.open(A)
        gateway.tone(A, 1004.0)
        await settled(gateway, phone, local)
        before = gateway.figures(A).discarded
        phone.send(local)
        await until(lambda: gateway.figures(A).discarded == before + 1)
        assert gateway.figures(A).sent == 0
        assert phone.heard_nothing()
        connect(gateway, A, local, said(phone.address))
        assert (await phone.hear()).marker


@pytest.mark.parametrize("direction", [Direction.SENDONLY, Direction.INACTIVE])
async def test_a_party_that_holds_hears_nothing(gateway: MediaGateway, direction: Direction) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = opened(gateway, A, caller), gateway.open(B)
        connect(gateway, B, b, said(callee.address, direction))
        gateway.bridge(A, B)
        await settled(gateway, callee, b)
        caller.send(a)
        await settled(gateway, caller, a)
        await until(lambda: gateway.figures(A).received == 1)
        assert callee.heard_nothing()
        assert gateway.figures(B).sent == 0
        connect(gateway, B, b, said(callee.address))
        await settled(gateway, callee, b)
        sent = caller.send(a)
        assert await callee.hear() == sent, "resumed"


async def test_a_party_that_is_not_to_be_heard_is_not(gateway: MediaGateway) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = gateway.open(A), opened(gateway, B, callee)
        connect(gateway, A, a, said(caller.address, Direction.RECVONLY))
        gateway.bridge(A, B)
        await settled(gateway, caller, a)
        await settled(gateway, callee, b)
        caller.send(a)
        await until(lambda: gateway.figures(A).received == 1)
        sent = callee.send(b)
        assert await caller.hear() == sent, "the other way is open"
        assert callee.heard_nothing()


async def test_a_key_is_told_once_and_still_passed_on(gateway: MediaGateway, told: Told) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = opened(gateway, A, caller), opened(gateway, B, callee)
        gateway.bridge(A, B)
        await settled(gateway, callee, b)
        caller.press(a, "5", timestamp=8000)
        caller.press(a, "5", timestamp=16_000, ends=1)
        caller.press(a, "#", timestamp=24_000)
        assert [await told.next() for _ in range(3)] == [
            ("digit", A, "5 80"),
            ("digit", A, "5 80"),
            ("digit", A, "# 80"),
        ]
        events = [await callee.hear() for _ in range(16)]
        assert all(packet.payload_type == 101 for packet in events)
        assert told.queue.empty()


async def test_a_key_pressed_while_a_prompt_plays_is_told_even_when_its_end_is_lost(
    gateway: MediaGateway, told: Told
) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.tone(A, 440.0)
        await phone.hear()
        phone.press(local, "1", timestamp=8000, ends=0)
        assert await told.next() == ("digit", A, "1 60")


async def test_keys_and_beeps_in_the_sound_are_told_where_they_are_listened_for(
    gateway: MediaGateway, told: Told
) -> None:
    def tones(*hz: float, seconds: float) -> list[int]:
        waves = [array("h", sine(one, seconds, 8000, 4000)) for one in hz]
        return [sum(together) for together in zip(*waves, strict=True)] + [0] * 2400

    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.listen_for(A, keys=True, beep=True)
        sound = encode_a_law(tones(697, 1209, seconds=0.1) + tones(1000, seconds=0.4) + tones(941, 1477, seconds=0.08))
        begun = asyncio.get_running_loop().time()
        for number in range(len(sound) // 160):
            payload = sound[number * 160 : number * 160 + 160]
            phone.socket.sendto(Rtp(8, number, number * 160, phone.ssrc, payload).print(), local)
            # By the clock: sleeps that each take a little longer would make gaps, and what fills them sounds on.
            await asyncio.sleep(begun + 0.02 * (number + 1) - asyncio.get_running_loop().time())
        what = [await told.next() for _ in range(3)]
        assert [(kind, leg, text.split()[0]) for kind, leg, text in what] == [
            ("digit", A, "1"),
            ("detected", A, "beep"),
            ("digit", A, "#"),
        ]
        assert told.queue.empty()


async def test_speech_and_the_pause_behind_it_are_told_where_they_are_listened_for(
    gateway: MediaGateway, told: Told
) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.listen_for(A, pause_ms=700)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await told.next() == ("detected", A, "pause")
        assert loop.time() - began == pytest.approx(0.7, abs=0.25)
        sound = encode_a_law([*array("h", sine(440, 0.4, 8000, 6000)), *[0] * 8000])
        begun = loop.time()
        for number in range(len(sound) // 160):
            payload = sound[number * 160 : number * 160 + 160]
            phone.socket.sendto(Rtp(8, number, number * 160, phone.ssrc, payload).print(), local)
            await asyncio.sleep(begun + 0.02 * (number + 1) - loop.time())
        assert await told.next() == ("detected", A, "speech")
        assert await told.next() == ("detected", A, "pause")
        assert told.queue.empty()


async def test_a_sound_file_that_is_replaced_while_it_plays_is_heard_to_its_end(
    gateway: MediaGateway, told: Told, tmp_path: Path
) -> None:
    def write(name: str, frequency: float) -> None:
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(sine(frequency, 0.4, 8000))

    async def heard(packets: int) -> list[int]:
        return [sample for _ in range(packets) for sample in decode_a_law((await phone.hear()).payload)]

    write("greeting.wav", 700)
    with Party(ssrc=1) as phone, Party(ssrc=2) as other:
        opened(gateway, A, phone)
        opened(gateway, B, other)
        over = asyncio.Event()
        gateway.play_list(A, [SoundFile("greeting.wav")], ended=over.set)
        first = await heard(5)
        write("new.wav", 1500)
        (tmp_path / "new.wav").rename(tmp_path / "greeting.wav")
        gateway.play_list(B, [SoundFile("greeting.wav")])
        first += await heard(15)
        assert amplitude_at(first, 700) > 10 * amplitude_at(first, 1500)
        await asyncio.wait_for(over.wait(), PATIENCE)
        gateway.play_list(A, [SoundFile("greeting.wav", from_ms=100)])
        second = await heard(15)
        assert amplitude_at(second, 1500) > 10 * amplitude_at(second, 700)
        with pytest.raises(NotFound):
            gateway.play_list(A, [SoundFile("../greeting.wav")])


async def test_a_prompt_is_played_to_its_end_and_the_end_is_told(gateway: MediaGateway, told: Told) -> None:
    with Party() as phone:
        opened(gateway, A, phone)
        gateway.play(A, "main/welcome")
        packets = [await phone.hear() for _ in range(15)]
        assert await told.next() == ("played", A, "")
        samples = decode_a_law(b"".join(packet.payload for packet in packets))
        assert amplitude_at(samples[160:-160], 700.0) == pytest.approx(8000, rel=0.05)
        assert phone.heard_nothing()


async def test_a_silenced_prompt_does_not_tell_its_end(gateway: MediaGateway, told: Told) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.play(A, "main/welcome")
        await phone.hear()
        gateway.silence(A)
        await settled(gateway, phone, local)
        gateway.play(A, "main/welcome")
        assert await told.next() == ("played", A, "")
        assert told.queue.empty()
        assert gateway.figures(A).sent < 30


async def test_a_prompt_that_cannot_be_spoken_ends_at_once(gateway: MediaGateway, told: Told) -> None:
    with Party() as phone:
        local = gateway.open(A)
        foreign = MediaDescription(HostPort(*phone.address), (Codec(18, "G729"),))
        gateway.connect(A, MediaDescription(local, foreign.codecs), foreign)
        gateway.play(A, "main/welcome")
        assert await told.next() == ("played", A, "")


async def test_an_unknown_prompt_is_not_found(gateway: MediaGateway) -> None:
    gateway.open(A)
    for name in ["main/goodbye", "../secret", "", "/etc/passwd", "a\0b"]:
        with pytest.raises(NotFound):
            gateway.play(A, name)


async def test_a_recording_of_a_mix_holds_all_that_speak_and_ends_with_it(gateway: MediaGateway, prompts: Path) -> None:
    ended: asyncio.Future[tuple[int, int, str]] = asyncio.get_running_loop().create_future()
    room = MixId("room")
    with Party(ssrc=1) as first, Party(ssrc=2) as second:
        a, b = opened(gateway, A, first), opened(gateway, B, second)
        gateway.open_mix(room)
        gateway.join(room, A)
        gateway.join(room, B)
        gateway.record_all(room, "rooms/3000.wav", format="wav", ended=lambda *how: ended.set_result(how))
        await settled(gateway, first, a)
        low, high = (encode_a_law(list(array("h", sine(hertz, 0.02, 8000)))) for hertz in (500, 1000))
        for _ in range(60):
            first.send(a, low)
            second.send(b, high)
            await asyncio.sleep(0.02)
        gateway.close_mix(room)
        async with asyncio.timeout(PATIENCE):
            milliseconds, size, reason = await ended
    assert (milliseconds >= 1000, size > 44, reason) == (True, True, "")
    with wave.open(str(prompts / "rooms" / "3000.wav")) as file:
        rate, samples = file.getframerate(), list(array("h", file.readframes(file.getnframes())))
    heard = [amplitude_at(samples[-rate // 2 :], hertz, rate) for hertz in (500, 1000, 1700)]
    assert min(heard[:2]) > 10 * heard[2], heard


async def test_many_calls_from_one_source_address_and_port_stay_apart(gateway: MediaGateway) -> None:
    legs = [LegId(f"call.{n}") for n in range(8)]
    with Party() as generator:
        ports = [opened(gateway, leg, generator) for leg in legs]
        for leg in legs:
            gateway.echo(leg)
        for port in ports:
            await settled(gateway, generator, port)
        sent = {generator.send(port, bytes([n]) * 160) for n, port in enumerate(ports)}
        assert {await generator.hear() for _ in ports} == sent
        assert [gateway.figures(leg).received for leg in legs] == [1] * 8


async def test_a_leg_that_is_closed_hears_and_says_no_more(gateway: MediaGateway) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        a, b = opened(gateway, A, caller), opened(gateway, B, callee)
        gateway.bridge(A, B)
        await settled(gateway, callee, b)
        gateway.close(A)
        gateway.close(A)
        await settled(gateway, caller, a)
        received = gateway.stats["packets_received"]
        callee.send(b)
        caller.send(a)
        await until(lambda: gateway.stats["packets_received"] == received + 2)
        assert caller.heard_nothing() and callee.heard_nothing()


async def test_no_port_left_refuses_the_leg_and_a_port_rests_before_it_is_used_again(gateway: MediaGateway) -> None:
    legs = [LegId(f"call.{n}") for n in range(8)]
    ports = [gateway.open(leg).port for leg in legs]
    with pytest.raises(Rejected) as raised:
        gateway.open(LegId("one-too-many"))
    assert raised.value.cause is Cause.SWITCH_CONGESTION
    for leg in legs:
        gateway.close(leg)
    assert [gateway.open(leg).port for leg in legs] == ports


async def test_five_hundred_legs_opened_and_closed_leave_nothing(io: str, told: Told) -> None:
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=500, io=io)  # type: ignore[arg-type]
    gateway = MediaGateway(engine, "127.0.0.1")
    gateway.listen(told)
    await gateway.start()
    with Party() as phone:
        for turn in range(3):
            legs = [LegId(f"{turn}.{n}") for n in range(500)]
            ports = [opened(gateway, leg, phone) for leg in legs]
            for a, b in zip(legs[::2], legs[1::2], strict=True):
                gateway.bridge(a, b)
            gateway.tone(legs[0], 1004.0)
            await until(lambda: gateway.stats["legs_open"] == 500)
            assert (await phone.hear()).payload_type == 8
            for leg in legs:
                gateway.close(leg)
            await until(lambda: gateway.stats["legs_open"] == 0)
            await settled(gateway, phone, ports[-1])
        sent = gateway.stats["packets_sent"]
        await settled(gateway, phone, ports[0])
        assert gateway.stats["packets_sent"] == sent, "nothing ticks on"
        assert gateway.stats["panics"] == 0
    await gateway.stop()


async def test_whatever_bytes_come_the_engine_goes_on(gateway: MediaGateway) -> None:
    state = 0x5EED
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.echo(A)
        await settled(gateway, phone, local)
        for n in range(2000):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            noise = state.to_bytes(8, "big") * (state >> 59)
            phone.socket.sendto(bytes([0x80 | n & 0x3F]) + noise, (local.host, local.port + n % 2))
            if n % 50 == 0:
                await asyncio.sleep(0)
        await settled(gateway, phone, local)
        while not phone.heard_nothing():
            pass
        sent = Rtp(8, 9, 9, phone.ssrc, b"\xd5" * 160)
        phone.socket.sendto(sent.print(), local)
        assert await phone.hear() == sent
