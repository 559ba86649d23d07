"""What is measured: our switch, and peers where they are installed, each alone on its core."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.processes import SERVER_CORE, cpu_seconds, pinned, resident_bytes
from tests.support.server import Server, free_sip_port

ADMIN = {"Authorization": "Bearer demo-admin"}
PEERS = Path(__file__).parent / "peers"
_SIPPY = "b2bua_simple"


@dataclass(frozen=True)
class Target:
    """Something that takes calls and registrations over UDP."""

    name: str
    pid: int
    port: int
    url: str = ""
    """Of the admin plane, where there is one."""

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        return resident_bytes(self.pid)

    def live_calls(self) -> int:
        """As many as the admin plane lists."""
        count, cursor = 0, None
        while True:
            page = (
                httpx.get(
                    f"{self.url}/api/v1/calls",
                    params={"limit": 500} | ({"cursor": cursor} if cursor else {}),
                    headers=ADMIN,
                    trust_env=False,
                    timeout=30,
                )
                .raise_for_status()
                .json()
            )
            count, cursor = count + len(page["items"]), page["next"]
            if cursor is None:
                return count

    def import_accounts(self, accounts: Iterable[tuple[str, str]]) -> None:
        """Make accounts of numbers and passwords."""
        lines = "".join(f"{number},{password},\n" for number, password in accounts)
        httpx.post(
            f"{self.url}/api/v1/accounts/import",
            content=f"number,password,name\n{lines}",
            headers={**ADMIN, "Content-Type": "text/csv"},
            trust_env=False,
            timeout=120,
        ).raise_for_status()


@contextlib.contextmanager
def switch(folder: Path, uas_port: int, *options: str, environment: dict[str, str] | None = None) -> Iterator[Target]:
    """`softswitch serve --demo --bench` with the trunk "uas" on `uas_port`."""
    command = pinned(SERVER_CORE, sys.executable, "-m", "softswitch")
    server = Server.start(folder, "--bench", *options, command=command, environment=environment or {})
    try:
        httpx.patch(
            f"{server.url}/api/v1/trunks/uas",
            json={"host": "127.0.0.1", "port": uas_port},
            headers=ADMIN,
            trust_env=False,
        ).raise_for_status()
        yield Target("softswitch", server.process.pid, server.sip_port, server.url)
    finally:
        server.stop()


def kamailio_installed() -> bool:
    return shutil.which("kamailio") is not None


@contextlib.contextmanager
def kamailio(folder: Path, uas_port: int) -> Iterator[Target]:
    """Kamailio with our minimal configuration: a proxy and registrar, with no calls, media or records of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_sip_port("127.0.0.1")
    configuration = folder / "kamailio.cfg"
    configuration.write_text((PEERS / "kamailio.cfg").read_text().replace("{{uas_port}}", str(uas_port)))
    with (folder / "kamailio.log").open("wb") as log:
        process = subprocess.Popen(
            pinned(
                SERVER_CORE,
                *("kamailio", "-DD", "-E", "-f", str(configuration)),
                # Its default memory manager searches a list that grows with the load: half a dozen times the work.
                *("-x", "tlsf", "-X", "tlsf"),
                *("-l", f"udp:127.0.0.1:{port}", "-m", "256", "-M", "32", "-Y", str(folder)),
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _await_options(port)
            yield Target("kamailio (proxy)", process.pid, port)
        finally:
            process.terminate()
            process.wait(10)


def sippy_installed() -> bool:
    return shutil.which(_SIPPY) is not None


@contextlib.contextmanager
def sippy(folder: Path, uas_port: int) -> Iterator[Target]:
    """Sippy's simple B2BUA (PyPI `sippy`): pure Python, with neither media nor records; its log of every message is
    left out."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_sip_port("127.0.0.1")
    with (folder / "sippy.log").open("wb") as log:
        process = subprocess.Popen(
            pinned(
                SERVER_CORE,
                *(_SIPPY, "-f", "-l", "127.0.0.1", "-p", str(port), "-n", f"127.0.0.1:{uas_port}"),
                *("-L", str(folder / "messages.log")),
            ),
            env={**os.environ, "SIPLOG_BEND": "none"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _await_options(port)
            yield Target("sippy (B2BUA, no media)", process.pid, port)
        finally:
            process.kill()  # it takes SIGTERM for a wish
            process.wait(10)


def _await_options(port: int, seconds: float = 10.0) -> None:
    """Until something answers on the port: any reply to an OPTIONS will do."""
    request = (
        f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKready;rport\r\n"
        "From: <sip:bench@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 0\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    give_up = time.perf_counter() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        while time.perf_counter() < give_up:
            with contextlib.suppress(OSError):
                probe.sendto(request, ("127.0.0.1", port))
                probe.recv(4096)
                return
    raise RuntimeError(f"nothing answers on port {port}")
