"""What a viewer can take: which size of a composed picture, at which rate, in which form. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from softswitch.kernel.media import Codec

PACKET: Final = 1100
"""Bytes of a slice that fits a packet beside all headers: packetisation mode 0 takes no larger one."""


@dataclass(frozen=True, slots=True)
class Size:
    """A picture and its rates; `kbps` is what it is given where nobody takes less."""

    width: int
    height: int
    fps: int
    kbps: int
    least_kbps: int
    """Below that a smaller picture looks better."""

    @property
    def blocks(self) -> int:
        """Macroblocks (ITU-T H.264 section 6.3)."""
        return -(-self.width // 16) * -(-self.height // 16)


SIZES: Final = (
    Size(1280, 720, 25, 1500, 800),
    Size(640, 360, 15, 600, 250),
    Size(320, 180, 12, 200, 0),
)
"""The largest first."""

_LEVELS: Final = {
    10: (99, 1485),
    11: (396, 3000),
    12: (396, 6000),
    13: (396, 11_880),
    20: (396, 11_880),
    21: (792, 19_800),
    22: (1620, 20_250),
    30: (1620, 40_500),
    31: (3600, 108_000),
}
"""Macroblocks of a picture and of a second (ITU-T H.264 table A-1); higher levels take all of ours."""
_PROFILE = re.compile(r"profile-level-id\s*=\s*([0-9a-f]{6})", re.IGNORECASE)
_MODE = re.compile(r"packetization-mode\s*=\s*([0-9])", re.IGNORECASE)
_MOST_BLOCKS = re.compile(r"max-fs\s*=\s*([0-9]{1,7})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Form:
    """An encoding that may be shared by all who take it."""

    codec: Literal["H264", "VP8"]
    longest_slice: int = 0


def form_of(codec: Codec) -> Form | None:
    """How pictures are to be encoded for whoever takes a codec; None: they cannot be."""
    if codec.name == "VP8":
        return Form("VP8")
    if codec.name == "H264":
        return Form("H264", 0 if mode_of(codec) else PACKET)
    return None


def size_of(codec: Codec, kbps: int | None) -> Size:
    """The largest picture for whoever takes a codec, and no more than so many kbit/s."""
    for size in SIZES[:-1]:
        if _takes(codec, size) and (kbps is None or kbps >= size.least_kbps):
            return size
    return SIZES[-1]


def mode_of(codec: Codec) -> int:
    """The packetisation mode of H.264 (RFC 6184 section 8.1: 0 where nothing is said)."""
    found = _MODE.search(codec.parameters)
    return int(found[1]) if found else 0


def passes(source: Codec, viewer: Codec) -> bool:
    """Whether what one sends can be shown to the other as it is."""
    if source.name != viewer.name:
        return False
    # A slice that was made for mode 1 may be larger than a packet, and mode 0 has no way to cut it.
    return source.name != "H264" or mode_of(viewer) >= mode_of(source)


def _takes(codec: Codec, size: Size) -> bool:
    if codec.name == "VP8":
        found = _MOST_BLOCKS.search(codec.parameters)  # RFC 7741 section 6.1
        return found is None or int(found[1]) >= size.blocks
    found = _PROFILE.search(codec.parameters)
    # RFC 6184 section 8.1: without it, Baseline at level 1.
    level = int(found[1][4:], 16) if found else 10
    most = _LEVELS.get(level)
    if most is None:
        return level > max(_LEVELS)
    extended = _MOST_BLOCKS.search(codec.parameters)
    blocks = max(most[0], int(extended[1]) if extended else 0)
    return size.blocks <= blocks and size.blocks * size.fps <= most[1]
