"""A seeded mutator: hard messages made harder. The same seed gives the same messages."""

import random
import struct
from collections.abc import Sequence

from tests.wire.corpus import CASES

WORDS = (
    b'\0 \r\n|\r\n\r\n|\n|\r|\t|:|;|,|<|>|"|\\|@|=|?|%|%00|%zz|*|[|]|(|)|&|+|-1|0|255|256|65535|\xff\xfe|\xc3\x28|'
    b"2147483647|2147483648|4294967296|18446744073709551616|99999999999999999999999|1e9|0x7f|SIP/2.0|SIP/2.0/UDP |"
    b"z9hG4bK|;branch=z9hG4bK|;rport|;received=|;maddr=255.255.255.255|;tag=|sip:|sips:|tel:|Via: |v: |Route: |l: |"
    b"Content-Length: |CSeq: |Record-Route: |Contact: *|Require: |Replaces: |Max-Forwards: |INVITE|ACK|BYE|CANCEL|"
    b"REGISTER|OPTIONS|PRACK|REFER|m=audio |c=IN IP4 |a=rtpmap:|a=fmtp:|v=0|o=- |t="
).split(b"|")
LONGEST = 60_000


class Mutator:
    """An endless source of bytes that are nearly right."""

    def __init__(self, seed: int, originals: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._originals = originals

    def next(self) -> bytes:
        data = self._random.choice(self._originals)
        # Mostly one or two changes: many would be refused by the first check each time.
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 2, 3, 8))):
            data = self._change(data)
        return data[:LONGEST]

    def piece(self) -> bytes:
        """A part of a message, for streams: usually it ends in the middle."""
        data = self.next()
        return data[: self._random.randint(0, len(data))]

    def _change(self, data: bytes) -> bytes:
        pick = self._random
        at, to = sorted((pick.randint(0, len(data)), pick.randint(0, len(data))))
        match pick.randrange(11):
            case 0:  # one bit
                if not data:
                    return data
                at = min(at, len(data) - 1)
                return data[:at] + bytes([data[at] ^ (1 << pick.randrange(8))]) + data[at + 1 :]
            case 1:  # cut off
                return data[:at]
            case 2:  # cut out
                return data[:at] + data[min(to, at + pick.randint(1, 40)) :]
            case 3:  # say it again, and again
                return data[:to] + data[at:to][:200] * pick.choice((1, 2, 50)) + data[to:]
            case 4:  # noise
                return data[:at] + pick.randbytes(pick.randint(1, 12)) + data[at:]
            case 5 | 6:  # a word where it does not belong
                return data[:at] + pick.choice(WORDS) + data[at:]
            case 7:  # over something else
                word = pick.choice(WORDS)
                return data[:at] + word + data[at + len(word) :]
            case 8:  # the tail of another
                other = pick.choice(self._originals)
                return data[:at] + other[pick.randint(0, len(other)) :]
            case 9:  # lines in another order, or twice
                lines = data.split(b"\n")
                lines.insert(pick.randrange(len(lines) + 1), pick.choice(lines))
                if pick.random() < 0.5:
                    lines.pop(pick.randrange(len(lines)))
                return b"\n".join(lines)
            case _:  # a very long one
                return data[:at] + bytes([pick.choice(b'aA0 ;,%"<')]) * pick.choice((100, 5000, 40_000)) + data[at:]


def sip_originals(host: str, port: int, switch: str) -> list[bytes]:
    """The corpus, as a sender at `host:port` would send it to `switch`."""
    return [case.message(host=host, port=port, switch=switch, unique=f"fuzz-{case.name}") for case in CASES]


def media_originals() -> list[bytes]:
    """RTP with and without extras, telephone-events, RTCP compounds, STUN, DTLS."""
    rtp = struct.pack("!BBHII", 0x80, 0, 1, 160, 0x1234)
    report = struct.pack("!BBHI", 0x81, 201, 7, 0x1234) + struct.pack("!IIIIII", 0x5678, 1 << 24, 9, 3, 0, 0)
    sender = struct.pack("!BBHIQIII", 0x80, 200, 6, 0x1234, 1 << 40, 160, 10, 1600)
    name = struct.pack("!BBHI", 0x81, 202, 3, 0x1234) + b"\x01\x04name\0\0"
    return [
        rtp + b"\xff" * 160,
        struct.pack("!BBHII", 0x80, 0x80 | 8, 65535, 2**32 - 1, 1) + b"\xd5" * 80,
        struct.pack("!BBHIIII", 0x82, 0, 2, 320, 0x1234, 1, 2) + b"\xff" * 160,
        struct.pack("!BBHIIHH", 0x90, 0, 3, 480, 0x1234, 0xBEDE, 1) + b"\x10\xff\0\0" + b"\xff" * 160,
        struct.pack("!BBHII", 0xA0, 0, 4, 640, 0x1234) + b"\xff" * 156 + b"\0\0\0\x04",
        struct.pack("!BBHII", 0x80, 0x80 | 101, 5, 800, 0x1234) + bytes((5, 0x0A, 0x03, 0x20)),
        struct.pack("!BBHII", 0x80, 101, 6, 800, 0x1234) + bytes((5, 0x8A, 0x06, 0x40)),
        sender + name,
        report + name,
        struct.pack("!BBHI", 0x81, 203, 1, 0x1234),
        bytes.fromhex("000100002112a442") + b"twelve-bytes",
        bytes.fromhex("16fefd0000000000000000") + b"\0\x30" + b"\x01" * 48,
        b"",
    ]
