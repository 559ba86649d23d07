"""How the corpus writes its messages: `request` and `response` make a plain one, a case says only how it differs.

`{host}` and `{port}` stand for where the sender listens, `{switch}` for the switch, `{id}` for something unique.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Verdict = Literal["taken", "refused", "ignored", "either"]
"""By the engine: passed up; answered with an error; dropped without an answer; or passed up or refused, as it likes."""

FINAL = frozenset(range(200, 700))
OK = frozenset({200})
BAD = frozenset({400})
UNAVAILABLE = frozenset({401, 403, 404, 407, 480, 486, 488, 501, 503})
"""What a stranger's INVITE may meet when nothing is wrong with it, beside being connected."""
CALL = UNAVAILABLE | OK
REGISTRATION = frozenset({200, 401, 403, 404, 407})
SILENCE: frozenset[int] = frozenset()


class Case(NamedTuple):
    name: str
    verdict: Verdict
    statuses: frozenset[int]
    """Which final statuses the whole switch may answer with over UDP; empty: none at all."""
    why: str
    template: bytes

    def message(self, *, host: str, port: int, switch: str, unique: str) -> bytes:
        filled = self.template
        for mark, value in (("{host}", host), ("{port}", str(port)), ("{switch}", switch), ("{id}", unique)):
            filled = filled.replace(mark.encode(), value.encode())
        return filled


SDP = (
    b"v=0\r\no=- 20518 0 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
    b"m=audio 54400 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def request(
    method: str = "OPTIONS",
    uri: str = "sip:{switch}",
    *,
    line: str | None = None,
    change: dict[str, str | None] | None = None,
    extra: Sequence[str] = (),
    body: bytes = b"",
    end: bytes = b"\r\n",
    length: str | None = "count",
) -> bytes:
    """A plain request in which `change` gives headers another value (None: leaves them out), `extra` adds lines as
    they are, and `line` replaces the request line. `length`: `count`, None for no Content-Length, or its text."""
    headers: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{id};rport",
        "Max-Forwards": "70",
        "From": '"Probe" <sip:probe@{host}:{port}>;tag=f-{id}',
        "To": "<" + uri + ">",
        "Call-ID": "{id}@{host}",
        "CSeq": f"1 {method}",
        "Contact": "<sip:probe@{host}:{port}>",
        "Content-Length": str(len(body)) if length == "count" else length,
    }
    if body:
        headers["Content-Type"] = "application/sdp"
    headers.update(change or {})
    lines = [line if line is not None else f"{method} {uri} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    lines += extra
    return end.join(text.encode("utf-8", "surrogateescape") for text in lines) + end + end + body


def response(line: str = "SIP/2.0 200 OK", *, change: dict[str, str | None] | None = None) -> bytes:
    """A response to a request that the switch never sent."""
    headers: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP {switch};branch=z9hG4bK-never-{id}",
        "From": "<sip:probe@{switch}>;tag=f-{id}",
        "To": "<sip:someone@{switch}>;tag=t-{id}",
        "Call-ID": "{id}@{host}",
        "CSeq": "1 INVITE",
        "Content-Length": "0",
    }
    headers.update(change or {})
    lines = [line] + [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"


def taken(name: str, why: str, template: bytes, statuses: frozenset[int] = OK) -> Case:
    return Case(name, "taken", statuses, why, template)


def refused(name: str, why: str, template: bytes, statuses: frozenset[int] = BAD) -> Case:
    return Case(name, "refused", statuses, why, template)


def ignored(name: str, why: str, template: bytes) -> Case:
    return Case(name, "ignored", SILENCE, why, template)


def either(name: str, why: str, template: bytes, statuses: frozenset[int] = OK | BAD) -> Case:
    """Where the RFC lets a receiver be strict or kind, and both are seen."""
    return Case(name, "either", statuses, why, template)
