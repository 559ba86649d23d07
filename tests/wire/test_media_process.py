"""A media engine in a process of its own: either side is killed, and the other goes on."""

import asyncio
import json
import os
import signal
import socket
import struct
import sys
import wave
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateways._native import MediaCommand, MediaEngine, MediaEngineLink
from gateways.media.gateway import MediaGateway
from gateways.media.process import EngineProcess
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Invalid, Rejected
from softswitch.kernel.ids import LegId, MixId
from softswitch.media_engine import media_engine
from softswitch.settings import Option, read_settings
from tests.wire.media_owner import RECORDING, A, B, described
from tests.wire.media_process import engine_process
from tests.wire.rtp_party import PATIENCE, Party, heard_now, talk
from tests.wire.test_media_gateway import Told, opened, settled, until
from tests.wire.test_recordings import Finished

TONE = 700.0


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def process(tmp_path: Path) -> EngineProcess:
    return engine_process(tmp_path, "--orphan-seconds", "20")


def owner_of(process: EngineProcess, told: Told, finished: Finished | None = None) -> MediaGateway:
    gateway = MediaGateway(process.reach(), "127.0.0.1", process=process)
    gateway.listen(told)
    if finished is not None:
        gateway.listen_to_recordings(finished)
    return gateway


@pytest.fixture
async def gateway(process: EngineProcess, told: Told) -> AsyncIterator[MediaGateway]:
    gateway = owner_of(process, told)
    await gateway.start()
    yield gateway
    await gateway.stop()


def engine_id(folder: Path) -> int:
    """The process that listens at a folder's socket."""
    return int((folder / "media.sock.lock").read_text())


Begin = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Begin]:
    """Begins engines that do not end with their owners; what is left of them at the end is killed."""
    begun: list[asyncio.subprocess.Process] = []

    async def begin(folder: Path, *options: str) -> asyncio.subprocess.Process:
        words = [sys.executable, "-m", "softswitch", "media", "--socket", str(folder / "media.sock"), *options]
        words += ["--listen", "127.0.0.1", "--first-port", "0", "--data-dir", str(tmp_path)]
        begun.append(await asyncio.create_subprocess_exec(*words))
        return begun[-1]

    yield begin
    for engine in begun:
        if engine.returncode is None:
            engine.kill()
            await engine.wait()


async def found(process: EngineProcess) -> MediaEngineLink:
    """An engine that somebody else has begun a moment ago."""
    async with asyncio.timeout(PATIENCE):
        while (link := process.find()) is None:  # noqa: ASYNC110 (another process has no event)
            await asyncio.sleep(0.01)
    return link


async def killed_owner(folder: Path, *parties: Party) -> tuple[asyncio.subprocess.Process, list[HostPort]]:
    """Somebody who owns an engine and lets two parties talk; where these are to send, and a third leg's address."""
    ports = (str(party.address[1]) for party in parties)
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.wire.media_owner", str(folder), *ports, stderr=asyncio.subprocess.PIPE
    )
    assert owner.stderr is not None
    async with asyncio.timeout(30):
        said = await owner.stderr.readline()
    return owner, [HostPort("127.0.0.1", port) for port in json.loads(said)]


async def listen(party: Party, heard: list[int]) -> None:
    """Note which packets a party hears."""
    while True:
        heard.append((await party.hear()).sequence)


async def test_a_killed_owner_is_not_heard_and_the_next_one_takes_over(
    process: EngineProcess, told: Told, tmp_path: Path
) -> None:
    finished = Finished()
    with Party(ssrc=1) as one, Party(ssrc=2) as other:
        owner, (to_one, to_other, third) = await killed_owner(tmp_path, one, other)
        engine = engine_id(tmp_path)
        heard: dict[Party, list[int]] = {one: [], other: []}
        hearing = [asyncio.create_task(listen(party, heard[party])) for party in heard]
        talking = asyncio.gather(talk(one, to_one, TONE, 3.0), talk(other, to_other, TONE, 3.0))
        await asyncio.sleep(0.5)
        owner.kill()
        await owner.wait()
        await asyncio.sleep(0.5)
        gateway = owner_of(process, told, finished)
        assert engine_id(tmp_path) == engine, "it is the same engine"
        await gateway.start()
        assert [path.name for path in (tmp_path / "voicemail").iterdir()] == ["said.wav"], (
            "complete: nobody waits for it"
        )
        with wave.open(str(tmp_path / "voicemail" / "said.wav")) as file:
            assert 0.5 <= file.getnframes() / 8000 <= 2.5
        assert gateway.kept_recordings() == {tmp_path / "kept.wav": RECORDING}
        assert gateway.resume(A, to_one, described(to_one), described(HostPort(*one.address)))
        assert not gateway.resume(LegId("call.9"), to_one, described(to_one), None), "somebody has it"
        assert gateway.resume(B, to_other, described(to_other), described(HostPort(*other.address)))
        gateway.resumed()
        # What it orders is so already.
        gateway.bridge(A, B)
        await talking
        await settled(gateway, one, to_one)
        await settled(gateway, other, to_other)
        await asyncio.sleep(0.1)  # what the engine has sent is on its way
        for task in hearing:
            task.cancel()
        assert list(heard.values()) == [list(range(1, 151))] * 2, "each packet went through, once and in its order"
        figures = gateway.figures(A)
        assert (figures.received, figures.sent, figures.lost) == (150, 150, 0), "counted from the first packet on"

        # What nobody took over has been closed, and is there for others.
        assert gateway.stats["legs_open"] == 2
        others = {gateway.open(LegId(f"next.{n}")) for n in range(6)}
        assert third in others
        assert not others & {to_one, to_other}
        with pytest.raises(Rejected):
            gateway.open(LegId("next.6"))
        gateway.open_mix(MixId("next"))

        # It has all its power over the legs, and hears of them.
        one.press(to_one, "5", timestamp=480_000)
        assert await told.next() == ("digit", A, "5 80")
        gateway.stop_recording(RECORDING)
        number, milliseconds, _, lost, reason = await finished.next()
        assert (number, lost, reason) == (RECORDING, 0, "")
        assert milliseconds >= 2900
        gateway.echo(A)
        await settled(gateway, one, to_one)
        heard_now(other)
        sent = one.send(to_one)
        assert await one.hear() == sent
        assert other.heard_nothing()
        gateway.close(A)
        await gateway.stop()
    with wave.open(str(tmp_path / "kept.wav")) as file:
        assert file.getnframes() // 8 == milliseconds
    await until(lambda: not (tmp_path / "media.sock").exists())  # the engine has ended


async def test_an_orphan_closes_its_legs_and_ends(tmp_path: Path) -> None:
    process = engine_process(tmp_path, "--orphan-seconds", "1")
    link = process.reach()
    engine = engine_id(tmp_path)
    link.submit([MediaCommand.Open(leg=0, epoch=5)])
    file = tmp_path / "orphan.wav"
    link.submit([MediaCommand.Record(leg=0, recording=1, path=file, container="wav", layout="said")])
    assert link.stats()["legs_open"] == 1
    link.abandon()
    again = process.reach()
    assert engine_id(tmp_path) == engine
    assert (again.open_legs(), again.recordings(), again.owner) == ([(0, 5)], [(1, file)], 2)
    again.abandon()
    await asyncio.to_thread(process.wait, PATIENCE)
    assert file.is_file(), "its recording is complete"
    assert not (tmp_path / "media.sock").exists()


async def test_one_that_an_operator_began_serves_one_owner_after_another(operator: Begin, tmp_path: Path) -> None:
    folder = tmp_path / "private"
    engine = await operator(folder, "--legs", "4", "--orphan-seconds", "1")
    process = EngineProcess(folder / "media.sock", ["/bin/false"], tmp_path / "log")
    link = await found(process)
    assert (folder.stat().st_mode & 0o777, (folder / "media.sock").stat().st_mode & 0o777) == (0o700, 0o600)
    link.submit([MediaCommand.Open(leg=3, epoch=1)])
    link.close()
    link = await found(process)
    assert (link.open_legs(), link.ends_alone) == ([], False), "a good-bye closes what is open"
    link.submit([MediaCommand.Open(leg=3, epoch=1)])
    link.abandon()
    await asyncio.sleep(1.5)
    link = await found(process)
    assert link.open_legs() == [], "and so does time"
    link.submit([MediaCommand.Open(leg=3, epoch=2)])
    engine.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        assert await engine.wait() == 0
    while link.lost is None:
        assert link.drain() == []
    assert not (folder / "media.sock").exists()
    with pytest.raises(FileNotFoundError):
        MediaEngineLink(folder / "media.sock")


async def test_a_second_owner_is_refused_while_the_first_lives(gateway: MediaGateway, tmp_path: Path) -> None:
    with pytest.raises(ConnectionAbortedError, match="another switch has this media engine"):
        MediaEngineLink(tmp_path / "media.sock")
    with Party() as phone:
        local = opened(gateway, A, phone)
        gateway.echo(A)
        await until(lambda: gateway.stats["legs_open"] == 1)
        sent = phone.send(local)
        assert await phone.hear() == sent


async def test_what_is_no_frame_ends_the_connection_and_not_the_engine(process: EngineProcess, tmp_path: Path) -> None:
    process.reach().abandon()
    engine = engine_id(tmp_path)
    greeting = b"SOFTSWME" + struct.pack("<I", 1)
    broken = (
        b"GET / HTTP/1.1\r\n\r\n",
        b"SOFTSWME" + struct.pack("<I", 99) + bytes(64),
        greeting + struct.pack("<I", 0x7FFFFFFF),
        greeting + struct.pack("<I", 64) + b"\xff" * 64,
        greeting + os.urandom(4096),
        greeting + struct.pack("<I", 3) + b"\0",
    )
    for bytes_ in broken:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(tmp_path / "media.sock"))
            peer.settimeout(PATIENCE)
            peer.sendall(bytes_)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "media.sock"))
        peer.settimeout(PATIENCE)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            # It asks for figures for ever, and reads none.
            peer.sendall(greeting + (struct.pack("<I", 1) + b"\3") * 3_000_000)
    link = process.reach()
    assert engine_id(tmp_path) == engine
    assert link.stats()["panics"] == 0
    link.close()


async def test_when_the_engine_dies_its_calls_are_told_their_figures_stay_and_another_takes_its_place(
    gateway: MediaGateway, told: Told, tmp_path: Path
) -> None:
    ended: list[str] = []
    with Party(ssrc=1) as one, Party(ssrc=2) as other:
        to_one, _ = opened(gateway, A, one), opened(gateway, B, other)
        gateway.bridge(A, B)
        gateway.open_mix(MixId("room"), failed=ended.append)
        await until(lambda: gateway.stats["legs_open"] == 2)
        for _ in range(10):
            one.send(to_one)
            await other.hear()
        os.kill(engine_id(tmp_path), signal.SIGKILL)
        assert {await told.next(), await told.next()} == {("lost", A, ""), ("lost", B, "")}
        assert ended == ["the media engine has died"]
        with pytest.raises(Rejected) as refused:
            gateway.open(LegId("next.1"))
        assert refused.value.cause is Cause.SWITCH_CONGESTION
        assert gateway.figures(A).received == gateway.figures(B).sent == 10
        assert gateway.heard(A) == 10
        gateway.silence(B)  # what is ordered of one that is gone harms nothing
        await until(lambda: gateway.has_engine)
        gateway.close(A)
        assert gateway.figures(B).sent == 10
        gateway.close(B)
        assert gateway.stats["legs_open"] == 0
        local = opened(gateway, LegId("next.1"), one)
        gateway.echo(LegId("next.1"))
        await until(lambda: gateway.stats["legs_open"] == 1)
        sent = one.send(local)
        heard = await one.hear()
        assert heard == sent


async def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(OSError, match="others may write to this folder"):
        await asyncio.to_thread(engine_process(folder).reach)


async def test_two_engines_do_not_share_a_socket(gateway: MediaGateway, tmp_path: Path) -> None:
    (tmp_path / "media.sock").unlink()
    with pytest.raises(OSError, match="a media engine is there already"):
        await asyncio.to_thread(engine_process(tmp_path).reach)


def test_a_link_can_be_asked_all_that_an_engine_can() -> None:
    assert set(dir(MediaEngine)) <= set(dir(MediaEngineLink))


async def test_while_a_long_prompt_is_made_orders_are_carried_out(process: EngineProcess) -> None:
    link = process.reach()
    quarter_hour = array("h", range(1000)).tobytes() * 8 * 900
    loading = asyncio.create_task(asyncio.to_thread(link.add_prompt, quarter_hour, 8000))
    orders = 0
    while not loading.done():
        orders += 1
        link.submit([MediaCommand.Open(leg=0, epoch=orders), MediaCommand.Echo(leg=0)])
        assert link.stats()["legs_open"] == 1
        link.submit([MediaCommand.Close(leg=0)])
        await asyncio.sleep(0)
    assert orders > 3
    number = await loading
    assert link.add_prompt(quarter_hour, 8000) == number
    assert link.add_prompt(quarter_hour, 16_000) != number, "at another rate it is another sound"
    link.abandon()
    link = process.reach()
    assert link.add_prompt(quarter_hour, 8000) == number, "the next owner has the same one"
    assert link.drain() == []
    with pytest.raises(ValueError, match="the rate must be 4000 to 192000"):
        link.add_prompt(quarter_hour, 1)
    link.close()


async def test_the_gateway_waits_for_the_engine_that_an_operator_begins_again(
    operator: Begin, told: Told, tmp_path: Path
) -> None:
    engine = await operator(tmp_path, "--legs", "2")
    process = EngineProcess(tmp_path / "media.sock", ["/bin/false"], tmp_path / "log")
    (await found(process)).abandon()
    gateway = owner_of(process, told)
    await gateway.start()
    gateway.open(A)
    engine.kill()
    await engine.wait()
    assert await told.next() == ("lost", A, "")
    await asyncio.sleep(0.5)
    assert not gateway.has_engine, "nobody begins one but the operator"
    engine = await operator(tmp_path, "--legs", "2")
    await until(lambda: gateway.has_engine)
    gateway.open(B)
    await gateway.stop()
    assert engine.returncode is None, "it waits for the next switch"
    engine.terminate()
    async with asyncio.timeout(PATIENCE):
        assert await engine.wait() == 0


def test_an_engine_on_another_address_is_not_the_switchs(tmp_path: Path) -> None:
    (tmp_path / "switch.toml").write_text(f"[media]\nsocket = '{tmp_path}/media.sock'\n")
    settings = read_settings(tmp_path / "switch.toml", {}, [Option("--data-dir", "data_dir", str(tmp_path))])
    process = engine_process(tmp_path, "--listen", "127.0.0.2", "--orphan-seconds", "1")
    with pytest.raises(Invalid, match=r"receives sound on 127\.0\.0\.2, and not on 127\.0\.0\.1: end it first"):
        media_engine(settings, process)
    process.wait(PATIENCE)
