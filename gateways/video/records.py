"""What goes over the composer's socket: a greeting of 12 bytes, then frames of a length and a kind.

The media engine speaks in binary records (pictures, requests for key frames), call control in JSON (what is to be seen
in which picture). Numbers are little-endian. Pure: no sockets here.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from softswitch.kernel.errors import SwitchError

MAGIC: Final = b"SOFTSWVC"
VERSION: Final = 1
ENGINE: Final = 0
CONTROL: Final = 1
"""Roles of those who connect."""
GREETING: Final = struct.Struct("<8sHH")
LONGEST: Final = 4 << 20
"""Bytes of one frame's kind and body."""

H264: Final = "H264"
VP8: Final = "VP8"
CODECS: Final = (H264, VP8)
"""By their numbers in the engine's records."""
SOUND_RATE: Final = 16_000
"""Samples a second, of two bytes each and one channel."""

PICTURE: Final = 1
GONE: Final = 2
WANTED: Final = 3
ENCODED: Final = 16
MEMBER_WANTED: Final = 17
SOUND: Final = 18
SCENE: Final = 64
CLOSE: Final = 65
STILL: Final = 66
CAMERA: Final = 67
DROP: Final = 68
RECORD: Final = 69
RATE: Final = 70
HOLDS: Final = 71
BEAT: Final = 128
RECORDED: Final = 129
TROUBLE: Final = 130

_LENGTH = struct.Struct("<I")
_PICTURE = struct.Struct("<BQBBHQQ")
_ENCODED = struct.Struct("<BQBBHQ")
_NUMBER = struct.Struct("<BQ")
_STILL = struct.Struct("<BQHH")
_KEY = 1
_GAP = 2


class BadRecord(SwitchError):
    """Whoever speaks does not keep to the form; the connection is to be closed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One encoded picture of a member."""

    member: int
    codec: str
    key: bool
    gap: bool
    """Something before it is missing."""
    rtp: int
    """90 kHz, unwrapped."""
    arrived_us: int
    """CLOCK_MONOTONIC."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded picture of a source that viewers are shown."""

    source: int
    codec: str
    key: bool
    rtp: int
    data: bytes


class Face(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who may be in a picture."""

    who: str
    """Whoever it is: keeps its place by this."""
    member: int = 0
    """The number of its pictures; of a camera or a document, too. 0: sound only."""
    name: str = ""
    muted: bool = False
    """Its microphone is off."""
    content: bool = False
    """Not a face but what is shown: a screen, a document."""


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """One encoding of a picture."""

    source: int
    """Its number at the media engine."""
    codec: Literal["H264", "VP8"]
    kbps: int
    longest_slice: int = 0
    """Bytes; H.264 only. 0: a picture is one slice. Packetisation mode 0 needs slices that fit a packet."""


class Scene(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that one composed picture is made of: always told whole, so that the last one told is what holds."""

    scene: int
    width: int
    height: int
    fps: int
    layout: str
    faces: tuple[Face, ...]
    """In the order in which they joined. Whoever looks at it and does not want to be seen in it is left out of it."""
    active: str = ""
    """Who of them speaks."""
    spotlight: str = ""
    """Who is in the focus, whoever speaks."""
    title: str = ""
    clock: bool = False
    names: bool = True
    recorded: bool = False
    """Whoever sees it is to know that it is recorded."""
    outputs: tuple[Output, ...] = ()


class Camera(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stream that is fetched, as a member."""

    member: int
    url: str
    sound: bool = False
    """Whether it is heard, too."""

    def __repr__(self) -> str:
        return f"Camera({self.member}, sound={self.sound})"  # a password may stand in its URL


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Write a scene's picture into a file `<path>.<microseconds of CLOCK_MONOTONIC at its beginning>.mp4`; no path:
    stop."""

    scene: int
    path: str = ""
    kbps: int = 0


class Holds(msgspec.Struct, frozen=True):
    """What is not among these is of a switch that was here before, and is dropped."""

    scenes: tuple[int, ...]
    members: tuple[int, ...]
    """Still pictures and cameras."""


class Rate(msgspec.Struct, frozen=True):
    """From now on an output may have so much."""

    source: int
    kbps: int


class Beat(msgspec.Struct, frozen=True):
    """The composer lives; sent twice a second, with its figures since it began."""

    pid: int
    decoded: int
    composed: int
    encoded: int
    late: int
    """Pictures left out because their time was over."""
    broken: int
    """Pictures of members that could not be decoded."""


class Recorded(msgspec.Struct, frozen=True):
    """A file is complete, or (`trouble`) is not going to be."""

    scene: int
    path: str
    trouble: str = ""


class Trouble(msgspec.Struct, frozen=True):
    """Something that was asked for is not possible. `what`: scene, camera, still."""

    what: str
    number: int
    reason: str


def with_rate(output: Output, kbps: int) -> Output:
    """The same at another rate."""
    return msgspec.structs.replace(output, kbps=kbps)


def with_outputs(scene: Scene, outputs: tuple[Output, ...]) -> Scene:
    """The same for others."""
    return msgspec.structs.replace(scene, outputs=outputs)


def with_size(
    scene: Scene,
    number: int,
    width: int,
    height: int,
    fps: int,
    more: tuple[Face, ...],
    outputs: tuple[Output, ...],
    recorded: bool,
) -> Scene:
    """The same with a number and a size, and with more to be seen."""
    return msgspec.structs.replace(
        scene,
        scene=number,
        width=width,
        height=height,
        fps=fps,
        faces=scene.faces + more,
        outputs=outputs,
        recorded=recorded,
    )


_T = TypeVar("_T", bound=msgspec.Struct)


def greeting(role: int) -> bytes:
    """What both sides say first."""
    return GREETING.pack(MAGIC, VERSION, role)


def read_greeting(data: bytes) -> int:
    """The role. Raises BadRecord for another programme or version."""
    magic, version, role = GREETING.unpack(data)
    if magic != MAGIC:
        raise BadRecord("not a peer of the composer")
    if version != VERSION:
        raise BadRecord(f"version {version} of the composer's records, not {VERSION}")
    if role not in (ENGINE, CONTROL):
        raise BadRecord(f"no role {role}")
    return int(role)


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames (kind and body) that are complete now. Raises BadRecord for one of no length, or too long."""
        buffer = self._buffer
        buffer += data
        frames: list[bytes] = []
        at = 0
        while len(buffer) - at >= 4:
            (size,) = _LENGTH.unpack_from(buffer, at)
            if not 1 <= size <= LONGEST:
                raise BadRecord(f"a frame of {size} bytes")
            if len(buffer) - at - 4 < size:
                break
            frames.append(bytes(memoryview(buffer)[at + 4 : at + 4 + size]))
            at += 4 + size
        del buffer[:at]
        return frames


def framed(body: bytes) -> bytes:
    """A frame of a kind and its body."""
    return _LENGTH.pack(len(body)) + body


def picture(picture: Picture) -> bytes:
    """A frame."""
    flags = (_KEY if picture.key else 0) | (_GAP if picture.gap else 0)
    head = (PICTURE, picture.member, CODECS.index(picture.codec), flags, 0, picture.rtp, picture.arrived_us)
    return framed(_PICTURE.pack(*head) + picture.data)


def read_picture(body: bytes) -> Picture:
    """From kind and body. Raises BadRecord."""
    try:
        _, member, codec, flags, _, rtp, arrived = _PICTURE.unpack_from(body)
        name = CODECS[codec]
    except (struct.error, IndexError) as error:
        raise BadRecord(f"a broken picture: {error}") from error
    return Picture(member, name, bool(flags & _KEY), bool(flags & _GAP), rtp, arrived, body[_PICTURE.size :])


def encoded(encoded: Encoded) -> bytes:
    """A frame."""
    head = (ENCODED, encoded.source, CODECS.index(encoded.codec), _KEY if encoded.key else 0, 0, encoded.rtp)
    return framed(_ENCODED.pack(*head) + encoded.data)


def read_encoded(body: bytes) -> Encoded:
    """From kind and body. Raises BadRecord."""
    try:
        _, source, codec, flags, _, rtp = _ENCODED.unpack_from(body)
        name = CODECS[codec]
    except (struct.error, IndexError) as error:
        raise BadRecord(f"a broken picture: {error}") from error
    return Encoded(source, name, bool(flags & _KEY), rtp, body[_ENCODED.size :])


def encoded_head(frame: bytes) -> tuple[int, bool]:
    """Of a frame that `encoded` has made: its source, and whether it is a key frame."""
    _, source, _, flags, _, _ = _ENCODED.unpack_from(frame, _LENGTH.size)
    return int(source), bool(flags & _KEY)


def sound(member: int, samples: bytes) -> bytes:
    """A frame with the next of what a member says: samples at `SOUND_RATE`, their lower bytes first."""
    return framed(_NUMBER.pack(SOUND, member) + samples)


def read_sound(body: bytes) -> tuple[int, bytes]:
    """Member and samples, from kind and body. Raises BadRecord."""
    samples = body[_NUMBER.size :]
    if len(samples) % 2:
        raise BadRecord("sound that is cut")
    return read_number(body), samples


def number(kind: int, value: int) -> bytes:
    """A frame that is but a number: GONE, WANTED, MEMBER_WANTED, CLOSE, DROP."""
    return framed(_NUMBER.pack(kind, value))


def read_number(body: bytes) -> int:
    """Raises BadRecord."""
    try:
        return int(_NUMBER.unpack_from(body)[1])
    except struct.error as error:
        raise BadRecord(f"a broken number: {error}") from error


def still(member: int, width: int, height: int, i420: bytes) -> bytes:
    """A frame with a picture that stands, in planes of brightness and colour (I420)."""
    return framed(_STILL.pack(STILL, member, width, height) + i420)


def read_still(body: bytes) -> tuple[int, int, int, bytes]:
    """Member, width, height, planes. Raises BadRecord."""
    try:
        _, member, width, height = _STILL.unpack_from(body)
    except struct.error as error:
        raise BadRecord(f"a broken still: {error}") from error
    planes = body[_STILL.size :]
    if width % 2 or height % 2 or len(planes) != width * height * 3 // 2:
        raise BadRecord(f"a still of {width}x{height} in {len(planes)} bytes")
    return member, width, height, planes


def told(kind: int, record: msgspec.Struct) -> bytes:
    """A frame of control."""
    return framed(bytes((kind,)) + msgspec.json.encode(record))


def read_told(body: bytes, form: type[_T]) -> _T:
    """Raises BadRecord for what has another form."""
    try:
        return msgspec.json.decode(memoryview(body)[1:], type=form)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadRecord(f"{form.__name__}: {error}") from error
