"""Recordings on the real engine: what parties said over real sockets, in the files."""

import asyncio
import subprocess
import wave
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateways._native import MediaEngine
from gateways.media.gateway import MediaGateway
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Conflict, Invalid
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec
from tests.wire.rtp_party import PATIENCE, Party, amplitude_at, encode_a_law, sine
from tests.wire.test_media_gateway import PCMA, A, B, Told, connect, opened, said

PEAK = 8000
LEFT, RIGHT = 700.0, 1100.0
G722 = Codec(9, "G722")


class Finished:
    """What the gateway told of recordings."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[int, int, int, int, str]] = asyncio.Queue()
        self.troubles: list[str] = []

    def recording_troubled(self, recording: int, reason: str) -> None:
        self.troubles.append(reason)

    def recording_ended(self, recording: int, milliseconds: int, size: int, lost_ms: int, reason: str) -> None:
        self.queue.put_nowait((recording, milliseconds, size, lost_ms, reason))

    def recordings_lost(self, reason: str) -> None:
        self.troubles.append(reason)

    async def next(self) -> tuple[int, int, int, int, str]:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


@pytest.fixture
def finished() -> Finished:
    return Finished()


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
async def gateway(request: pytest.FixtureRequest, finished: Finished, tmp_path: Path) -> AsyncIterator[MediaGateway]:
    (tmp_path / "main").mkdir()
    with wave.open(str(tmp_path / "main" / "welcome.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(sine(RIGHT, 2.0, 8000, PEAK))
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=8, threads=request.param)
    gateway = MediaGateway(engine, "127.0.0.1", tmp_path, keeps_in=tmp_path)
    gateway.listen(Told())
    gateway.listen_to_recordings(finished)
    await gateway.start()
    yield gateway
    assert gateway.stats["panics"] == 0
    await gateway.stop()


def a_law(samples: bytes) -> list[bytes]:
    """Frames of 20 ms."""
    codes = encode_a_law(list(array("h", samples)))
    return [codes[at : at + 160] for at in range(0, len(codes), 160)]


# Made beforehand: while it was made nobody would talk, and that would be recorded, too.
SPEECH = {frequency: a_law(sine(frequency, 2.0, 8000, PEAK)) for frequency in (LEFT, RIGHT)}


async def talk(seconds: float, *parties: tuple[Party, HostPort, float]) -> None:
    """Parties say tones for some time, as it goes by."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(round(seconds * 50)):
        for party, to, frequency in parties:
            party.send(to, SPEECH[frequency][number])
        await asyncio.sleep(max(0, begun + (number + 1) * 0.02 - loop.time()))


def channels(file: Path) -> list[list[int]]:
    with wave.open(str(file), "rb") as sound:
        samples = array("h", sound.readframes(sound.getnframes()))
        return [list(samples[channel :: sound.getnchannels()]) for channel in range(sound.getnchannels())]


def levels(samples: list[int], rate: int = 8000) -> tuple[float, float]:
    """How much of either tone there is, in the middle of some sound."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return amplitude_at(middle, LEFT, rate) / PEAK, amplitude_at(middle, RIGHT, rate) / PEAK


async def test_in_stereo_each_party_has_its_channel_and_mixed_both_are_in_one(
    gateway: MediaGateway, finished: Finished, tmp_path: Path
) -> None:
    with Party() as one, Party() as other:
        to_one, to_other = opened(gateway, A, one), opened(gateway, B, other)
        gateway.bridge(A, B)
        gateway.record(A, 1, tmp_path / "stereo.wav", layout="stereo", format="wav")
        gateway.record(B, 2, tmp_path / "mixed.wav", layout="mixed", format="wav")
        await talk(1.5, (one, to_one, LEFT), (other, to_other, RIGHT))
        gateway.stop_recording(1)
        gateway.close(B)
        ended = sorted([await finished.next(), await finished.next()])
    assert [(number, lost, reason) for number, _, _, lost, reason in ended] == [(1, 0, ""), (2, 0, "")]
    assert all(milliseconds >= 1450 for _, milliseconds, _, _, _ in ended)
    left, right = channels(tmp_path / "stereo.wav")
    assert ended[0][1] == len(left) // 8
    assert levels(left) == pytest.approx((1, 0), abs=0.1)
    assert levels(right) == pytest.approx((0, 1), abs=0.1)
    (mixed,) = channels(tmp_path / "mixed.wav")
    assert levels(mixed) == pytest.approx((1, 1), abs=0.1)


async def test_what_is_played_to_a_party_is_what_it_hears(
    gateway: MediaGateway, finished: Finished, tmp_path: Path
) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.record(A, 1, tmp_path / "menu.wav", layout="stereo", format="wav")
        gateway.play(A, "main/welcome", loop=True)
        await talk(1.5, (phone, local, LEFT))
        gateway.close(A)
        await finished.next()
    left, right = channels(tmp_path / "menu.wav")
    assert levels(left) == pytest.approx((1, 0), abs=0.1)
    assert levels(right) == pytest.approx((0, 1), abs=0.1)


async def test_two_that_need_conversion_are_recorded_in_wideband(
    gateway: MediaGateway, finished: Finished, tmp_path: Path
) -> None:
    with Party() as one, Party() as other:
        to_one = opened(gateway, A, one)
        connect(gateway, B, gateway.open(B), said(other.address, codecs=(G722,)))
        gateway.bridge(A, B)
        gateway.record(B, 1, tmp_path / "wide.wav", layout="stereo", format="wav")
        await talk(1.5, (one, to_one, LEFT))
        gateway.close(B)
        await finished.next()
    with wave.open(str(tmp_path / "wide.wav"), "rb") as sound:
        assert sound.getframerate() == 16_000
    silent, heard = channels(tmp_path / "wide.wav")
    assert set(silent) == {0}
    assert levels(heard, 16_000) == pytest.approx((1, 0), abs=0.1)


@pytest.mark.parametrize(("mask", "seconds"), [("silence", 1.8), ("tone", 1.8), ("cut", 1.2)])
async def test_what_is_said_in_a_pause_is_not_in_the_file(
    gateway: MediaGateway, finished: Finished, tmp_path: Path, mask: str, seconds: float
) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.record(A, 1, tmp_path / "card.wav", layout="said", format="wav")
        await talk(0.6, (phone, local, LEFT))
        gateway.pause_recording(1, mask)
        await talk(0.6, (phone, local, RIGHT))
        gateway.resume_recording(1)
        await talk(0.6, (phone, local, LEFT))
        gateway.close(A)
        await finished.next()
    (sound,) = channels(tmp_path / "card.wav")
    assert len(sound) / 8000 == pytest.approx(seconds, abs=0.15)
    assert amplitude_at(sound, RIGHT) / PEAK < 0.02, "the secret"
    assert amplitude_at(sound[800:4000], LEFT) / PEAK == pytest.approx(1, abs=0.1)
    if mask != "cut":
        masked = sound[5600:8800]
        assert amplitude_at(masked, LEFT) / PEAK < 0.02
        expected = 32768 * 10 ** ((-24 - 3.14) / 20) if mask == "tone" else 0
        assert amplitude_at(masked, 440.0) == pytest.approx(expected, rel=0.1, abs=1)


async def test_all_parties_can_hear_that_they_are_recorded(gateway: MediaGateway) -> None:
    with Party() as phone:
        opened(gateway, A, phone)
        gateway.beep(A)
        gateway.beep(LegId("none.1"))
        heard = [await phone.hear() for _ in range(20)]
        assert {packet.payload_type for packet in heard} == {PCMA.payload_type}


async def test_what_cannot_be_recorded_says_why(gateway: MediaGateway, finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        gateway.record(A, 1, tmp_path / "none.wav", layout="stereo", format="wav")
    with Party() as phone:
        opened(gateway, A, phone)
        (tmp_path / "file").touch()
        gateway.record(A, 2, tmp_path / "file" / "one.wav", layout="stereo", format="wav")
        number, _, size, _, reason = await finished.next()
        assert (number, size) == (2, 0) and "one.wav cannot be made" in reason
        gateway.stop_recording(2)
        gateway.record(A, 3, tmp_path / "one.wav", layout="stereo", format="wav")
        gateway.record(A, 4, tmp_path / "two.wav", layout="stereo", format="wav")
        number, _, size, _, reason = await finished.next()
        assert (number, size, reason) == (4, 0, "it is recorded already")


async def test_recordings_that_run_are_complete_when_the_engine_is_closed(
    gateway: MediaGateway, finished: Finished, tmp_path: Path
) -> None:
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.record(A, 1, tmp_path / "last.wav", layout="said", format="wav")
        await talk(0.5, (phone, local, LEFT))
        await gateway.stop()
    number, milliseconds, _, _, reason = finished.queue.get_nowait()
    assert (number, reason) == (1, "") and milliseconds >= 480
    assert levels(channels(tmp_path / "last.wav")[0]) == pytest.approx((1, 0), abs=0.1)


async def test_what_a_caller_says_is_kept_below_the_data_folder_and_told_once_it_is_there(
    gateway: MediaGateway, finished: Finished, tmp_path: Path
) -> None:
    ends: asyncio.Queue[tuple[int, int, str, bool]] = asyncio.Queue()
    file = tmp_path / "voicemail" / "1001" / "a.wav"
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.play(A, "main/welcome", loop=True)  # what it hears is not in the file
        number = gateway.record_said(
            A, "voicemail/1001/a.wav", ended=lambda ms, size, why: ends.put_nowait((ms, size, why, file.is_file()))
        )
        await talk(1.0, (phone, local, LEFT))
        gateway.stop_recording(number)
        async with asyncio.timeout(PATIENCE):
            milliseconds, size, why, there = await ends.get()
    assert there and why == "" and size == file.stat().st_size
    (said_by_it,) = channels(file)
    assert milliseconds == len(said_by_it) // 8 >= 950
    assert levels(said_by_it) == pytest.approx((1, 0), abs=0.1)
    assert finished.queue.empty(), "the feature that records calls hears of its own alone"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that has room for a second of sound."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(folder)], capture_output=True).returncode:
        pytest.skip("only root can make a disk that is full")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_what_a_caller_says_ends_when_the_disk_is_full_and_what_is_there_can_be_played(
    gateway: MediaGateway, small_disk: Path
) -> None:
    ends: asyncio.Queue[tuple[int, int, str]] = asyncio.Queue()
    with Party() as phone:
        local = opened(gateway, A, phone)
        name = f"{small_disk.name}/a.wav"
        gateway.record_said(A, name, ended=lambda ms, size, why: ends.put_nowait((ms, size, why)))
        await talk(2.0, (phone, local, LEFT))
        async with asyncio.timeout(PATIENCE):
            milliseconds, size, why = await ends.get()
    assert "No space left" in why and size > 0 and 200 < milliseconds < 1200
    assert levels(channels(small_disk / "a.wav")[0]) == pytest.approx((1, 0), abs=0.1)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a.wav", "voicemail/../../a.wav", "voicemail//a.wav", "a\0.wav"]
)
async def test_a_name_that_leads_out_of_the_folder_is_refused(gateway: MediaGateway, name: str) -> None:
    with Party() as phone:
        opened(gateway, A, phone)
        with pytest.raises(Invalid, match="below the data folder"):
            gateway.record_said(A, name, ended=lambda ms, size, why: None)
    with pytest.raises(Conflict):
        gateway.record_said(B, "a.wav", ended=lambda ms, size, why: None)
