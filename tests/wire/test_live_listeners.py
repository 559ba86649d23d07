"""Listeners that come and go while the switch runs, and certificates that change."""

import os
import signal
import ssl
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, running
from tests.wire.stream_peer import StreamPeer


def admin(server: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1", headers={"Authorization": "Bearer demo-admin"})


def test_a_listener_is_added_used_and_removed_and_its_connections_stay(switch: Server) -> None:
    with admin(switch) as client:
        added = client.post("/listeners", json={"kind": "tcp", "host": "127.0.0.1", "port": 0}).json()
        with StreamPeer(("127.0.0.1", added["port"])) as peer:
            peer.ask("over-the-new-listener")
            assert client.delete(f"/listeners/{added['name']}").status_code == 204
            peer.ask("after-its-removal")
        with pytest.raises(ConnectionRefusedError):
            StreamPeer(("127.0.0.1", added["port"]))
        assert added["name"] not in [one["name"] for one in client.get("/listeners").json()["items"]]


def test_the_demo_is_not_opened_to_the_network(switch: Server) -> None:
    with admin(switch) as client:
        assert client.post("/listeners", json={"kind": "udp", "host": "0.0.0.0", "port": 0}).status_code == 422


def test_an_added_listener_is_there_again_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server, admin(server) as client:
        added = client.post("/listeners", json={"kind": "udp", "host": "127.0.0.1", "port": 0}).json()
    with running(tmp_path) as server, admin(server) as client:
        assert added in client.get("/listeners").json()["items"]


def test_sighup_takes_up_a_new_certificate_and_calls_go_on(tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        new = (other.log.parent / "data" / "demo-certificate.pem").read_bytes()
    with running(tmp_path / "switch") as server, StreamPeer((server.host, server.sip_port + 1)) as before:
        file = server.log.parent / "data" / "demo-certificate.pem"
        before.encrypt(ssl.create_default_context(cafile=file), "localhost")
        file.write_bytes(new)
        os.kill(server.process.pid, signal.SIGHUP)
        with admin(server) as client:
            client.get("/certificates")  # the signal has been handled by the time that a request is answered
        with StreamPeer((server.host, server.sip_port + 1)) as after:
            after.encrypt(ssl.create_default_context(cafile=file), "localhost")
            after.ask("with-the-new-certificate")
        before.ask("on-the-old-connection")
