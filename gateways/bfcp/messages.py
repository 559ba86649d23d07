"""BFCP messages, read and printed (RFC 8855 section 5). Pure."""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum

from msgspec import Struct

from softswitch.kernel.errors import RemoteProtocolError

RELIABLE, UNRELIABLE = 1, 2
"""The protocol's versions: over TCP or TLS, and over UDP (section 5.1)."""
HEADER = struct.Struct("!BBHIHH")
MOST_OCTETS = 4096
"""Of one message. Ours have a few hundred, and nobody has more to say to us."""
MOST_ATTRIBUTES = 64


class Primitive(IntEnum):
    """What a message is for (section 5.1)."""

    FLOOR_REQUEST = 1
    FLOOR_RELEASE = 2
    FLOOR_REQUEST_QUERY = 3
    FLOOR_REQUEST_STATUS = 4
    USER_QUERY = 5
    USER_STATUS = 6
    FLOOR_QUERY = 7
    FLOOR_STATUS = 8
    CHAIR_ACTION = 9
    CHAIR_ACTION_ACK = 10
    HELLO = 11
    HELLO_ACK = 12
    ERROR = 13
    FLOOR_REQUEST_STATUS_ACK = 14
    FLOOR_STATUS_ACK = 15
    GOODBYE = 16
    GOODBYE_ACK = 17


class Kind(IntEnum):
    """What an attribute holds (section 5.2)."""

    BENEFICIARY_ID = 1
    FLOOR_ID = 2
    FLOOR_REQUEST_ID = 3
    PRIORITY = 4
    REQUEST_STATUS = 5
    ERROR_CODE = 6
    ERROR_INFO = 7
    PARTICIPANT_PROVIDED_INFO = 8
    STATUS_INFO = 9
    SUPPORTED_ATTRIBUTES = 10
    SUPPORTED_PRIMITIVES = 11
    USER_DISPLAY_NAME = 12
    USER_URI = 13
    BENEFICIARY_INFORMATION = 14
    FLOOR_REQUEST_INFORMATION = 15
    REQUESTED_BY_INFORMATION = 16
    FLOOR_REQUEST_STATUS = 17
    OVERALL_REQUEST_STATUS = 18


_KINDS = frozenset(int(kind) for kind in Kind)


class Status(IntEnum):
    """How far a request for a floor is (section 5.2.5)."""

    PENDING = 1
    ACCEPTED = 2
    GRANTED = 3
    DENIED = 4
    CANCELLED = 5
    RELEASED = 6
    REVOKED = 7


class Failure(IntEnum):
    """Why a message is answered by an error (section 5.2.6)."""

    NO_SUCH_CONFERENCE = 1
    NO_SUCH_USER = 2
    UNKNOWN_PRIMITIVE = 3
    UNKNOWN_MANDATORY_ATTRIBUTE = 4
    UNAUTHORIZED = 5
    NO_SUCH_FLOOR = 6
    NO_SUCH_REQUEST = 7
    TOO_MANY_REQUESTS = 8
    UNPARSABLE = 10
    UNSUPPORTED_VERSION = 12
    WRONG_LENGTH = 13


class Attribute(Struct, frozen=True, gc=False):
    """One attribute. `value` is what stands behind type and length; of one that is grouped, its number of 16 bits and
    the attributes within."""

    kind: int
    value: bytes
    mandatory: bool = True

    @property
    def number(self) -> int:
        """The number that it holds or begins with. Raises RemoteProtocolError where there is none."""
        if len(self.value) < 2:
            raise RemoteProtocolError(f"attribute {self.kind} is too short for a number")
        return int.from_bytes(self.value[:2], "big")

    def print(self) -> bytes:
        """With the octets that fill it up to four (section 5.2)."""
        length = 2 + len(self.value)
        padding = b"\0" * (-length % 4)
        return bytes((self.kind << 1 | self.mandatory, length)) + self.value + padding


class Message(Struct, frozen=True, gc=False, kw_only=True):
    """One message."""

    primitive: int
    conference: int
    transaction: int
    """0 where a server tells something over a reliable transport: no answer is expected (section 8)."""
    user: int
    attributes: tuple[Attribute, ...] = ()
    version: int = RELIABLE
    responds: bool = False
    """Whether it answers, over an unreliable transport (the R flag)."""

    def first(self, kind: Kind) -> Attribute | None:
        """The first attribute of a kind."""
        return next((each for each in self.attributes if each.kind == kind), None)

    def number(self, kind: Kind) -> int | None:
        """What the first attribute of a kind holds, a number. Raises RemoteProtocolError for one that holds none."""
        found = self.first(kind)
        return None if found is None else found.number

    def numbers(self, kind: Kind) -> list[int]:
        """What all attributes of a kind hold, in their order. Raises as `number`."""
        return [each.number for each in self.attributes if each.kind == kind]

    def print(self) -> bytes:
        """The message's octets."""
        body = b"".join(each.print() for each in self.attributes)
        first = self.version << 5 | (self.responds and self.version == UNRELIABLE) << 4
        header = HEADER.pack(first, self.primitive, len(body) // 4, self.conference, self.transaction, self.user)
        return header + body


class Broken(RemoteProtocolError):
    """A message that cannot be read, whose sender can be told so."""

    def __init__(self, message: Message, failure: Failure, why: str, details: bytes = b"") -> None:
        """`message`: its header, by which it is answered."""
        super().__init__(why)
        self.message = message
        self.failure = failure
        self.details = details


def length_of(header: bytes) -> int:
    """How long the message is that begins so, octets, its header of twelve among them (over a stream). Raises
    RemoteProtocolError for one that is too long."""
    length = 12 + 4 * int.from_bytes(header[2:4], "big")
    if length > MOST_OCTETS:
        raise RemoteProtocolError(f"a message of {length} octets is longer than {MOST_OCTETS}")
    return length


def parse(data: bytes) -> Message:
    """Read one message. Raises RemoteProtocolError for what is none, and Broken where its sender is to be told."""
    if len(data) < HEADER.size:
        raise RemoteProtocolError(f"{len(data)} octets are no message")
    first, primitive, length, conference, transaction, user = HEADER.unpack_from(data)
    version, responds, fragment = first >> 5, bool(first & 0x10), bool(first & 0x08)
    header = Message(
        primitive=primitive,
        conference=conference,
        transaction=transaction,
        user=user,
        version=version,
        responds=responds,
    )
    if version not in (RELIABLE, UNRELIABLE):
        raise Broken(header, Failure.UNSUPPORTED_VERSION, f"version {version} of the protocol is unknown")
    if fragment:
        raise Broken(header, Failure.UNPARSABLE, "messages in fragments are not put together")
    if 4 * length != len(data) - HEADER.size:
        raise Broken(header, Failure.WRONG_LENGTH, f"it says {4 * length} octets and has {len(data) - HEADER.size}")
    attributes = _attributes(data[HEADER.size :], header)
    return Message(
        primitive=primitive,
        conference=conference,
        transaction=transaction,
        user=user,
        attributes=attributes,
        version=version,
        responds=responds,
    )


def _attributes(body: bytes, header: Message) -> tuple[Attribute, ...]:
    found: list[Attribute] = []
    place = 0
    while place < len(body):
        length = body[place + 1] if place + 1 < len(body) else 0
        if length < 2 or place + length > len(body) or len(found) == MOST_ATTRIBUTES:
            raise Broken(header, Failure.UNPARSABLE, f"the attribute at octet {place} cannot be")
        kind, mandatory = body[place] >> 1, bool(body[place] & 1)
        found.append(Attribute(kind, body[place + 2 : place + length], mandatory))
        place += length + -length % 4
    unknown = [each.kind for each in found if each.mandatory and each.kind not in _KINDS]
    if unknown:
        # Section 5.2.6.1: the details name them, each as a type with a reserved bit.
        raise Broken(
            header,
            Failure.UNKNOWN_MANDATORY_ATTRIBUTE,
            f"the attributes {unknown} are unknown",
            bytes(kind << 1 for kind in unknown),
        )
    return tuple(found)


# Attributes that are told ---------------------------------------------------------------------------------


def number(kind: Kind, value: int) -> Attribute:
    """An attribute that holds a number."""
    return Attribute(kind, value.to_bytes(2, "big"))


def text(kind: Kind, words: str) -> Attribute:
    """An attribute that holds words, cut where one attribute ends."""
    return Attribute(kind, words.encode()[:253].decode(errors="ignore").encode())


def group(kind: Kind, value: int, within: Iterable[Attribute]) -> Attribute:
    """A number and what belongs to it. What finds no room is left out, which no group of ours needs."""
    body = value.to_bytes(2, "big")
    for each in within:
        printed = each.print()
        # The length of an attribute is told in one octet, its own two included.
        if 2 + len(body) + len(printed) <= 255:
            body += printed
    return Attribute(kind, body)


def status(value: Status, position: int = 0) -> Attribute:
    """How far a request is, and its place in the queue, counted from 1; 0: it waits in none."""
    return Attribute(Kind.REQUEST_STATUS, bytes((value, min(position, 255))))


def listing(kind: Kind, values: Sequence[int]) -> Attribute:
    """What is supported: primitives as octets (section 5.2.11), attributes with a reserved bit each (5.2.10)."""
    shift = 1 if kind is Kind.SUPPORTED_ATTRIBUTES else 0
    return Attribute(kind, bytes(value << shift for value in values))


def error(failure: Failure, why: str, details: bytes = b"") -> tuple[Attribute, ...]:
    """Why a message is answered by an error."""
    return (Attribute(Kind.ERROR_CODE, bytes((failure,)) + details), text(Kind.ERROR_INFO, why))
