"""What the demo listens on besides UDP and TCP."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.server import Server, running
from tests.wire.stream_peer import StreamPeer


@pytest.fixture(scope="module")
def switch6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("switch6"), host="::1") as server:
        yield server


def ask_by_tls(server: Server, host: str) -> None:
    with StreamPeer((server.host, server.sip_port + 1)) as peer:
        context = ssl.create_default_context(cafile=server.log.parent / "data" / "demo-certificate.pem")
        peer.encrypt(context, host)
        peer.ask("over-tls")


def ask_by_websocket(server: Server, url: str) -> None:
    with connect(url, subprotocols=[Subprotocol("sip")]) as browser:
        browser.send(
            "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
            "To: <sip:b@h>\r\nCall-ID: w\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        assert str(browser.recv(timeout=10)).startswith("SIP/2.0 200 ")


def test_tls_one_port_above_with_a_certificate_for_localhost_that_is_nobody_elses_to_read(switch: Server) -> None:
    ask_by_tls(switch, "localhost")
    file: Path = switch.log.parent / "data" / "demo-certificate.pem"
    assert file.stat().st_mode & 0o077 == 0


def test_websockets_two_ports_above(switch: Server) -> None:
    ask_by_websocket(switch, f"ws://127.0.0.1:{switch.sip_port + 2}")


def test_over_ipv6_too(switch6: Server) -> None:
    ask_by_tls(switch6, "::1")
    ask_by_websocket(switch6, f"ws://[::1]:{switch6.sip_port + 2}")
