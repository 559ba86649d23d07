"""A list calls a real phone for an agent at another (pjsua2)."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import FEW_LEGS, Server

pytestmark = [phones.needed]

FILE = "number;name;priority\n1001;Anna;1\n1002;Ben;0\n"
"""1001 is a phone that answers; at 1002 none is registered."""


def begin(server: Server, admin: Admin, **rules: Any) -> None:
    """Alice signs on, and a list runs for her."""
    admin.post("/agents/alice/sign-on")
    admin.post("/campaigns", name="spring", agents=["alice"], caller_id="5550100", wrap_up_ms=0, **rules)
    answer = httpx.post(
        f"{server.url}/api/v1/campaigns/spring/records/upload",
        content=FILE,
        headers={"Authorization": "Bearer demo-admin"},
        trust_env=False,
    )
    assert answer.json()["added"] == 2, answer.text
    post(server, "/campaigns/spring/run")


def post(server: Server, path: str) -> None:
    """An order that is answered without a body."""
    headers = {"Authorization": "Bearer demo-admin"}
    httpx.post(f"{server.url}/api/v1{path}", headers=headers, trust_env=False).raise_for_status()


def records(admin: Admin) -> list[tuple[str, str, str, int]]:
    """Number, state, outcome and attempts of each record."""
    return [
        (row["number"], row["state"], row["outcome"], row["attempts"]) for row in admin.all("/campaigns/spring/records")
    ]


async def test_an_agent_takes_a_record_and_talks_with_whom_it_is_and_the_next_is_unreachable(tmp_path: Path) -> None:
    server = await asyncio.to_thread(Server.start, tmp_path, environment=FEW_LEGS)
    admin = Admin(server)
    try:
        agent = Phone(server, "1011", tmp_path, tone=440, answer=200)
        customer = Phone(server, "1001", tmp_path, tone=500, answer=200)
        async with ready(agent, customer):
            begin(server, admin, mode="preview")
            shown = admin.eventually(
                lambda: admin.get("/agents/alice")["state"], lambda state: state == "outbound"
            ) and admin.get("/agents/alice/preview")
            assert (shown["number"], shown["attributes"]) == ("1001", {"name": "Anna"})
            post(server, "/agents/alice/preview/accept")
            came = await customer.rings()
            await customer.state("confirmed")
            await agent.state("confirmed")
            await asyncio.sleep(1.5)
            await customer.leave()
            await agent.state("disconnected")
            admin.eventually(lambda: admin.get("/agents/alice/preview")["number"], lambda number: number == "1002")
            post(server, "/agents/alice/preview/accept")
            admin.eventually(lambda: records(admin), lambda rows: all(row[1] == "closed" for row in rows))
        assert "5550100" in str(came)
        assert agent.heard().frequency == pytest.approx(500, abs=3)
        assert customer.heard().frequency == pytest.approx(440, abs=3)
        assert records(admin) == [("1001", "closed", "answered", 1), ("1002", "closed", "failed", 1)]
        assert admin.get("/campaigns/spring")["outcomes"] == {"answered": 1, "failed": 1}
    finally:
        admin.close()
        server.stop()
