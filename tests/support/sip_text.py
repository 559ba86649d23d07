"""SIP and SDP as plain text, written apart from the switch's own parser: what the model phones read and write.

It reads only what a strict phone would send itself; anything else is a `BadMessage`, and so a finding.
"""

import hashlib
import re
from typing import NamedTuple

from softswitch.kernel.address import HostPort

COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_TAG = re.compile(r";\s*tag=([^;>\s]+)")


class BadMessage(ValueError):
    """Bytes that are no SIP."""


class Message:
    """A received request or response."""

    __slots__ = ("_values", "body", "cseq", "headers", "method", "reason", "request_uri", "start", "status")

    def __init__(self, data: bytes) -> None:
        head, blank, self.body = data.partition(b"\r\n\r\n")
        if not blank:
            raise BadMessage("no empty line after the headers")
        self.start, *lines = head.decode().split("\r\n")
        self.headers: list[tuple[str, str]] = []
        self._values: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise BadMessage(f"no header: {line!r}")
            name = name.strip().lower()
            name, value = COMPACT.get(name, name), value.strip()
            self.headers.append((name, value))
            self._values.setdefault(name, value)
        words = self.start.split(" ", 2)
        if len(words) != 3:
            raise BadMessage(f"no start line: {self.start!r}")
        self.status, self.reason, self.request_uri = 0, "", ""
        if words[0] == "SIP/2.0":
            self.status, self.reason = int(words[1]), words[2]
        elif words[2] == "SIP/2.0":
            self.request_uri = words[1]
        else:
            raise BadMessage(f"no start line: {self.start!r}")
        number, _, method = self.header("cseq").partition(" ")
        if not number.isdigit() or not method:
            raise BadMessage("no CSeq")
        self.cseq, self.method = int(number), method.strip()
        if not self.status and words[0] != self.method:
            raise BadMessage(f"CSeq says {self.method}, the start line {words[0]}")
        if int(self.header("content-length") or len(self.body)) != len(self.body):
            raise BadMessage(f"Content-Length {self.header('content-length')} but {len(self.body)} bytes of body")
        for needed in ("via", "from", "to", "call-id"):
            if needed not in self._values:
                raise BadMessage(f"no {needed}")

    def header(self, name: str) -> str:
        """The first value of a header by its long name in lower case; empty where there is none."""
        return self._values.get(name, "")

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    @property
    def call_id(self) -> str:
        return self._values["call-id"]

    @property
    def branch(self) -> str:
        return param(self._values["via"], "branch")

    @property
    def from_tag(self) -> str:
        return tag(self._values["from"])

    @property
    def to_tag(self) -> str:
        return tag(self._values["to"])

    def __str__(self) -> str:
        return f"{self.start} [{self.cseq} {self.method}]"


def tag(value: str) -> str:
    """The tag of a From or To value."""
    found = _TAG.search(value.rpartition(">")[2])
    return found[1] if found else ""


def uri(value: str) -> str:
    """The URI of a From, To or Contact value."""
    before, opened, rest = value.partition("<")
    return rest.partition(">")[0] if opened else before.partition(";")[0].strip()


def display_name(value: str) -> str:
    """The name before a From or To value's URI, unquoted."""
    return value.partition("<")[0].strip().strip('"')


def param(value: str, name: str) -> str:
    """A parameter behind a header's value, such as Via's branch; empty where there is none."""
    for part in value.rpartition(">")[2].split(";")[1:]:
        key, _, text = part.partition("=")
        if key.strip().lower() == name:
            return text.strip()
    return ""


def user_of(sip_uri: str) -> str:
    return sip_uri.partition(":")[2].partition("@")[0]


def host_of(sip_uri: str) -> HostPort:
    """Where requests to a URI go: its host and port, 5060 where it names none."""
    rest = sip_uri.partition(":")[2]
    return HostPort.parse(rest.rpartition("@")[2].partition(";")[0], 5060)


def build(start: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body and not any(name == "Content-Type" for name, _ in headers):
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode() + body


# Digest (RFC 7616) ---------------------------------------------------------------------------------------


def answer_challenge(
    challenge: str, user: str, password: str, method: str, request_uri: str, cnonce: str, count: int = 1
) -> str:
    """The Authorization value that answers a Digest challenge, with qop=auth."""
    fields = {key.lower(): a or b for key, a, b in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))', challenge)}
    algorithm = fields.get("algorithm", "MD5")
    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ha1 = hashed(f"{user}:{fields['realm']}:{password}")
    ha2 = hashed(f"{method}:{request_uri}")
    response = hashed(f"{ha1}:{fields['nonce']}:{count:08x}:{cnonce}:auth:{ha2}")
    return (
        f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{request_uri}", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc={count:08x}, cnonce="{cnonce}"'
        + (f', opaque="{fields["opaque"]}"' if "opaque" in fields else "")
    )


# SDP (RFC 8866) ------------------------------------------------------------------------------------------


class SdpVideo(NamedTuple):
    """One video line."""

    port: int
    formats: tuple[tuple[str, str, str], ...]
    """Payload type, what a=rtpmap says of it, what a=fmtp does."""
    direction: str = "sendrecv"
    feedback: tuple[str, ...] = ()
    content: str = ""

    def write(self) -> str:
        if not self.port:
            return "m=video 0 RTP/AVP 97\r\n"
        text = f"m=video {self.port} RTP/AVP {' '.join(number for number, _, _ in self.formats)}\r\n"
        for number, name, parameters in self.formats:
            text += f"a=rtpmap:{number} {name}\r\n"
            text += f"a=fmtp:{number} {parameters}\r\n" if parameters else ""
        text += "".join(f"a=rtcp-fb:* {wish}\r\n" for wish in self.feedback)
        text += f"a=content:{self.content}\r\n" if self.content else ""
        return f"{text}a={self.direction}\r\n"

    @staticmethod
    def read(lines: list[str]) -> "SdpVideo":
        port, profile, *numbers = lines[0][len("m=video ") :].split(" ")
        if not profile.startswith("RTP/"):
            raise BadMessage(f"video over {profile}")
        said = [line[2:].partition(":") for line in lines[1:]]
        rtpmaps = dict(rest.split(" ", 1) for name, _, rest in said if name == "rtpmap")
        fmtps = dict(rest.split(" ", 1) for name, _, rest in said if name == "fmtp")
        directions = [name for name, _, _ in said if name in ("sendrecv", "sendonly", "recvonly", "inactive")]
        return SdpVideo(
            int(port),
            tuple((number, rtpmaps[number], fmtps.get(number, "")) for number in numbers) if int(port) else (),
            directions[-1] if directions else "sendrecv",
            tuple(rest.split(" ", 1)[1] for name, _, rest in said if name == "rtcp-fb"),
            next((rest for name, _, rest in said if name == "content"), ""),
        )


class Sdp(NamedTuple):
    """One audio stream, and video behind it."""

    origin: str
    """`o=` without its version and address: who and which session."""
    version: int
    address: HostPort
    formats: tuple[str, ...]
    direction: str = "sendrecv"
    media: int = 1
    """How many m= lines."""
    video: tuple[SdpVideo, ...] = ()

    def write(self) -> bytes:
        name = self.origin
        return (
            f"v=0\r\no={name} {self.version} IN IP4 {self.address.host}\r\ns=-\r\nc=IN IP4 {self.address.host}\r\n"
            f"t=0 0\r\nm=audio {self.address.port} RTP/AVP {' '.join(self.formats)}\r\n"
            f"a=rtpmap:101 telephone-event/8000\r\na={self.direction}\r\n"
            + "".join(line.write() for line in self.video)
        ).encode()

    @staticmethod
    def read(body: bytes) -> "Sdp":
        lines = body.decode().split("\r\n")
        if lines[0] != "v=0" or not lines[1].startswith("o=") or lines[-1]:
            raise BadMessage("SDP begins with v=0 and o=, and ends with a line end")
        user, session, version, _net, _kind, host = lines[1][2:].split(" ")
        direction, port, formats, media = "sendrecv", 0, tuple[str, ...](), 0
        for line in lines:
            if line.startswith("c="):
                host = line.split(" ")[2]
            elif line.startswith("m="):
                media += 1
                if media == 1:
                    kind, port_text, _profile, *rest = line[2:].split(" ")
                    if kind != "audio":
                        raise BadMessage(f"an m-line of {kind}")
                    port, formats = int(port_text), tuple(rest)
            elif media <= 1 and line[2:] in ("sendrecv", "sendonly", "recvonly", "inactive"):
                direction = line[2:]
        if not media:
            raise BadMessage("SDP without an m-line")
        parts = [index for index, line in enumerate(lines) if line.startswith("m=")]
        video = tuple(
            SdpVideo.read(lines[start:end])
            for start, end in zip(parts, [*parts[1:], len(lines)], strict=True)
            if lines[start].startswith("m=video ")
        )
        return Sdp(f"{user} {session}", int(version), HostPort(host, port), formats, direction, media, video)
