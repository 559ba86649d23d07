"""Debian's baresip as a test's phone: a process that speaks H.264 by FFmpeg, with a film as its camera and a tone as
its microphone. What it sees is read from pictures that it writes when it is told to, what it hears from the file that
it writes all the while."""

import asyncio
import contextlib
import itertools
import json
import shutil
import sys
from array import array
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pytest

from softswitch.phone.sound import write_tone
from tests.interop.phones import WITHIN
from tests.interop.pictures import Colour, Place, at_places
from tests.support.server import Server, free_sip_port, free_tcp_port

MODULES = Path("/usr/lib/baresip/modules")

needed = pytest.mark.skipif(
    shutil.which("baresip") is None or not (MODULES / "avcodec.so").exists(),
    reason="apt-get install baresip-core baresip-ffmpeg",
)

RATE = 8000
"""Samples a second of what it hears: its codec is G.711."""
SIZE = (640, 360)
PER_SECOND = 15
LASTS = 60
"""Seconds of film and tone: neither begins again at its end."""
_HEARD = "dump-*-dec.wav"
_WAV_HEADER = 44
_PNG_END = b"IEND\xaeB\x60\x82"

CONFIGURATION = """\
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module avcodec.so
module avformat.so
module fakevideo.so
module snapshot.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_source aufile,{folder}/tone.wav
ausrc_srate {rate}
auplay_srate {rate}
snd_path {folder}
video_source avformat,{film}
video_display fakevideo,nil
video_size {size[0]}x{size[1]}
video_fps {per_second}
video_bitrate 500000
statmode_default off
"""

Told = dict[str, Any]


class BaresipOfDebian:
    """One phone with one account: `async with BaresipOfDebian(...) as phone`, registered."""

    def __init__(self, server: Server, account: str, folder: Path, *, tone: float, camera: Colour) -> None:
        """`folder` becomes the phone's own. `tone` is what it sends, in Hz, and `camera` the colour of its picture."""
        self._server = server
        self._account = account
        self._folder = folder
        self._tone = tone
        self._camera = camera
        self._tokens = itertools.count(1)
        self._told: list[Told] = []

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        write_tone(self._folder / "tone.wav", self._tone, LASTS, RATE)
        control = free_tcp_port("127.0.0.1")
        configuration = CONFIGURATION.format(
            modules=MODULES,
            control=control,
            sip=free_sip_port("127.0.0.1"),
            folder=self._folder,
            rate=RATE,
            film=self._film(self._camera),
            size=SIZE,
            per_second=PER_SECOND,
        )
        for name, text in (("config", configuration), ("accounts", ""), ("contacts", "")):
            (self._folder / name).write_text(text)
        with (self._folder / "said.log").open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                "baresip", "-f", str(self._folder), cwd=self._folder, stdin=DEVNULL, stdout=said, stderr=said
            )
        try:
            self._reader, self._writer = await self._connected(self._process, control)
            server = f"{self._server.host}:{self._server.sip_port}"
            account = f"<sip:{self._account}@{server}>;auth_pass=demo-{self._account}"
            await self.do("uanew", f"{account};audio_codecs=pcmu;video_codecs=h264")
            await self.tells("REGISTER_OK")
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def do(self, command: str, parameters: str = "") -> None:
        """A command of its menu."""
        token = str(next(self._tokens))
        text = json.dumps({"command": command, "params": parameters, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        await self._writer.drain()
        answer = await self._next(lambda told: told.get("token") == token)
        assert answer["ok"], answer

    async def tells(self, kind: str) -> Told:
        """The next event of a kind that it has told, such as `CALL_ESTABLISHED`."""
        return await self._next(lambda told: told.get("type") == kind)

    async def dial(self, number: str) -> None:
        """Until the call is up."""
        await self.do("dial", f"sip:{number}@{self._server.host}:{self._server.sip_port}")
        await self.tells("CALL_ESTABLISHED")

    async def show(self, colour: Colour) -> None:
        """Another picture from now on."""
        await self.do("vidsrc", f"avformat,{self._film(colour)}")

    async def sees(self, *wanted: Place) -> None:
        """Wait until a picture that comes after this has colours at places."""
        async with asyncio.timeout(WITHIN):
            while not at_places(await self._picture(), *wanted):
                pass

    async def hears(self, seconds: float) -> Sequence[int]:
        """The samples of so long a time from now on."""
        wanted = 2 * round(seconds * RATE)
        async with asyncio.timeout(seconds + WITHIN):
            await until(lambda: any(self._folder.glob(_HEARD)))
            heard = max(self._folder.glob(_HEARD), key=lambda path: path.stat().st_mtime)
            start = max(_WAV_HEADER, heard.stat().st_size)
            await until(lambda: heard.stat().st_size >= start + wanted)
        samples = array("h", heard.read_bytes()[start : start + wanted])
        if sys.byteorder == "big":
            samples.byteswap()
        return samples

    async def _picture(self) -> Path:
        """The next that comes."""
        path = self._folder / "seen.png"
        path.unlink(missing_ok=True)
        await self.do("snapshot_recv", str(path))
        await until(lambda: path.exists() and path.read_bytes().endswith(_PNG_END))
        return path

    def _film(self, colour: Colour) -> Path:
        path = self._folder / f"{colour.y}-{colour.u}-{colour.v}.mp4"
        if not path.exists():
            make_film(path, colour)
        return path

    async def _connected(self, process: Process, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(WITHIN):
            while process.returncode is None:
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection("127.0.0.1", port)
                await asyncio.sleep(0.05)
        raise AssertionError(f"baresip ended:\n{self._said()}")

    async def _next(self, wanted: Callable[[Told], bool]) -> Told:
        try:
            async with asyncio.timeout(WITHIN):
                while True:
                    for told in self._told:
                        if wanted(told):
                            self._told.remove(told)
                            return told
                    self._told.append(await self._read())
        except (TimeoutError, asyncio.IncompleteReadError):
            raise AssertionError(f"baresip told only {self._told[-5:]}, and said:\n{self._said()}") from None

    async def _read(self) -> Told:
        """One netstring of JSON."""
        length = await self._reader.readuntil(b":")
        text = await self._reader.readexactly(int(length[:-1]) + 1)
        told: Told = json.loads(text[:-1])
        return told

    def _said(self) -> str:
        return (self._folder / "said.log").read_text(errors="replace")[-3000:]

    async def _end(self) -> None:
        """It hangs up and goes on SIGTERM."""
        if hasattr(self, "_writer"):
            self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), WITHIN)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def until(true: Callable[[], bool]) -> None:
    """Of files nobody tells."""
    while not true():  # noqa: ASYNC110 - another process writes them
        await asyncio.sleep(0.02)


def make_film(path: Path, colour: Colour) -> None:
    """One picture again and again, each a whole one."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=PER_SECOND)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        planes = np.frombuffer(colour.picture(SIZE), np.uint8).reshape(SIZE[1] * 3 // 2, SIZE[0])
        packets = stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")) + stream.encode(None)
        picture = bytes(packets[0])
        for place in range(LASTS * PER_SECOND):
            packet = av.Packet(picture)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, PER_SECOND), True
            packet.pts = packet.dts = place
            file.mux(packet)
