"""Broken bytes at the readers that a running switch seldom meets: `python -m tests.fuzz.readers --seconds 60`.

STUN on the SIP port, WebSocket frames, presence documents, CPIM and its notes, lamps' documents. Each reader has some
originals, which the seeded mutator breaks, and a promise, which must hold for whatever comes. The seed is printed; the
same seed gives the same bytes.
"""

import argparse
import random
import secrets
import struct
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gateways._native import SipEngine
from gateways.sip.ua import dialog_info, markup, pidf
from gateways.sip.ua.dialog_info import CallHistory, DialogId
from gateways.sip.websocket import LONGEST_MESSAGE, WebSocket
from softswitch.features.messaging.model import CPIM, DELIVERED, IMDN, Note, note_of, read_cpim, write_note
from softswitch.kernel.address import Party
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.kernel.messages import TextMessage
from softswitch.kernel.watching import ACTIVITIES, Presence, WatchedCall
from tests.fuzz.mutate import Mutator

PEER = ("192.0.2.9", 40_000)


class Reader(NamedTuple):
    """What is broken, and what must hold for it."""

    originals: list[bytes]
    promise: Callable[[bytes], None]
    """Raises AssertionError, or whatever a reader should not have raised."""


# STUN --------------------------------------------------------------------------------------------------------


def _stun(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(
        struct.pack("!HH", name, len(value)) + value + b"\0" * (-len(value) % 4) for name, value in attributes
    )
    return struct.pack("!HHI", kind, len(body), 0x2112A442) + b"twelve-bytes" + body


STUN = [
    _stun(1),
    _stun(1, (0x0006, b"user:name"), (0x0008, b"i" * 20)),
    _stun(1, (0x8022, b"a phone"), (0x8028, b"crc!")),
    _stun(1, (0x0024, b"prio"), (0x0025, b"")),
    _stun(1, *((0x7000 + number, b"x" * number) for number in range(40))),
    _stun(0x11),
    _stun(0x101, (0x0020, b"\0\1\x11\x11\x22\x22\x33\x33")),
]


def _keep_alive(data: bytes) -> None:
    """What looks like STUN is answered shortly, to where it came from, or not at all."""
    engine = SipEngine(seed=1)
    engine.open_transport(1, "udp", "192.0.2.1:5060")
    engine.receive(data, 1, PEER, 0.0)
    drained, stats = engine.drain(), engine.stats()
    assert stats["panics"] == 0
    if len(data) >= 20 and data[0] < 0x40 and data[4:8] == b"\x21\x12\xa4\x42":
        for answer in drained.transmits:
            if answer.data.startswith(b"\1"):
                kind, length = struct.unpack("!HH", answer.data[:4])
                assert kind in (0x101, 0x111)
                assert length == len(answer.data) - 20 and length % 4 == 0
                assert answer.data[4:20] == data[4:20]
                assert len(answer.data) <= 20 + 128, "a short question has a short answer"
    assert all(transmit.destination[0] == PEER[0] for transmit in drained.transmits)


# WebSocket ---------------------------------------------------------------------------------------------------


def _frames(*frames: tuple[int, bytes]) -> bytes:
    out = b""
    for first, data in frames:
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        out += bytes([first]) + length + b"\0\0\0\0" + data
    return out


_OPTIONS = b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK1\r\n\r\n"
WEBSOCKET = [
    _frames((0x81, _OPTIONS)),
    _frames((0x82, _OPTIONS), (0x81, _OPTIONS)),
    _frames((0x01, _OPTIONS[:20]), (0x00, _OPTIONS[20:40]), (0x80, _OPTIONS[40:])),
    _frames((0x01, _OPTIONS[:20]), (0x89, b"ping"), (0x80, _OPTIONS[20:])),
    _frames((0x81, b"x" * 60_000), (0x88, b"\x03\xe8bye")),
    _frames((0x8A, b""), (0x81, b"\r\n\r\n")),
]


def _browser(data: bytes) -> None:
    """No exception, and no message longer than one may be, whatever frames come in whatever pieces."""
    server = WebSocket()
    client = ClientProtocol(parse_uri("ws://h/"), subprotocols=[Subprotocol("sip")])
    client.send_request(client.connect())
    greeting = b"".join(client.data_to_send())
    chance = random.Random(len(data))
    if data[:1] == b"\0":
        greeting = greeting[: len(greeting) // 2] + data  # a broken handshake
    server.receive(greeting)
    while data:
        size = chance.choice((1, 7, 100, 70_000))
        piece, data = data[:size], data[size:]
        for message in server.receive(piece):
            assert len(message) <= LONGEST_MESSAGE
            server.send(message)
        server.to_send()


# Documents ---------------------------------------------------------------------------------------------------

PIDF = [
    pidf.write(Presence(True), "sip:1001@h", "1001"),
    pidf.write(Presence(False, ("meeting", "on-the-phone"), "Back at <five> & not before"), "sip:1001@h", "1001"),
    pidf.write(Presence(True, do_not_disturb=True), "sip:1001@h", "1001").replace(b"presence", b"p:presence")
    .replace(b"xmlns=", b"xmlns:p="),
    b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p>&b;</p>',
    b'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:x"><tuple id="t"><status><basic>open</basic></status>'
    b"<note xml:lang='zh'>\xe4\xbc\x9a\xe8\xae\xae</note></tuple></presence>",
    b"\xff\xfe<\0p\0/\0>\0",
]  # fmt: skip


def _published(body: bytes) -> None:
    """It is refused in words, or read as something that can be told on and read again."""
    try:
        published = pidf.read(body)
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 413)
        return
    assert len(published.note) <= pidf.MOST_NOTE
    assert set(published.activities) <= ACTIVITIES
    told = pidf.write(Presence(bool(published.open), published.activities, published.note), "sip:1001@h", "1001")
    again = pidf.read(told)
    assert set(again.activities) == set(published.activities)


_ASKED = (
    b"From: Ann <sip:1001@h>\r\nTo: <sip:1002@h>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n"
    b"imdn.Disposition-Notification: positive-delivery, negative-delivery, processing\r\n\r\n"
    b"Content-Type: text/plain\r\n\r\nHello"
)
_READ = read_cpim(TextMessage(Party("1001"), "1002", CPIM, _ASKED))
assert _READ is not None
MESSAGES = [
    _ASKED,
    _ASKED.replace(b"\r\n", b"\n"),
    _ASKED.replace(b"imdn.", b"x.").replace(b"NS: imdn", b"NS: x"),
    write_note(Note("delivery", "failed"), _READ, "sip:1002@h", "sip:1001@h", 0),
]


def _message(body: bytes) -> None:
    """It is no CPIM, or it is one whose note, where one is owed, is CPIM in turn, names the message, and owes none."""
    asked = read_cpim(TextMessage(Party("1001"), "1002", CPIM, body))
    if asked is None:
        return
    assert len(asked.headers) <= 50
    owed = note_of(asked, DELIVERED, on_behalf=True)
    if owed is None:
        return
    written = write_note(owed, asked, "sip:1002@h", "sip:1001@h", 1)
    note = read_cpim(TextMessage(Party("1002"), "1001", CPIM, written))
    assert note is not None and note.content_type == IMDN and note.notification
    assert note_of(note, DELIVERED, on_behalf=True) is None
    root = markup.read(note.content)
    assert root.says("{urn:ietf:params:xml:ns:imdn}message-id") == asked.message_id


NAMES = [b"Ann", b'Ann <&> "Lee" ]]>', "会议 ☎".encode(), b"c1@h;tag=1", b"-->", b"<!--", b"1001", b"a" * 300]


def _lamp(data: bytes) -> None:
    """Whatever a caller is called, the document that tells of it can be read, and says it."""
    name = data.decode("utf-8", "replace")[:500]
    history = CallHistory()
    leg = LegId(f"call.{name[:20]}")
    history.look([WatchedCall(leg, "early", False, Party(name[:40], name))], {leg: DialogId(name, name, name)})
    for parties in (False, True):
        before, behind = dialog_info.write(history, None, f"sip:{name[:50]}@h", "h", parties=parties)
        root = markup.read(before + b"0" + behind)
        (dialog,) = root.children
        assert dialog.attributes["direction"] == "recipient"


READERS = {
    "stun": Reader(STUN, _keep_alive),
    "websocket": Reader(WEBSOCKET, _browser),
    "pidf": Reader(PIDF, _published),
    "cpim": Reader(MESSAGES, _message),
    "dialog-info": Reader(NAMES, _lamp),
}


def broken(name: str, seed: int) -> Mutator:
    """The endless source of what a reader is given."""
    return Mutator(seed, READERS[name].originals)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    for name, reader in READERS.items():
        source, count = broken(name, options.seed), 0
        give_up = time.perf_counter() + options.seconds / len(READERS)
        while time.perf_counter() < give_up:
            data = source.next()
            count += 1
            try:
                reader.promise(data)
            except Exception as failure:
                print(f"{name}, number {count} of seed {options.seed}: {failure!r}\n{data!r}", file=sys.stderr)
                return 1
        print(f"{name}: {count} read, every promise kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
