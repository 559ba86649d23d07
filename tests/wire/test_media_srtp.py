"""Encrypted sound on the real engine: what gets through, and what does not."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateways.media.gateway import MediaGateway
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, MediaDescription, Security, SrtpKey
from tests.wire.media_process import media_gateway
from tests.wire.rtp_party import PATIENCE, Party, Rtp, amplitude_at, decode_a_law
from tests.wire.srtp_party import Srtp

A, B = LegId("call.1"), LegId("call.2")
SUITE = "AES_CM_128_HMAC_SHA1_80"
PCMA = Codec(8, "PCMA")


def key(seed: int) -> bytes:
    return random.Random(seed).randbytes(30)


class Nobody:
    def played(self, leg: LegId) -> None: ...

    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None: ...

    def detected(self, leg: LegId, what: str) -> None: ...

    def sound_lost(self, leg: LegId) -> None: ...


@pytest.fixture(params=[1, 2, "process"], ids=["one thread", "two threads", "own process"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MediaGateway]:
    gateway = media_gateway(tmp_path, request.param)
    gateway.listen(Nobody())
    await gateway.start()
    yield gateway
    panics = gateway.stats["panics"]
    await gateway.stop()
    assert panics == 0


def connect(
    gateway: MediaGateway, leg: LegId, local: HostPort, party: Party, keys: tuple[bytes, bytes] | None = None
) -> None:
    """Agree with a party, whose keys are `keys`: what we send to it under, and what it sends under."""
    security = None
    if keys is not None:
        ours, theirs = (SrtpKey(SUITE, each) for each in keys)
        security = Security(True, ((1, theirs),), ours, theirs)
    said = MediaDescription(HostPort(*party.address), (PCMA,), ptime=20, rtcp_mux=True, security=security)
    gateway.connect(leg, MediaDescription(local, (PCMA,), ptime=20, rtcp_mux=True), said)


async def settled(gateway: MediaGateway, party: Party, local: HostPort) -> None:
    """Wait until the engine has taken all that was ordered and sent before."""
    await asyncio.sleep(0)
    before = gateway.stats["packets_discarded"]
    party.socket.sendto(b"?", local)
    async with asyncio.timeout(PATIENCE):
        while gateway.stats["packets_discarded"] <= before:  # noqa: ASYNC110 (a counter of another thread)
            await asyncio.sleep(0.002)


def packet(sequence: int, payload: bytes = b"\xd5" * 160, ssrc: int = 0x5EED) -> bytes:
    return Rtp(8, sequence, sequence * 160, ssrc, payload).print()


async def test_a_secured_party_and_a_plain_one_are_relayed_to_each_other(gateway: MediaGateway) -> None:
    with Party() as secured, Party() as plain:
        ours, theirs = Srtp(key(1)), Srtp(key(2))
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, secured, (key(1), key(2)))
        connect(gateway, B, b, plain)
        gateway.bridge(A, B)
        await settled(gateway, plain, b)
        for n in range(1, 50):
            said = packet(n, bytes([n]) * 160)
            secured.socket.sendto(theirs.protect(said), a)
            assert await plain.hear_bytes() == said
            sent = plain.send(b, bytes([n + 100]) * 160)
            assert ours.open(await secured.hear_bytes()) == sent.print()
        # RTCP goes along, on the same port.
        report = struct.pack("!BBHI", 0x80, 201, 1, 0x5EED)
        secured.socket.sendto(theirs.protect_rtcp(report, 1), a)
        assert await plain.hear_bytes() == report
        plain.socket.sendto(report, b)
        assert ours.open_rtcp(await secured.hear_bytes()) == report
        figures = gateway.figures(A)
        assert (figures.received, figures.forged, figures.replayed, figures.mismatched) == (49, 0, 0, 0)


async def test_two_secured_parties_have_a_key_each_way_and_no_two_are_alike(gateway: MediaGateway) -> None:
    with Party() as one, Party() as other:
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, one, (key(1), key(2)))
        connect(gateway, B, b, other, (key(3), key(4)))
        gateway.bridge(A, B)
        await settled(gateway, one, a)
        one.socket.sendto(Srtp(key(2)).protect(packet(1)), a)
        assert Srtp(key(3)).open(await other.hear_bytes()) == packet(1)
        other.socket.sendto(Srtp(key(4)).protect(packet(7)), b)
        assert Srtp(key(1)).open(await one.hear_bytes()) == packet(7)


async def test_what_the_engine_plays_is_protected(gateway: MediaGateway) -> None:
    with Party() as phone:
        connect(gateway, A, gateway.open(A), phone, (key(1), key(2)))
        gateway.tone(A, 1000)
        samples: list[int] = []
        for _ in range(10):
            samples += decode_a_law(Rtp.parse(Srtp(key(1)).open(await phone.hear_bytes())).payload)
        assert amplitude_at(samples, 1000) > 1000


async def test_an_echo_comes_back_under_the_other_key(gateway: MediaGateway) -> None:
    with Party() as phone:
        local = gateway.open(A)
        connect(gateway, A, local, phone, (key(1), key(2)))
        gateway.echo(A)
        await settled(gateway, phone, local)
        phone.socket.sendto(Srtp(key(2)).protect(packet(1)), local)
        assert Srtp(key(1)).open(await phone.hear_bytes()) == packet(1)


async def test_forged_replayed_and_foreign_packets_are_counted_and_never_heard(gateway: MediaGateway) -> None:
    with Party() as secured, Party() as plain, Party() as stranger:
        theirs = Srtp(key(2))
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, secured, (key(1), key(2)))
        connect(gateway, B, b, plain)
        gateway.bridge(A, B)
        await settled(gateway, plain, b)
        good = theirs.protect(packet(1))
        secured.socket.sendto(good, a)
        assert await plain.hear_bytes() == packet(1)

        for bit in range(0, 8 * len(good), 7):
            forged = bytearray(theirs.protect(packet(2)))
            forged[bit // 8] ^= 1 << bit % 8
            secured.socket.sendto(forged, a)
        for sequence in range(10, 40):
            secured.socket.sendto(Srtp(key(9)).protect(packet(sequence)), a)  # under another key
            secured.socket.sendto(packet(sequence), a)  # under none
        for _ in range(20):
            secured.socket.sendto(good, a)
        for length in range(40):
            secured.socket.sendto(good[:length], a)
        await settled(gateway, secured, a)
        assert plain.heard_nothing()
        figures = gateway.figures(A)
        assert figures.received == 1
        assert figures.replayed >= 20
        assert figures.forged > 200
        assert 30 <= figures.mismatched < 60

        # The party is still heard, and where it was.
        secured.socket.sendto(theirs.protect(packet(3)), a)
        assert await plain.hear_bytes() == packet(3)
        plain.send(b)
        Srtp(key(1)).open(await secured.hear_bytes())
        assert stranger.heard_nothing()


async def test_only_an_authentic_packet_moves_the_party(gateway: MediaGateway) -> None:
    with Party() as named, Party() as moved, Party() as stranger, Party() as plain:
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, named, (key(1), key(2)))
        connect(gateway, B, b, plain)
        gateway.bridge(A, B)
        await settled(gateway, plain, b)
        # A stranger is first, with plain packets and with what it has recorded elsewhere.
        for sequence in range(1, 5):
            stranger.socket.sendto(packet(sequence), a)
            stranger.socket.sendto(Srtp(key(7)).protect(packet(sequence)), a)
        await settled(gateway, stranger, a)
        plain.send(b)
        Srtp(key(1)).open(await named.hear_bytes())
        # The party itself speaks from elsewhere, as behind a NAT.
        moved.socket.sendto(Srtp(key(2)).protect(packet(1)), a)
        assert await plain.hear_bytes() == packet(1)
        plain.send(b)
        Srtp(key(1)).open(await moved.hear_bytes())
        assert stranger.heard_nothing()


async def test_a_change_of_keys_loses_no_packet(gateway: MediaGateway) -> None:
    with Party() as secured, Party() as plain:
        a, b = gateway.open(A), gateway.open(B)
        connect(gateway, A, a, secured, (key(1), key(2)))
        connect(gateway, B, b, plain)
        gateway.bridge(A, B)
        await settled(gateway, plain, b)
        old, new = Srtp(key(2)), Srtp(key(6))
        for sequence in range(1, 20):
            secured.socket.sendto(old.protect(packet(sequence)), a)
            assert await plain.hear_bytes() == packet(sequence)
        connect(gateway, A, a, secured, (key(5), key(6)))
        await settled(gateway, secured, a)
        for sequence in range(20, 25):  # on the way when the new key was agreed
            secured.socket.sendto(old.protect(packet(sequence)), a)
            assert await plain.hear_bytes() == packet(sequence)
        for sequence in range(25, 40):
            secured.socket.sendto(new.protect(packet(sequence)), a)
            assert await plain.hear_bytes() == packet(sequence)
        plain.send(b)
        Srtp(key(5)).open(await secured.hear_bytes())
        # The same agreed again is no change: what was there before is still known.
        connect(gateway, A, a, secured, (key(5), key(6)))
        await settled(gateway, secured, a)
        secured.socket.sendto(new.protect(packet(30)), a)
        await settled(gateway, secured, a)
        assert plain.heard_nothing()
        assert gateway.figures(A).replayed == 1


async def test_a_party_that_gives_up_srtp_is_spoken_to_in_the_clear(gateway: MediaGateway) -> None:
    with Party() as phone:
        local = gateway.open(A)
        connect(gateway, A, local, phone, (key(1), key(2)))
        gateway.echo(A)
        connect(gateway, A, local, phone)
        await settled(gateway, phone, local)
        sent = phone.send(local)
        assert await phone.hear() == sent


async def test_srtp_to_a_plain_leg_is_noticed(gateway: MediaGateway) -> None:
    with Party() as phone:
        local = gateway.open(A)
        connect(gateway, A, local, phone)
        await settled(gateway, phone, local)
        for sequence in range(1, 60):
            phone.socket.sendto(Srtp(key(2)).protect(packet(sequence)), local)
        await settled(gateway, phone, local)
        figures = gateway.figures(A)
        assert (figures.mismatched, figures.forged) == (59, 0)


async def test_the_next_user_of_a_port_has_nothing_of_the_keys(gateway: MediaGateway) -> None:
    legs = [LegId(f"call.{number}") for number in range(10, 18)]
    with Party() as phone:
        for leg in legs:
            connect(gateway, leg, gateway.open(leg), phone, (key(1), key(2)))
        for leg in legs:
            gateway.close(leg)
        local = gateway.open(A)
        connect(gateway, A, local, phone)
        gateway.echo(A)
        await settled(gateway, phone, local)
        sent = phone.send(local)
        assert await phone.hear() == sent
