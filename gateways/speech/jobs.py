"""What the switch and a process that speaks or listens say to each other: a length of four bytes, and a record."""

from typing import BinaryIO

import msgspec
from msgspec import Struct

LONGEST = 64 * 1024 * 1024
"""Bytes of one record: some twenty minutes of sound."""


class Say(Struct, frozen=True, tag=True):
    text: str
    language: str


class Said(Struct, frozen=True, tag=True):
    samples: bytes
    """16-bit little-endian mono."""
    rate: int


class Hear(Struct, frozen=True, tag=True):
    samples: bytes
    rate: int
    language: str
    phrases: tuple[str, ...]


class Understood(Struct, frozen=True, tag=True):
    text: str
    confidence: float
    phrase: str | None


class Failed(Struct, frozen=True, tag=True):
    """Why nothing came of it: `unavailable` (what must be installed, say), `invalid`, or a `bug`, which goes to the
    log."""

    kind: str
    message: str


Job = Say | Hear
Answer = Said | Understood | Failed

_JOBS, _ANSWERS = msgspec.msgpack.Decoder(Job), msgspec.msgpack.Decoder(Answer)


def framed(record: Job | Answer) -> bytes:
    body = msgspec.msgpack.encode(record)
    return len(body).to_bytes(4, "little") + body


def read_job(stream: BinaryIO) -> Job | None:
    """The next job; None: there will be no more."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    job: Job = _JOBS.decode(stream.read(int.from_bytes(head, "little")))
    return job


def read_answer(body: bytes) -> Answer:
    """Raises ValueError for what is none."""
    answer: Answer = _ANSWERS.decode(body)
    return answer
