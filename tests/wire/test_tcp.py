"""SIP over a stream (RFC 3261 sections 7.5, 18; RFC 5626 section 3.5.1): pieces, floods, silence and nonsense."""

import pytest

from tests.support.server import Server
from tests.wire.stream_peer import StreamPeer


def test_a_request_may_come_byte_by_byte(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        for byte in peer.options("byte-by-byte", body=b"a body too"):
            peer.send(bytes([byte]))
        assert peer.answer().status == 200


def test_requests_may_be_pipelined(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        names = [f"pipelined-{n}" for n in range(20)]
        peer.send(b"".join(peer.options(name, body=b"x" * len(name)) for name in names))
        answers = [peer.answer() for _ in names]
        assert {answer.status for answer in answers} == {200}
        assert {answer.call_id.decode() for answer in answers} == set(names)


def test_a_body_may_be_split_from_its_headers(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        first, second = peer.options("split-1", body=b"0123456789" * 10), peer.options("split-2")
        peer.send(first[:-60])
        peer.send(first[-60:-1])
        peer.send(first[-1:] + second[:40])
        assert peer.answer().call_id == b"split-1"
        peer.send(second[40:])
        assert peer.answer().call_id == b"split-2"


def test_a_keep_alive_is_answered_wherever_it_comes(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        peer.send(b"\r\n\r\n")
        assert peer.receive(2) == b"\r\n"
        peer.ask("after-the-keep-alive")
        peer.send(b"\r\n")
        peer.send(b"\r\n")
        assert peer.receive(2) == b"\r\n"


def test_a_body_of_30_kilobytes_is_taken(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        peer.send(peer.options("large-body", body=bytes(range(256)) * 120))
        assert peer.answer().status == 200


def test_22_kilobytes_of_headers_are_taken(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        lines = "".join(f"X-Header-{n:03}: {'v' * 86}\r\n" for n in range(220))
        assert len(lines) >= 22_000
        peer.send(peer.options("large-headers", headers=lines))
        assert peer.answer().status == 200


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(lambda peer: peer.options("f", headers=f"X: {'x' * 200_000}\r\n"), id="one header"),
        pytest.param(lambda peer: b"x" * 300_000, id="one line"),
        pytest.param(lambda peer: peer.options("f", length="Content-Length: 99999999\r\n"), id="a body announced"),
    ],
)
def test_what_is_too_long_ends_the_connection(switch: Server, flood: object) -> None:
    with StreamPeer(switch.sip) as peer:
        try:
            peer.send(flood(peer))  # type: ignore[operator]
        except ConnectionError:
            pass  # Closed while we were still sending.
        else:
            said = peer.closed_by_switch()
            assert said == b"" or said[8:11] in (b"400", b"413", b"513"), said
    with StreamPeer(switch.sip) as peer:
        peer.ask("after-the-flood")


def test_without_content_length_the_stream_cannot_be_read_on(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        peer.send(peer.options("no-length", length=""))
        said = peer.closed_by_switch()
        assert said == b"" or said.startswith(b"SIP/2.0 400 "), said


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00" * 9, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 70]
)
def test_garbage_and_then_a_close_harms_nobody(switch: Server, garbage: bytes) -> None:
    with StreamPeer(switch.sip) as honest:
        honest.ask("before-the-garbage")
        with StreamPeer(switch.sip) as peer:
            peer.send(garbage)
            peer.finish_sending()
            peer.closed_by_switch()
        honest.ask("after-the-garbage")


def test_a_peer_that_closed_its_half_still_gets_its_answer(switch: Server) -> None:
    with StreamPeer(switch.sip) as peer:
        peer.send(peer.options("half-closed"))
        peer.finish_sending()
        assert peer.answer().status == 200
        assert peer.closed_by_switch() == b""


def test_a_peer_that_goes_away_in_the_middle_harms_nobody(switch: Server) -> None:
    with StreamPeer(switch.sip) as honest:
        for cut in (1, 80, 200):
            with StreamPeer(switch.sip) as peer:
                peer.send(peer.options("cut-off", body=b"x" * 50)[:cut])
        honest.ask("after-they-went")


def test_a_response_goes_over_the_connection_of_its_request(switch: Server) -> None:
    with StreamPeer(switch.sip) as one, StreamPeer(switch.sip) as other:
        one.send(one.options("of-one"))
        other.send(other.options("of-other"))
        assert other.answer().call_id == b"of-other"
        assert one.answer().call_id == b"of-one"
