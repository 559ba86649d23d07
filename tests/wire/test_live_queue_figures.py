"""The figures of a running switch: they follow at once, are told as alarms, and outlive its death."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.support.server import FEW_LEGS, Server, running

LIMIT = 30.0


def admin(server: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1", headers={"Authorization": "Bearer demo-admin"}, timeout=30)


def state_of(client: httpx.Client, agent: str) -> str | None:
    agents = {each["agent"]: each for each in client.get("/live/agents").json()["items"]}
    return agents[agent]["state"] if agent in agents else None


def settled(look: Callable[[], Any]) -> Any:
    """What is not empty in the end."""
    give_up = time.monotonic() + LIMIT  # noqa: TID251
    while not (found := look()) and time.perf_counter() < give_up:
        time.sleep(0.05)
    return found


def test_figures_alarms_and_a_death(tmp_path: Path) -> None:
    with running(tmp_path, environment=FEW_LEGS) as server, admin(server) as client:
        queues = {queue["queue"]: queue for queue in client.get("/live/queues").json()["items"]}
        assert {"sales", "support"} <= set(queues)
        assert queues["sales"]["agents"]["logged_out"] >= 3 and queues["sales"]["balanced"]
        alarm = {
            "name": "lunch", "of": "agent", "figure": "not_ready_seconds", "target": 0, "warning": 0.5, "hold_ms": 0,
        }  # fmt: skip
        assert client.post("/alarms", json=alarm).status_code == 201
        assert client.post("/agents/alice/sign-on", json={"seat": "1011"}).status_code == 200
        assert state_of(client, "alice") == "available"  # in the answer after the fact
        now = client.get("/live/queues/sales").json()
        assert now["agents"]["available"] == 1
        with connect(
            f"{server.url.replace('http', 'ws')}/api/v1/events?types=QueueAlarmChanged",
            additional_headers={"Authorization": "Bearer demo-admin"},
        ) as events:
            assert client.post("/agents/alice/not-ready", json={"reason": "lunch"}).status_code == 200
            told = json.loads(events.recv(LIMIT))
        assert (told["subject"], told["figure"], told["before"]) == ("alice", "not_ready_seconds", "target")
        assert settled(lambda: client.get("/alarms/lunch").json()["standing"][0]["level"] == "warning")
        (whole,) = client.get("/reports/agents", params={"since": now["since"]}).json()["totals"]
        assert whole["agent"] == "alice" and whole["states"]["not_ready: lunch"] > 0
        assert server.metrics()["softswitch_queue_accounts_off"] == 0
        server.process.kill()
        server.process.wait()

    with running(tmp_path, environment=FEW_LEGS) as server, admin(server) as client:
        assert client.get("/alarms/lunch").json()["figure"] == "not_ready_seconds"
        assert state_of(client, "alice") == "not_ready"  # signed on anew, as it was
        (again,) = client.get("/reports/agents", params={"since": now["since"]}).json()["totals"]
        assert again["states"]["not_ready: lunch"] >= whole["states"]["not_ready: lunch"]
        assert again["states"]["available"] == whole["states"]["available"]  # nobody worked while the switch was dead
        assert server.metrics()["softswitch_queue_accounts_off"] == 0
