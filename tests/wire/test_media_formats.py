"""What parties of different formats hear of each other, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from itertools import combinations_with_replacement, pairwise
from pathlib import Path

import pytest

from gateways.media.gateway import MediaGateway
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, MediaDescription
from softswitch.kernel.sound import Prompt, Silence, Tone
from softswitch.ports.media import Player
from softswitch.ports.mixes import Mixer
from tests.wire.media_process import media_gateway
from tests.wire.rtp_party import PEAK, Party, amplitude_at, decode_a_law, heard_now, talk

PCMA, EVENT = Codec(8, "PCMA"), Codec(101, "TELEPHONE-EVENT")
FORMATS = {
    "PCMA": PCMA,
    "PCMU": Codec(0, "PCMU"),
    "G722": Codec(9, "G722"),
    "Opus": Codec(111, "OPUS", 48_000, 2),
    "L16": Codec(97, "L16", 16_000),
}
TONES = (500.0, 700.0, 1100.0)
MIX = MixId("room")


class Deaf:
    """Hears what the gateway tells, and keeps keys."""

    def __init__(self) -> None:
        self.keys: list[tuple[LegId, str]] = []

    def played(self, leg: LegId) -> None: ...

    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None:
        self.keys.append((leg, digit))

    def detected(self, leg: LegId, what: str) -> None: ...

    def sound_lost(self, leg: LegId) -> None: ...


@pytest.fixture
def told() -> Deaf:
    return Deaf()


@pytest.fixture(params=[1, 2, "process"], ids=["one thread", "two threads", "own process"])
async def gateway(request: pytest.FixtureRequest, told: Deaf, tmp_path: Path) -> AsyncIterator[MediaGateway]:
    gateway = media_gateway(tmp_path, request.param)
    gateway.listen(told)
    await gateway.start()
    yield gateway
    panics = gateway.stats["panics"]
    await gateway.stop()
    assert panics == 0


def leg(number: int) -> LegId:
    return LegId(f"call.{number}")


def connect(
    gateway: MediaGateway, leg: LegId, ours: HostPort, theirs: HostPort, *codecs: Codec, ptime: int = 20
) -> None:
    gateway.connect(leg, MediaDescription(ours, codecs), MediaDescription(theirs, codecs, ptime=ptime))


def call(gateway: MediaGateway, number: int, party: Party, *codecs: Codec, ptime: int = 20) -> HostPort:
    ours = gateway.open(leg(number))
    connect(gateway, leg(number), ours, HostPort(*party.address), *(codecs or (PCMA, EVENT)), ptime=ptime)
    return ours


def trunk(gateway: MediaGateway, a: int, b: int, codec: Codec) -> None:
    """Two legs that are each other's parties."""
    one, other = gateway.open(leg(a)), gateway.open(leg(b))
    connect(gateway, leg(a), one, other, codec)
    connect(gateway, leg(b), other, one, codec)


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(FORMATS, 2)))
async def test_a_tone_goes_through_any_two_formats(gateway: MediaGateway, one: str, other: str) -> None:
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        ours = call(gateway, 0, caller)
        trunk(gateway, 1, 2, FORMATS[one])
        trunk(gateway, 3, 4, FORMATS[other])
        theirs = call(gateway, 5, callee)
        for a, b in [(0, 1), (2, 3), (4, 5)]:
            gateway.bridge(leg(a), leg(b))
        await asyncio.sleep(0.05)
        await asyncio.gather(talk(caller, ours, 1000, 1.2), talk(callee, theirs, 600, 1.2))
        for party, said, not_said in [(callee, 1000, 600), (caller, 600, 1000)]:
            packets = b"".join(packet.payload for packet in heard_now(party))
            samples = decode_a_law(packets)[-4000:]
            assert amplitude_at(samples, said) / PEAK == pytest.approx(1, abs=0.3), f"{said} Hz"
            assert amplitude_at(samples, not_said) / PEAK < 0.05


@pytest.mark.parametrize(("sent", "wanted"), [(20, 60), (60, 20), (30, 10), (10, 40)])
async def test_packets_have_the_length_that_each_party_wants(gateway: MediaGateway, sent: int, wanted: int) -> None:
    pcmu = FORMATS["PCMU"]
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        ours = call(gateway, 0, caller)
        call(gateway, 1, callee, pcmu, ptime=wanted)
        gateway.bridge(leg(0), leg(1))
        await asyncio.sleep(0.05)
        await talk(caller, ours, 1000, 0.6, frame_ms=sent)
        packets = heard_now(callee)
        assert len(packets) > 300 // wanted
        assert {(packet.payload_type, len(packet.payload)) for packet in packets} == {(0, 8 * wanted)}
        steps = {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)}
        assert steps == {8 * wanted}


async def test_each_member_of_a_mix_hears_all_others_and_not_itself(gateway: MediaGateway) -> None:
    mixer: Mixer = gateway
    speaking: list[LegId] = []
    with Party(ssrc=1) as a, Party(ssrc=2) as b, Party(ssrc=3) as c:
        parties = (a, b, c)
        mixer.open_mix(MIX, rate=8000, speaking=speaking.append)
        ours = [call(gateway, n, party) for n, party in enumerate(parties)]
        for n in range(3):
            mixer.join(MIX, leg(n))
        await asyncio.sleep(0.05)
        said = [talk(party, to, hz, 1.2) for party, to, hz in zip(parties, ours, TONES, strict=True)]
        await asyncio.gather(*said)
        for listener, party in enumerate(parties):
            samples = decode_a_law(b"".join(packet.payload for packet in heard_now(party)))[-4000:]
            for speaker, hz in enumerate(TONES):
                heard = amplitude_at(samples, hz) / PEAK
                assert heard < 0.05 if speaker == listener else heard == pytest.approx(1, abs=0.2)
        assert speaking and set(speaking) <= {leg(n) for n in range(3)}
        mixer.close_mix(MIX)
        mixer.close_mix(MIX)
        await asyncio.sleep(0.1)
        heard_now(a)
        await asyncio.sleep(0.1)
        assert heard_now(a) == []


async def test_a_supervisor_listens_whispers_and_barges_in(gateway: MediaGateway) -> None:
    mixer: Mixer = gateway
    customer, agent, supervisor = (leg(n) for n in range(3))
    with Party(ssrc=1) as a, Party(ssrc=2) as b, Party(ssrc=3) as c:
        mixer.open_mix(MIX, rate=8000)
        ours = [call(gateway, n, party) for n, party in enumerate((a, b, c))]
        for member in (customer, agent, supervisor):
            mixer.join(MIX, member)
        # Whom the customer and the agent hear of the supervisor: nobody, the agent alone, both.
        for listens in ("listen", "whisper", "barge"):
            mixer.set_level(MIX, supervisor, muted=listens != "barge")
            if listens == "whisper":
                mixer.set_hearing(MIX, agent, supervisor, 0.0)
            await asyncio.sleep(0.05)
            said = [talk(party, to, hz, 0.8) for party, to, hz in zip((a, b, c), ours, TONES, strict=True)]
            await asyncio.gather(*said)
            heard = {}
            for name, party in [("customer", a), ("agent", b), ("supervisor", c)]:
                samples = decode_a_law(b"".join(packet.payload for packet in heard_now(party)))[-3200:]
                heard[name] = [amplitude_at(samples, hz) / PEAK > 0.5 for hz in TONES]
            assert heard == {
                "customer": [False, True, listens == "barge"],
                "agent": [True, False, listens != "listen"],
                "supervisor": [True, True, False],
            }, listens


async def test_what_is_played_over_a_bridge_is_heard_beside_the_party(gateway: MediaGateway) -> None:
    player: Player = gateway
    ended = asyncio.Event()
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        ours = call(gateway, 0, caller)
        call(gateway, 1, callee)
        gateway.bridge(leg(0), leg(1))
        tone = Tone(((2000.0, -13.0),), ms=700)
        player.play_list(leg(1), [Silence(100), tone], over=True, ended=ended.set)
        await asyncio.sleep(0.05)
        await talk(caller, ours, 1000, 0.7)
        assert not ended.is_set()
        packets = heard_now(callee)
        samples = decode_a_law(b"".join(packet.payload for packet in packets))[-2400:]
        assert amplitude_at(samples, 1000) / PEAK == pytest.approx(1, abs=0.2)
        assert amplitude_at(samples, 2000) > 1000
        assert caller.ssrc not in {packet.ssrc for packet in packets}
        await asyncio.wait_for(ended.wait(), 2)
        await asyncio.sleep(0.05)
        heard_now(callee)
        sent = caller.send(ours)
        assert await callee.hear() == sent, "packets pass again"


async def test_keys_are_sent_as_a_party_takes_them_and_told_once(gateway: MediaGateway, told: Deaf) -> None:
    player: Player = gateway
    with Party(ssrc=1) as caller, Party(ssrc=2) as callee:
        ours = call(gateway, 0, caller)
        call(gateway, 1, callee, FORMATS["PCMU"], Codec(97, "TELEPHONE-EVENT"))
        gateway.bridge(leg(0), leg(1))
        player.send_digits(leg(1), "5#", press_ms=60, pause_ms=60)
        await asyncio.sleep(0.5)
        sent = [packet for packet in heard_now(callee) if packet.payload_type == 97]
        assert [payload[0] for payload in {packet.payload[:1]: packet.payload for packet in sent}.values()] == [5, 11]
        assert sum(packet.payload[1] & 0x80 > 0 for packet in sent) == 6, "the end of each three times"
        # A key that the caller presses goes on in the stream that the callee hears, as it was not passed.
        caller.press(ours, "7", timestamp=16_000)
        await asyncio.sleep(0.4)
        forwarded = [packet for packet in heard_now(callee) if packet.payload_type == 97]
        assert {packet.payload[0] for packet in forwarded} == {7}
        assert len({packet.timestamp for packet in forwarded}) == 1
        assert {packet.ssrc for packet in forwarded} == {packet.ssrc for packet in sent}
        assert told.keys == [(leg(0), "7")]


async def test_an_unknown_prompt_is_not_played(gateway: MediaGateway) -> None:
    gateway.open(leg(0))
    gateway.open_mix(MIX)
    with pytest.raises(NotFound):
        gateway.play_list(leg(0), [Prompt("nothing")])
    with pytest.raises(NotFound):
        gateway.play_to_mix(MIX, [Prompt("nothing")])
