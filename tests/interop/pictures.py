"""Colours that phones of tests send as their pictures, and where in what they see they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image


class Colour(NamedTuple):
    """Of a whole picture, in I420."""

    y: int
    u: int
    v: int

    def picture(self, size: tuple[int, int]) -> bytes:
        pixels = size[0] * size[1]
        return bytes([self.y]) * pixels + bytes([self.u]) * (pixels // 4) + bytes([self.v]) * (pixels // 4)

    def is_like(self, seen: Sequence[int]) -> bool:
        """As far as codecs leave colours as they are."""
        return all(abs(value - wanted) <= 12 for value, wanted in zip(seen, self, strict=True))


RED, GREEN, BLUE, YELLOW = Colour(82, 90, 240), Colour(145, 54, 34), Colour(41, 240, 110), Colour(210, 16, 146)

Place = tuple[float, float, Colour]
"""A colour at a place, which is told in parts of a picture's width and height."""


def whole(colour: Colour) -> tuple[Place, ...]:
    """Where a picture shows one alone."""
    return tuple((x, y, colour) for x in (0.1, 0.9) for y in (0.1, 0.9))


def is_at(picture: bytes, width: int, height: int, place: Place) -> bool:
    """Whether a picture in I420 has a colour at its place."""
    x, y, colour = place
    column, row, pixels = int(x * width), int(y * height), width * height
    half = row // 2 * (width // 2) + column // 2
    return colour.is_like((picture[row * width + column], picture[pixels + half], picture[pixels * 5 // 4 + half]))


def at_places(file: Path, *wanted: Place) -> bool:
    """Whether a picture that a phone wrote into a file has colours at places. It made RGB of what came as JPEG does,
    with the whole range, and so this makes of it what came."""
    with Image.open(file) as image:
        seen = np.asarray(image.convert("YCbCr"))
    height, width, _ = seen.shape
    return all(colour.is_like(seen[int(y * height), int(x * width)].tolist()) for x, y, colour in wanted)
