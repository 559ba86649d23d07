"""What the libFuzzer targets start from: `python -m tests.fuzz.seeds FOLDER` writes a folder a target.

The messages come from the corpus (`tests/wire/corpus.py`), put into the shape each target reads.
"""

import struct
import sys
from pathlib import Path

from tests.fuzz.mutate import media_originals, sip_originals
from tests.wire.messages import SDP, request, response

DESCRIPTIONS = [
    SDP,
    SDP.replace(b"\r\n", b"\n"),
    SDP.replace(b"c=IN IP4 203.0.113.1", b"c=IN IP6 2001:db8::1") + b"a=sendonly\r\na=rtcp:5 IN IP4 192.0.2.1\r\n",
    SDP + b"a=rtcp-mux\r\na=ptime:20\r\na=maxptime:40\r\na=fmtp:101 0-16\r\nm=video 0 RTP/AVPF 97\r\nb=AS:64\r\n",
    SDP.replace(b"203.0.113.1\r\nt=", b"0.0.0.0\r\na=inactive\r\nt=")
    + b"m=image 9 udptl t38\r\nm=audio 7 RTP/SAVP 0\r\n",
    b"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 4/2 RTP/AVP 96 9\r\nc=IN IP4 h/127\r\n"
    b"a=rtpmap:96 AMR/8000\r\na=fmtp:96 octet-align=1\r\n",
]


def seeds() -> dict[str, list[bytes]]:
    messages = sip_originals("192.0.2.9", 5060, "192.0.2.1:5060")
    media = media_originals()
    invite, cancel, bye, ok = (
        _filled(request("INVITE", "sip:you@{switch}", body=SDP)),
        _filled(request("CANCEL", "sip:you@{switch}")),
        _filled(request("BYE", "sip:you@{switch}")),
        _filled(response()),
    )
    stories = [
        [(0, invite), (4, b""), (12, b""), (7, b"")],
        [(0, invite), (0, invite), (12, b""), (0, cancel), (52, b""), (255, b"")],
        [(3, invite + bye), (44, b""), (4, b"body"), (15, b"")],
        [(5, b""), (0, ok), (6, b""), (7, b""), (255, b"")],
        [(0x85, b""), (6, b""), (0x80, b""), (44, b""), (255, b"")],
        *([(number % 4, message)] for number, message in enumerate(messages)),
    ]
    return {
        "message": messages,
        "framer": [bytes([size]) + b"\r\n\r\n".join(messages[size : size + 2]) for size in range(0, 60, 3)],
        "engine": [b"".join(_step(*step) for step in story) for story in stories],
        "sdp": DESCRIPTIONS,
        "rtp": [b"".join(bytes([len(packet[:255])]) + packet[:255] for packet in media), *_each_with_length(media)],
        "rtcp": [packet for packet in media if packet[1:2] in (b"\xc8", b"\xc9", b"\xca", b"\xcb")],
    }


def _step(what: int, data: bytes) -> bytes:
    return struct.pack("!BH", what, len(data)) + data


def _each_with_length(packets: list[bytes]) -> list[bytes]:
    return [bytes([len(packet)]) + packet for packet in packets if len(packet) < 256]


def _filled(template: bytes) -> bytes:
    for mark, value in ((b"{host}", b"192.0.2.9"), (b"{port}", b"5060"), (b"{switch}", b"192.0.2.1"), (b"{id}", b"s")):
        template = template.replace(mark, value)
    return template


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.fuzz.seeds FOLDER")
    for target, originals in seeds().items():
        folder = Path(sys.argv[1], target)
        folder.mkdir(parents=True, exist_ok=True)
        for number, original in enumerate(originals):
            (folder / f"seed-{number:03}").write_bytes(original)
