"""Listeners over HTTP, with sockets that are none."""

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from softswitch.features.listeners.feature import build
from softswitch.features.listeners.service import Listeners
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database
from tests.support.admin_plane import admin_client


class FakeCertificate(NamedTuple):
    path: str
    names: tuple[str, ...]
    expires_at: datetime


class FakeEars:
    """Hears wherever it is told to, but for ports that are taken."""

    def __init__(self) -> None:
        self.bound = [("udp", HostPort("192.0.2.1", 5060))]
        self.taken: set[int] = set()
        self.bad: str | None = None
        self.certificates = [FakeCertificate("a.pem", ("pbx.example",), datetime(2026, 1, 1, tzinfo=UTC))]

    def listen(self, kind: str, address: HostPort) -> HostPort:
        if address.port in self.taken:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {kind} {address}: Address already in use")
        bound = HostPort(address.host, address.port or 40000)
        self.bound.append((kind, bound))
        return bound

    def stop_listening(self, kind: str, address: HostPort) -> None:
        self.bound.remove((kind, address))

    def reload_certificates(self) -> None:
        if self.bad is not None:
            raise Invalid(self.bad, "this is no certificate")
        self.certificates = [FakeCertificate("a.pem", ("new.example",), datetime(2027, 1, 1, tzinfo=UTC))]


@pytest.fixture
def ears() -> FakeEars:
    return FakeEars()


@pytest.fixture
def listeners(ears: FakeEars, tmp_path: Path) -> Listeners:
    return Listeners(ears, tmp_path / "listeners.json")


@pytest.fixture
def client(database: Database, listeners: Listeners) -> httpx.AsyncClient:
    router = build(listeners).router
    assert router is not None
    return admin_client(database, [router])


async def test_a_listener_is_added_shown_and_removed(client: httpx.AsyncClient, ears: FakeEars) -> None:
    added = await client.post("/api/v1/listeners", json={"kind": "tls", "host": "2001:db8::1", "port": 0})
    assert added.status_code == 201
    name = "tls-2001:db8::1-40000".replace(":", "_")
    tls = {"name": name, "kind": "tls", "host": "2001:db8::1", "port": 40000, "added": True}
    assert added.json() == tls
    named = {"name": "udp-192.0.2.1-5060", "kind": "udp", "host": "192.0.2.1", "port": 5060, "added": False}
    assert (await client.get("/api/v1/listeners")).json() == {"items": [tls, named], "next": None}
    assert (await client.get(f"/api/v1/listeners/{name}")).json() == tls
    assert (await client.delete(f"/api/v1/listeners/{name}")).status_code == 204
    assert ears.bound == [("udp", HostPort("192.0.2.1", 5060))]
    assert (await client.get(f"/api/v1/listeners/{name}")).status_code == 404


async def test_an_address_that_is_taken_is_told_and_not_kept(
    client: httpx.AsyncClient, ears: FakeEars, tmp_path: Path
) -> None:
    ears.taken.add(5061)
    refused = await client.post("/api/v1/listeners", json={"kind": "tls", "host": "192.0.2.1", "port": 5061})
    assert refused.status_code == 409
    assert "already in use" in refused.json()["detail"]
    assert not (tmp_path / "listeners.json").exists()


async def test_one_that_the_settings_name_is_not_removed_here(client: httpx.AsyncClient, ears: FakeEars) -> None:
    assert (await client.delete("/api/v1/listeners/udp-192.0.2.1-5060")).status_code == 409
    assert len(ears.bound) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "sctp", "host": "192.0.2.1", "port": 1}, "kind"),
        ({"kind": "udp", "host": "pbx.example", "port": 1}, "host"),
        ({"kind": "udp", "host": "192.0.2.1", "port": 65536}, "port"),
    ],
)
async def test_what_is_no_address_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    refused = await client.post("/api/v1/listeners", json=body)
    assert refused.status_code == 422
    assert field in str(refused.json())


async def test_only_administrators_may_add_or_remove(client: httpx.AsyncClient) -> None:
    headers = {"Authorization": "Bearer operator"}
    body = {"kind": "udp", "host": "192.0.2.1", "port": 1}
    assert (await client.post("/api/v1/listeners", json=body, headers=headers)).status_code == 403
    assert (await client.delete("/api/v1/listeners/udp-192.0.2.1-5060", headers=headers)).status_code == 403


async def test_what_was_added_is_there_again_after_a_restart_but_what_cannot_be_had(tmp_path: Path) -> None:
    file = tmp_path / "listeners.json"
    before = Listeners(FakeEars(), file)
    before.add("tcp", HostPort("192.0.2.1", 5070))
    before.add("ws", HostPort("192.0.2.1", 5080))
    ears = FakeEars()
    ears.taken.add(5070)
    after = Listeners(ears, file)
    after.start()
    assert [listening.name for listening in after.all()] == ["udp-192.0.2.1-5060", "ws-192.0.2.1-5080"]
    # It stays on the list: the next start may have it.
    third = Listeners(FakeEars(), file)
    third.start()
    assert "tcp-192.0.2.1-5070" in [listening.name for listening in third.all()]


async def test_a_broken_file_does_not_keep_the_switch_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "listeners.json"
    file.write_text("[{")
    listeners = Listeners(FakeEars(), file)
    listeners.start()
    assert len(listeners.all()) == 1


async def test_certificates_are_shown_and_read_anew(client: httpx.AsyncClient, ears: FakeEars) -> None:
    (shown,) = (await client.get("/api/v1/certificates")).json()["items"]
    assert shown == {"path": "a.pem", "names": ["pbx.example"], "expires_at": "2026-01-01T00:00:00Z"}
    (shown,) = (await client.post("/api/v1/certificates/reload")).json()["items"]
    assert shown["names"] == ["new.example"]
    ears.bad = "b.pem"
    refused = await client.post("/api/v1/certificates/reload")
    assert refused.status_code == 422
    assert "b.pem" in str(refused.json())
