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
"""


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
async def linphone(server: Server, admin: Admin, account: str, folder: Path) -> AsyncIterator[Linphone]:
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
        )
    )
    process = await asyncio.create_subprocess_exec(
        "linphonec", "-c", str(file),
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
