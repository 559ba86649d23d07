"""Accounts that may come only encrypted, or only from some networks; the audit log tells who set that."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.bare_phone import BarePhone
from tests.support.server import FEW_LEGS, Server, running


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("access"), environment=FEW_LEGS) as server:
        yield server


class TlsPhone(BarePhone):
    """The same over TLS."""

    def __init__(self, server: Server) -> None:
        super().__init__((server.host, server.sip_port + 1))
        self._socket.close()
        context = ssl.create_default_context(cafile=server.log.parent / "data" / "demo-certificate.pem")
        plain = socket.create_connection((server.host, server.sip_port + 1), timeout=5)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        self.address = self._socket.getsockname()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS"))


def change(switch: Server, account: str, **access: list[str]) -> None:
    headers = {"Authorization": "Bearer demo-admin"}
    url = f"{switch.url}/api/v1/accounts/{account}"
    httpx.patch(url, json=access, headers=headers, trust_env=False).raise_for_status()


def test_an_account_that_must_come_encrypted_comes_in_no_other_way(switch: Server) -> None:
    change(switch, "1004", transports=["tls", "wss"])
    with BarePhone(switch.sip, "127.0.0.60") as phone:
        assert phone.register("1004", "demo-1004") == 403
        assert phone.register("1004", "wrong") == 401  # the rule is told to nobody who cannot prove the account
        _, challenge = phone.ask("INVITE", "1004")
        assert challenge is not None
        proof = phone.prove("1004", "demo-1004", challenge, "INVITE")
        assert phone.ask("INVITE", "1004", authorization=proof)[0] == 403
        assert phone.register("1003", "demo-1003") == 200
    with TlsPhone(switch) as phone:
        assert phone.register("1004", "demo-1004") == 200
    change(switch, "1004", transports=[])
    with BarePhone(switch.sip, "127.0.0.60") as phone:
        assert phone.register("1004", "demo-1004") == 200


def test_an_account_of_some_networks_comes_from_nowhere_else(switch: Server) -> None:
    change(switch, "1005", networks=["127.0.0.61", "127.0.1.0/24"])
    for host, status in (("127.0.0.60", 403), ("127.0.0.61", 200), ("127.0.1.7", 200), ("127.0.2.7", 403)):
        with BarePhone(switch.sip, host) as phone:
            assert phone.register("1005", "demo-1005") == status, host


def test_the_audit_log_tells_who_set_it(switch: Server) -> None:
    change(switch, "1006", networks=["192.0.2.0/24"])

    def entries() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = switch.get("/api/v1/audit?limit=1000")["items"]
        return [item for item in items if "/accounts/1006" in str(item)]

    found = entries()
    for _ in range(100):
        if found:
            break
        found = entries()
    (entry,) = found
    assert "demo" in str(entry) and "192.0.2.0/24" in str(entry)
