"""The switch with its media engine in a process of its own."""

import os
import signal
from pathlib import Path

import pytest

from tests.interop import sipp
from tests.interop.conftest import Admin
from tests.support.server import FEW_LEGS, Server, running

pytestmark = [sipp.needed]


def engine_of(folder: Path) -> int:
    """The process that listens; 0 while one that begins has not said so."""
    return int((folder / "media" / "engine.sock.lock").read_text() or 0)


def calling(server: Server, folder: Path, scenario: str, *options: str, to: str) -> sipp.Sipp:
    target = f"{server.host}:{server.sip_port}"
    return sipp.Sipp(scenario, folder, target, "-s", to, "-m", "1", *options)


@pytest.mark.parametrize("recorded", [False, True], ids=["", "recorded"])
def test_calls_end_with_the_engine_that_dies_and_the_next_has_another_one(tmp_path: Path, recorded: bool) -> None:
    socket = tmp_path / "media" / "engine.sock"
    with running(tmp_path, "--media-socket", str(socket), environment=FEW_LEGS) as server:
        admin = Admin(server)
        first = engine_of(tmp_path)
        hung_up = calling(server, tmp_path, "uac_hung_up", to="9197")
        (live,) = admin.eventually(lambda: admin.all("/calls"), lambda calls: calls and calls[0]["answered_at"])
        if recorded:
            admin.post(f"/calls/{live['call_id']}/recordings")
            file = tmp_path / "data" / "recordings"
            admin.eventually(
                lambda: [part.stat().st_size for part in file.rglob("*.part")],
                lambda sizes: max(sizes, default=0) > 16_000,
            )
        os.kill(first, signal.SIGKILL)
        hung_up.wait()
        cdr = admin.cdr("9197")
        assert (cdr["disposition"], cdr["cause_code"], cdr["note"]) == ("answered", 41, "the media engine has died")
        assert cdr["legs"][0]["media"]["sent"] > 0, "what had been measured is in the record"
        if recorded:
            (recording,) = admin.eventually(
                lambda: admin.all("/recordings"), lambda found: found and found[0]["state"] == "finished"
            )
            assert recording["note"] == "the media engine has died"
            assert recording["milliseconds"] > 300
        admin.eventually(lambda: engine_of(tmp_path), lambda engine: engine not in (0, first))
        admin.eventually(lambda: admin.metrics(), lambda text: "softswitch_media_engine 1.0" in text)
        again = calling(server, tmp_path, "uac", "-d", "500", to="9196")
        again.wait()
        admin.nothing_live()
        admin.close()
    assert not socket.exists(), "the engine has ended with the switch"


def test_a_switch_that_was_killed_leaves_an_engine_that_the_next_one_owns(tmp_path: Path) -> None:
    socket = tmp_path / "media" / "engine.sock"
    options = ("--media-socket", str(socket))
    with running(tmp_path, *options, environment=FEW_LEGS) as server:
        engine = engine_of(tmp_path)
        server.process.kill()
        server.process.wait()
    with running(tmp_path, *options, environment=FEW_LEGS) as server:
        assert engine_of(tmp_path) == engine
        talking = calling(server, tmp_path, "uac", "-d", "500", to="9197")
        talking.wait()
        admin = Admin(server)
        assert admin.cdr("9197")["legs"][0]["media"]["sent"] > 10
        admin.close()
    assert not socket.exists()
