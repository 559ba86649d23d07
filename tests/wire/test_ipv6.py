"""The switch on an IPv6 address, over UDP and TCP."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.server import Server, running
from tests.wire.probe import ANSWER_LIMIT, Answer, options
from tests.wire.stream_peer import StreamPeer


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture(scope="module")
def switch6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("switch6"), host="::1") as server:
        yield server


def test_over_udp(switch6: Server) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as phone:
        phone.settimeout(ANSWER_LIMIT)
        phone.bind(("::1", 0))
        port = phone.getsockname()[1]
        phone.sendto(options("six-udp", "[::1]", port, f"[::1]:{switch6.sip_port}"), switch6.sip)
        answer = Answer.read(phone.recv(65536))
    assert answer.status == 200
    assert b"[::1]:" in answer.raw


def test_over_udp_from_another_port_than_via_says(switch6: Server) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as phone:
        phone.settimeout(ANSWER_LIMIT)
        phone.bind(("::1", 0))
        # RFC 3581: rport brings the answer back to where the request came from.
        phone.sendto(options("six-nat", "[2001:db8::5]", 5060, f"[::1]:{switch6.sip_port}"), switch6.sip)
        answer = Answer.read(phone.recv(65536))
    assert answer.status == 200
    assert b"received=" in answer.raw


def test_over_tcp(switch6: Server) -> None:
    with StreamPeer(switch6.sip) as peer:
        peer.ask("six-tcp")
        peer.ask("six-tcp-again")
