"""SIPVicious, which most scans on the internet are made with, finds nothing here and is banned."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bare_phone import BarePhone
from tests.support.server import FEW_LEGS, Server, running

pytest.importorskip("sipvicious")

DISGUISED = (
    "import sipvicious.libs.svhelper as h, sipvicious.{tool} as t; real = h.makeRequest; "
    "t.makeRequest = lambda *a, **k: real(*a, **(k | dict(useragent='Yealink SIP-T46G'))); t.main()"
)


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Server]:
    """One of its own for each tool: they all come from 127.0.0.1, whatever they are told."""
    with running(tmp_path / "switch", environment=FEW_LEGS) as server:
        yield server
        with BarePhone(server.sip, "127.0.0.46") as phone:
            assert phone.register("1001", "demo-1001") == 200, "phones elsewhere notice nothing"


def run(folder: Path, tool: str, *options: str, disguised: bool = False) -> str:
    """What a tool of it says; it ends by itself."""
    program = DISGUISED.format(tool=tool) if disguised else f"from sipvicious.{tool} import main; main()"
    finished = subprocess.run(
        [sys.executable, "-c", program, "-P", "0", "-v", *options],
        cwd=folder,
        env={"HOME": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return finished.stdout + finished.stderr


def reasons(switch: Server) -> dict[str, str]:
    return {ban["network"]: ban["reason"] for ban in switch.get("/api/v1/bans")["items"]}


def test_svmap_finds_no_switch(switch: Server, tmp_path: Path) -> None:
    said = run(tmp_path, "svmap", "-p", str(switch.sip_port), "127.0.0.1")
    assert "Softswitch" not in said, said
    assert "found nothing" in said, said
    assert reasons(switch) == {"127.0.0.1": "agent"}


def test_svwar_finds_no_extension(switch: Server, tmp_path: Path) -> None:
    said = run(tmp_path, "svwar", "-p", str(switch.sip_port), "-e", "990-1200", "127.0.0.1", "--maximumtime", "3")
    assert not [number for number in range(1001, 1021) if f"| {number}" in said], said
    assert reasons(switch) == {"127.0.0.1": "agent"}


def test_svwar_in_disguise_gives_up_because_every_extension_is_answered_alike(switch: Server, tmp_path: Path) -> None:
    options = ("-p", str(switch.sip_port), "-e", "990-1200", "127.0.0.1", "--maximumtime", "3")
    for more in ((), ("--force",)):
        said = run(tmp_path, "svwar", *options, *more, disguised=True)
        assert "found nothing" in said or "authentication request for an unknown extension" in said, said
        assert "| 1001" not in said, said
    # A handful of challenges is nobody's fault.
    assert reasons(switch) == {}


@pytest.mark.parametrize("disguised", [False, True])
def test_svcrack_finds_no_password(switch: Server, tmp_path: Path, disguised: bool) -> None:
    words = tmp_path / "words"
    words.write_text("".join(f"guess-{number}\n" for number in range(200)) + "demo-1001\n")
    said = run(
        tmp_path, "svcrack", "-p", str(switch.sip_port), "-u", "1001", "-d", str(words), "127.0.0.1",
        "--maximumtime", "3", disguised=disguised,
    )  # fmt: skip
    assert "demo-1001" not in said, said
    assert reasons(switch) == {"127.0.0.1": "password" if disguised else "agent"}
