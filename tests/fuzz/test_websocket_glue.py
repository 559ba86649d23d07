"""Random bytes and broken frames at the WebSocket glue: no exception, no unbounded memory, no message garbled."""

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gateways.sip.websocket import LONGEST_MESSAGE, WebSocket

FRAMES = st.lists(st.tuples(st.sampled_from([0, 1, 2, 8, 9, 10]), st.booleans(), st.binary(max_size=200)), max_size=8)


def opened() -> tuple[WebSocket, ClientProtocol]:
    """Both ends, after their handshake."""
    server = WebSocket()
    client = ClientProtocol(parse_uri("ws://h/"), subprotocols=[Subprotocol("sip")])
    client.send_request(client.connect())
    server.receive(b"".join(client.data_to_send()))
    client.receive_data(server.to_send())
    client.events_received()
    assert server.open
    return server, client


@given(st.lists(st.binary(max_size=300), max_size=10))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_before_the_handshake_harms_nothing(pieces: list[bytes]) -> None:
    server = WebSocket()
    for piece in pieces:
        assert server.receive(piece) == []
        server.to_send()
    assert not server.open


@given(st.lists(st.binary(max_size=300), max_size=10))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_after_the_handshake_harms_nothing(pieces: list[bytes]) -> None:
    server, _ = opened()
    for piece in pieces:
        assert all(len(message) <= LONGEST_MESSAGE for message in server.receive(piece))
        server.send(b"SIP/2.0 200 OK\r\n\r\n")
        server.to_send()


@given(FRAMES)
@settings(max_examples=300, deadline=None)
def test_frames_in_any_order_harm_nothing(frames: list[tuple[int, bool, bytes]]) -> None:
    server, _ = opened()
    mask = b"\x01\x02\x03\x04"
    for opcode, fin, data in frames:
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        server.receive(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)
        server.to_send()


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=5), st.integers(1, 500))
@settings(max_examples=100, deadline=None)
def test_messages_arrive_as_they_were_sent_however_the_stream_is_cut(messages: list[bytes], step: int) -> None:
    server, client = opened()
    for message in messages:
        client.send_binary(message)
    sent = b"".join(client.data_to_send())
    received = [message for at in range(0, len(sent), step) for message in server.receive(sent[at : at + step])]
    assert received == messages
