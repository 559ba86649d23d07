"""linphone (Debian's linphonec, without sound devices) registers, calls, and exchanges messages through the switch."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.interop.pictures import RED, at_places
from tests.support.server import Server, free_sip_port

pytestmark = [
    pytest.mark.skipif(shutil.which("linphonec") is None, reason="apt-get install linphone-cli"),
]

CONFIGURATION = """\
[sip]
sip_port={port}
sip_tcp_port=-1
sip_tls_port=-1
default_proxy=0
[proxy_0]
reg_proxy=<sip:{server}>
reg_identity=sip:{account}@{server}
reg_expires=300
reg_sendregister=1
[auth_info_0]
username={account}
passwd=demo-{account}
realm=softswitch
domain={host}
[net]
stun_server=
[rtp]
audio_rtp_port={sound}
video_rtp_port={pictures}
"""
SEES = """\
[video]
enabled=1
capture=1
display=1
automatically_initiate=1
automatically_accept=1
device=StaticImage: Static picture
"""
"""A picture that it has with it is its camera."""


class Linphone:
    """A linphonec at its prompt."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = ""

    async def do(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def says(self, words: str) -> None:
        """Until it prints these words; what came before them is done with."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(WITHIN):
                while words not in self._said:
                    data = await self._process.stdout.read(4096)
                    assert data, f"linphonec ended without saying {words!r}: {self._said[-1000:]}"
                    self._said += data.decode(errors="replace")
        except TimeoutError:
            raise AssertionError(f"linphonec did not say {words!r}: {self._said[-1000:]}") from None
        self._said = self._said.partition(words)[2]


@contextlib.asynccontextmanager
async def linphone(
    server: Server, admin: Admin, account: str, folder: Path, *, video: bool = False
) -> AsyncIterator[Linphone]:
    """A registered linphonec."""
    home = folder / f"linphone-{account}"
    for path in (".local/share/linphone", ".config/linphone"):
        (home / path).mkdir(parents=True)
    file = home / "rc"
    file.write_text(
        CONFIGURATION.format(
            port=free_sip_port(server.host),
            server=f"{server.host}:{server.sip_port}",
            host=server.host,
            account=account,
            sound=free_sip_port(server.host),
            pictures=free_sip_port(server.host),
        )
        + (SEES if video else "")
    )
    process = await asyncio.create_subprocess_exec(
        "linphonec", *(("-V", "-C", "-D") if video else ()), "-c", str(file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""},
        cwd=home,
    )  # fmt: skip
    try:
        await asyncio.to_thread(
            admin.eventually, lambda: admin.all("/registrations", aor=account), lambda found: len(found) == 1
        )
        yield Linphone(process)
        assert process.stdin is not None
        process.stdin.write(b"quit\n")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_linphone_calls_and_hangs_up(switch: Server, admin: Admin, tmp_path: Path) -> None:
    async with linphone(switch, admin, "1018", tmp_path) as phone:
        await phone.do(f"call sip:9197@{switch.host}:{switch.sip_port}")
        await phone.says("connected")
        await phone.says("Media streams established")
        await phone.do("terminate")
        await phone.says("ended (No error)")

    cdr = admin.cdr("9197")
    assert (cdr["disposition"], cdr["from"], cdr["origin"]) == ("answered", "1018", "account/1018")


@phones.needed
async def test_linphone_and_pjsua_write_to_each_other(switch: Server, admin: Admin, tmp_path: Path) -> None:
    bob = Phone(switch, "1020", tmp_path)
    async with ready(bob), linphone(switch, admin, "1019", tmp_path) as phone:
        await phone.do(f"chat sip:1020@{switch.host}:{switch.sip_port} hello from linphone")
        came = await bob.expect("message", within=WITHIN)
        assert (came["text"], came["kind"]) == ("hello from linphone", "text/plain")
        await bob.do("message", number="1019", text="hello from pjsua")
        await phone.says("hello from pjsua")
        await bob.expect("message sent", within=WITHIN, status=200)


async def test_linphone_sees_a_room_and_is_seen_there(switch: Server, admin: Admin, tmp_path: Path) -> None:
    pytest.importorskip("baresip")
    from tests.interop.test_video_of_phones import sees_at, showing, video_phones

    admin.patch("/conferences/3000", pictures="compose", layout="2x2")
    try:
        async with (
            linphone(switch, admin, "1018", tmp_path, video=True) as phone,
            video_phones(switch, "1014", size=(1280, 720)) as (alice,),
        ):
            call = await alice.dial(f"sip:3000@{switch.host}:{switch.sip_port}", video=True)
            await call.wait_established(WITHIN)
            async with showing((call, RED)):
                await phone.do(f"call sip:3000@{switch.host}:{switch.sip_port}")
                await phone.says("Media streams established")
                await sees_at(call, (0.25, 0.2, RED))
                seen = tmp_path / "seen.jpg"
                async with asyncio.timeout(WITHIN):
                    while not (seen.exists() and at_places(seen, (0.25, 0.2, RED))):
                        await phone.do(f"snapshot {seen}")
                        await asyncio.sleep(0.5)
                (_, member) = admin.all("/conferences/3000/members")
                assert (member["number"], member["terminal"]) == ("1018", "video")
                await phone.do("terminate")
                await phone.says("ended (No error)")
            await call.hangup()
    finally:
        admin.patch("/conferences/3000", pictures="switch", layout="speaker")

    cdr = next(cdr for cdr in admin.cdrs("3000", 2) if cdr["from"] == "1018")
    ((sent,),) = [leg["video"] for leg in cdr["legs"]]
    assert (sent["codec"], sent["lost"]) == ("VP8", 0)
    assert sent["frames"] > 0 and sent["width"] > 0
