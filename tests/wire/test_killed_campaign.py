"""A switch that is killed while it calls for a list calls nobody twice, and goes on with the list."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.bare_phone import BarePhone
from tests.support.server import FEW_LEGS, Server, running


def post(server: Server, path: str, body: Any) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v1{path}",
        json.dumps(body).encode(),
        {"Authorization": "Bearer demo-admin", "Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).close()


def records(server: Server) -> list[tuple[str, str, str, int]]:
    """Number, state, outcome and attempts of each record."""
    rows = server.get("/api/v1/campaigns/spring/records")["items"]
    return [(row["number"], row["state"], row["outcome"], row["attempts"]) for row in rows]


def rung_for(phone: BarePhone) -> str:
    """The number that the phone is shown when it rings."""
    while not (said := phone._socket.recv(65_536).decode()).startswith("INVITE "):
        pass
    shown = re.search(r"^From: .*?sip:(\w+)@", said, re.MULTILINE)
    assert shown is not None, said
    return shown[1]


def test_a_killed_switch_calls_nobody_twice_and_goes_on_with_the_list(tmp_path: Path) -> None:
    with running(tmp_path, environment=FEW_LEGS) as server, BarePhone(server.sip, timeout=30) as phone:
        assert phone.register("1011", "demo-1011") == 200
        post(server, "/agents/alice/sign-on", {})
        post(server, "/campaigns", {"name": "spring", "mode": "progressive", "agents": ["alice"]})
        post(server, "/campaigns/spring/records", [{"number": "1001", "priority": 1}, {"number": "1002"}])
        post(server, "/campaigns/spring/run", {})
        assert rung_for(phone) == "1001"
        assert records(server) == [("1001", "dialling", "", 1), ("1002", "waiting", "", 0)]
        server.process.kill()
        server.process.wait()

        with running(tmp_path, environment=FEW_LEGS) as after:
            # Alice is signed on as before, and her phone is registered still: the next number is called for her.
            while rung_for(phone) != "1002":
                pass  # what the switch that is gone had sent again
            assert records(after)[0] == ("1001", "closed", "lost", 1)
            assert after.get("/api/v1/campaigns/spring")["state"] == "running"
            after.process.kill()  # it would wait for the phone that rings
            after.process.wait()
