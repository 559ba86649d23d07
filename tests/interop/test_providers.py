"""Trunks to things that were not written here: Kamailio as a provider, SIPp as gateways, and another switch."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import sipp
from tests.interop.conftest import Admin, CallTo
from tests.support.server import Server, free_sip_port, running

PEERS = Path(__file__).parent / "peers"


@pytest.fixture(autouse=True)
def no_trunk_left(admin: Admin) -> Iterator[None]:
    """Each test makes its own trunks."""
    yield
    for path in ("/trunk-groups", "/trunks"):
        for each in admin.all(path):
            if each["name"] != "uas":
                admin.delete(f"{path}/{each['name']}")
    admin.patch("/trunks/uas", gateways=[], health={"every_seconds": 0})


def state(admin: Admin, name: str) -> Any:
    return admin.get(f"/trunks/{name}")["state"]


def registered(admin: Admin, name: str) -> Any:
    """A trunk's state once its registration holds. A far end that is too busy for the first try gets a second one."""
    return admin.eventually(lambda: state(admin, name), lambda now: now["registration"]["state"] == "up", within=60)


# SIPp as gateways --------------------------------------------------------------------------------------------


@sipp.needed
def test_a_call_goes_by_the_second_gateway_when_the_first_says_503(
    switch: Server, admin: Admin, caller: CallTo, tmp_path: Path
) -> None:
    with (
        sipp.running("uas_refuses", tmp_path, "-m", "1", status="503", reason="Service Unavailable") as first,
        sipp.running("uas", tmp_path, "-m", "1", "-d", "200") as second,
    ):
        admin.patch("/trunks/uas", port=first.port, gateways=[{"host": "127.0.0.1", "port": second.port}])
        caller("uac", to="80901").wait()
        first.wait()
        second.wait()
    cdr = admin.cdr("80901")
    assert cdr["disposition"] == "answered"
    attempts = [(leg["target"], leg["status"]) for leg in cdr["legs"] if leg["role"] == "called"]
    assert attempts == [
        (f"sip:80901@127.0.0.1:{first.port}", 503),
        (f"sip:80901@127.0.0.1:{second.port}", None),
    ]
    trace = str(admin.get(f"/calls/{cdr['call_id']}/trace"))
    assert "the next gateway is tried (503" in trace


@sipp.needed
def test_a_gateway_that_is_dead_is_known_to_be_and_passed_by(admin: Admin, caller: CallTo, tmp_path: Path) -> None:
    dead = free_sip_port("127.0.0.1")
    with sipp.running("uas", tmp_path, "-m", "1", "-d", "200") as alive:
        asked = {"every_seconds": 1, "within_seconds": 0.5, "down_after": 1}
        admin.post("/trunks", name="dying", host="127.0.0.1", port=dead, context="guest", health=asked)
        admin.post("/trunks", name="alive", host="127.0.0.1", port=alive.port, context="guest")
        members = [{"trunk": "dying", "cost": 0}, {"trunk": "alive", "cost": 1}]
        admin.post("/trunk-groups", name="out", members=members)
        admin.eventually(lambda: state(admin, "dying"), lambda now: now["gateways"][0]["state"] == "down")
        admin.post(
            "/routes", context="guest", name="by-group", number="80902", destination="trunk-group/out", position=1
        )
        try:
            explained = admin.post("/routes/explain", **{"from": "sipp", "to": "80902"})
            assert [(s["rule"], s["result"]) for s in explained["steps"][-2:]] == [
                ("trunk/dying", "skipped"),
                ("trunk/alive", "matched"),
            ]
            assert "is down: no answer to OPTIONS" in explained["steps"][-2]["reason"]
            caller("uac", to="80902").wait()
            alive.wait()
        finally:
            admin.delete("/routes/guest/by-group")
    cdr = admin.cdr("80902")
    assert (cdr["disposition"], cdr["legs"][1]["destination"]) == ("answered", "trunk/alive")


# Kamailio as a provider ----------------------------------------------------------------------------------------


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A provider's port, and the port that it sends calls to."""
    port, uas = free_sip_port("127.0.0.1"), free_sip_port("127.0.0.1")
    configuration = tmp_path / "provider.cfg"
    configuration.write_text((PEERS / "provider.cfg").read_text().replace("{{uas_port}}", str(uas)))
    with (tmp_path / "kamailio.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "kamailio",
                "-DD",
                "-E",
                "-f",
                str(configuration),
                "-l",
                f"udp:127.0.0.1:{port}",
                "-m",
                "64",
                "-Y",
                str(tmp_path),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            await_options(port, tmp_path / "kamailio.log")
            yield port, uas
        finally:
            process.terminate()
            process.wait(10)


def await_options(port: int, log: Path) -> None:
    request = (
        f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKready;rport\r\n"
        "From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    give_up = time.perf_counter() + 15
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        while time.perf_counter() < give_up:
            with contextlib.suppress(OSError):
                probe.sendto(request, ("127.0.0.1", port))
                probe.recv(4096)
                return
    raise AssertionError(f"Kamailio does not answer\n{log.read_text(errors='replace')[-4000:]}")


def trunk_to(admin: Admin, port: int, **more: Any) -> None:
    admin.post(
        "/trunks",
        name="provider",
        host="127.0.0.1",
        port=port,
        context="guest",
        login={"username": "4930123", "password": "s3cret"},
        **{"registration": {"mode": "register", "expires": 60}} | more,
    )


@sipp.needed
@pytest.mark.skipif(shutil.which("kamailio") is None, reason="Kamailio is not installed: apt-get install kamailio")
def test_a_provider_takes_our_registration_and_calls_go_both_ways(
    switch: Server, admin: Admin, caller: CallTo, provider: tuple[int, int], tmp_path: Path
) -> None:
    port, uas_port = provider
    trunk_to(admin, port, health={"every_seconds": 1, "within_seconds": 0.5})
    now = registered(admin, "provider")
    assert now["registration"]["status"] == 200  # after a 423: the provider keeps no registration for a minute alone
    admin.eventually(lambda: state(admin, "provider"), lambda now: now["gateways"][0]["state"] == "up")
    admin.post("/routes", context="guest", name="out", number="80903", destination="trunk/provider", position=1)
    admin.post("/routes", context="guest", name="in", number="4930123", destination="echo", position=1)
    try:
        with sipp.running("uas", tmp_path, "-m", "1", "-d", "200", port=uas_port) as uas:
            caller("uac", to="80903").wait()
            uas.wait()
        out = admin.cdr("80903")
        assert (out["disposition"], out["destination"]) == ("answered", "trunk/provider")
        ladder = [line["what"] for line in admin.get(f"/calls/{out['call_id']}/trace")["ladder"]]
        assert any(what.startswith("407 ") for what in ladder)
        with sipp.running("uac", tmp_path, f"127.0.0.1:{port}", "-s", "4930123", "-m", "1", "-d", "300") as uac:
            uac.wait()
        came = admin.cdr("4930123")
        assert (came["disposition"], came["origin"], came["destination"]) == ("answered", "trunk/provider", "echo")
    finally:
        admin.delete("/routes/guest/out")
        admin.delete("/routes/guest/in")
    admin.nothing_live()


@pytest.mark.skipif(shutil.which("kamailio") is None, reason="Kamailio is not installed: apt-get install kamailio")
def test_a_wrong_password_at_a_provider_is_told_plainly(admin: Admin, provider: tuple[int, int]) -> None:
    trunk_to(admin, provider[0])
    registered(admin, "provider")
    admin.patch("/trunks/provider", login={"password": "wrong"})
    now = admin.eventually(lambda: state(admin, "provider"), lambda now: now["registration"]["state"] == "down")
    assert now["registration"]["status"] == 401
    assert now["registration"]["reason"] == "it refuses our name or password (401 Unauthorized)"
    metrics = admin.metrics()
    assert 'softswitch_trunk_registered{trunk="provider"} 0.0' in metrics


# Another switch ------------------------------------------------------------------------------------------------


def test_two_switches_are_each_others_trunk(switch: Server, admin: Admin, tmp_path: Path) -> None:
    """One registers at the other as account 1005, which may then be called and call."""
    with running(tmp_path / "far") as far:
        beyond = Admin(far)
        admin.post(
            "/trunks",
            name="far",
            host="127.0.0.1",
            port=far.sip[1],
            context="guest",
            login={"username": "1005", "password": "demo-1005"},
            registration={"mode": "register"},
            identity={"from_user": "login"},
        )
        registered(admin, "far")
        (binding,) = [each for each in beyond.all("/registrations") if each["aor"] == "1005"]
        assert binding["contact"].startswith("sip:")
        admin.post("/routes", context="guest", name="in", number="1005", destination="echo", position=1)
        try:
            # The far switch rings 1005, which is this switch, whose echo answers; then it dials its own echo.
            call = beyond.post("/calls", **{"from": "1005", "to": "9196"})
            admin.eventually(lambda: admin.all("/calls"), lambda live: len(live) == 1)
            beyond.delete(f"/calls/{call['call_id']}")
            came = admin.cdr("1005")
            assert (came["disposition"], came["origin"]) == ("answered", "trunk/far")
        finally:
            admin.delete("/routes/guest/in")
        beyond.close()


@sipp.needed
def test_a_pbx_with_many_numbers_registers_once_and_is_called_by_each(
    switch: Server, admin: Admin, caller: CallTo, tmp_path: Path
) -> None:
    """RFC 6140 from both ends: another switch registers here in bulk, and is called by two of its numbers."""
    admin.post(
        "/trunks",
        name="branch",
        context="guest",
        peer={"username": "branch", "password": "s3cret-branch"},
        pbx={"registers": True, "numbers": ["80950-80959"]},
    )
    for name in ("80951", "80952"):
        admin.post("/routes", context="guest", name=name, number=name, destination=f"pbx/{name}", position=1)
    try:
        explained = admin.post("/routes/explain", **{"from": "1001", "to": "80951"})
        assert explained["destination"] == {"kind": "pbx", "name": "80951"}
        with running(tmp_path / "pbx") as pbx:
            behind = Admin(pbx)
            behind.post(
                "/trunks",
                name="home",
                host="127.0.0.1",
                port=switch.sip[1],
                context="guest",
                login={"username": "branch", "password": "s3cret-branch"},
                registration={"mode": "bulk"},
            )
            behind.post("/routes", context="guest", name="all", number="8095X", destination="echo", position=1)
            registered(behind, "home")
            (binding,) = [each for each in admin.all("/registrations") if each["aor"] == "branch"]
            assert binding["contact"].endswith(";bnc")
            assert state(admin, "branch")["contacts"] == [binding["contact"]]
            for number in ("80951", "80952"):
                caller("uac", to=number).wait()
                cdr = admin.cdr(number)
                assert (cdr["disposition"], cdr["legs"][1]["destination"]) == ("answered", "trunk/branch")
                assert cdr["legs"][1]["target"].startswith(f"sip:{number}@127.0.0.1:")
                assert behind.cdr(number)["destination"] == "echo"
            behind.close()
    finally:
        for name in ("80951", "80952"):
            admin.delete(f"/routes/guest/{name}")
    admin.nothing_live()
