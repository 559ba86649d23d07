"""WAV files of other programs, and bare samples: read as 16-bit mono, and written so."""

import array
import math
import struct
import sys

RATES = range(4000, 192_001)
_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


class Unreadable(ValueError):
    """The reason why bytes are no sound."""


def read_wav(data: bytes) -> tuple[bytes, int]:
    """16-bit mono little-endian samples and their rate; of several channels the first. Raises Unreadable.

    Linear samples of 8 to 32 bits, 32-bit floats, and G.711.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise Unreadable("it does not begin as a WAV file does")
    head: bytes | None = None
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if kind == b"fmt ":
            head = body
        elif kind == b"data":
            if head is None:
                raise Unreadable("there are samples before it is said what they are")
            return _samples(head, body)
        at += 8 + size + size % 2
    raise Unreadable("there are no samples in it")


def _samples(head: bytes, body: bytes) -> tuple[bytes, int]:
    if len(head) < 16:
        raise Unreadable("it does not say what its samples are")
    format, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", head)
    if format == _EXTENSIBLE and len(head) >= 26:
        format = int.from_bytes(head[24:26], "little")
    width = bits // 8
    if rate not in RATES or not channels or bits % 8 or block != width * channels:
        raise Unreadable(f"{bits} bits, {channels} channels and {rate} samples a second do not go together")
    body = body[: len(body) // block * block]
    if not body:
        raise Unreadable("it is empty")
    if format == _PCM and width == 1:
        return _interleave(bytes(len(body) // block), body[::block].translate(_SIGNED)), rate
    if format == _PCM and width in (2, 3, 4):
        return _interleave(body[width - 2 :: block], body[width - 1 :: block]), rate
    if format == _FLOAT and width == 4:
        return _from_floats(body, channels), rate
    if format in (_A_LAW, _MU_LAW) and width == 1:
        return decode_g711(body[::block], a_law=format == _A_LAW), rate
    raise Unreadable(f"it is of a kind that is not read (format {format}, {bits} bits)")


def read_l16(data: bytes) -> bytes:
    """Samples in network order (RFC 3551 section 4.5.11) as ours. Raises Unreadable."""
    if len(data) < 2 or len(data) % 2:
        raise Unreadable("16-bit samples have two bytes each")
    return _interleave(data[1::2], data[::2])


def decode_g711(codes: bytes, *, a_law: bool) -> bytes:
    """Samples of G.711 as ours."""
    low, high = _TABLES[a_law]
    return _interleave(codes.translate(low), codes.translate(high))


def write_wav(samples: bytes, rate: int) -> bytes:
    """A WAV file of 16-bit mono little-endian samples."""
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36 + len(samples), b"WAVEfmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return head + struct.pack("<4sI", b"data", len(samples)) + samples


def _interleave(low: bytes, high: bytes) -> bytes:
    both = bytearray(2 * len(low))
    both[::2], both[1::2] = low, high
    return bytes(both)


def _from_floats(body: bytes, channels: int) -> bytes:
    values = array.array("f", body)
    if sys.byteorder == "big":
        values.byteswap()
    first = values[::channels]
    if not all(map(math.isfinite, first)):
        raise Unreadable("some of its samples are no numbers")
    samples = array.array("h", (round(max(-1.0, min(1.0, value)) * 32767) for value in first))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _a_law(code: int) -> int:
    """ITU-T G.711, table 1."""
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    size = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return size if code & 0x80 else -size


def _mu_law(code: int) -> int:
    """ITU-T G.711, table 2."""
    code ^= 0xFF
    size = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return -size if code & 0x80 else size


def _table(values: list[int]) -> tuple[bytes, bytes]:
    """The low and the high byte of what each code stands for."""
    return bytes(value & 0xFF for value in values), bytes(value >> 8 & 0xFF for value in values)


_SIGNED = bytes((value + 128) & 0xFF for value in range(256))
_TABLES = {True: _table([_a_law(code) for code in range(256)]), False: _table([_mu_law(code) for code in range(256)])}
