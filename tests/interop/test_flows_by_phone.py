"""A real phone (pjsua2) in the menu: its way is the one that the simulator tells of the same script of keys."""

import asyncio
from pathlib import Path

import pytest

import ivr_flows
from softswitch.features.ivr.simulator import script
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

DECIDES = ("menu", "collect", "transfer", "language")
"""Kinds of nodes that are the same by day and by night, when the menu says that it is late."""


@pytest.mark.parametrize("press", [",,,,,9,,1", ",,,,,7,,3,,1012#"])
async def test_a_phone_goes_the_way_that_the_simulator_tells(switch: Server, tmp_path: Path, press: str) -> None:
    admin = Admin(switch)
    alice, bob = Phone(switch, "1011", tmp_path), Phone(switch, "1012", tmp_path, answer=200)
    desk = Phone(switch, "1013", tmp_path, answer=200)
    async with ready(alice, bob, desk):
        if press.endswith(",1"):
            admin.post("/agents/carol/sign-on")
        await alice.do("dial", number="5000")
        await alice.state("confirmed")
        clock = asyncio.get_running_loop().time
        began = clock()
        for after, key in script(press):
            await asyncio.sleep(max(0.0, began + after - clock()))
            await alice.do("digit", call=1, digit=key)
        other = desk if press.endswith("1") else bob
        await other.state("confirmed")
        await asyncio.sleep(1.5)
        await alice.do("hangup", call=1)
        await alice.state("disconnected")
        await other.state("disconnected")
    told = ivr_flows.call("main", press, people={"1012": "Demo 1012"})
    (path, *_) = admin.eventually(lambda: admin.all("/flows/main/paths"), lambda paths: paths)
    steps = [(step["node"], step["result"]) for step in path["steps"] if step["kind"] in DECIDES]
    assert steps == [(step.node, step.result) for step in told.path.steps if step.kind in DECIDES]
    assert (path["outcome"], path["destination"]) == ("transferred", str(told.destination))
    assert alice.heard(0.0, 4.0).audible_seconds > 1, "it heard the menu"
