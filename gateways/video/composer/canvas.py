"""Pictures as planes of brightness and colour (I420, BT.601, 16 to 235), in numpy. Nothing here waits."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gateways.video.layouts import Rect

Plane = Any
"""A numpy array of bytes."""

Colour = tuple[int, int, int]
"""Brightness, and two of colour."""
BLACK: Final[Colour] = (16, 128, 128)
DARK: Final[Colour] = (40, 130, 127)
GREEN: Final[Colour] = (138, 102, 71)


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture, or a part of one. All sizes are even."""

    y: Plane
    u: Plane
    v: Plane

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])


class Canvas:
    """A picture to draw on. `pixels` is its memory, one plane after the other, as encoders take it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels: Plane = np.empty((height * 3 // 2, width), np.uint8)
        self.planes = _planes(self.pixels, width, height)
        self.fill(Rect(0, 0, width, height), BLACK)

    def fill(self, place: Rect, colour: Colour) -> None:
        """One colour."""
        for plane, value in zip(self._at(place), colour, strict=True):
            plane[:] = value

    def place(self, place: Rect, picture: Planes) -> None:
        """Draw a picture that is no larger than its place into the middle, with black bars where it is smaller."""
        left = place.x + ((place.width - picture.width) // 2 & ~1)
        top = place.y + ((place.height - picture.height) // 2 & ~1)
        inner = Rect(left, top, picture.width, picture.height)
        if inner != place:
            self.fill(place, BLACK)
        for plane, drawn in zip(self._at(inner), (picture.y, picture.u, picture.v), strict=True):
            plane[:] = drawn

    def border(self, place: Rect, colour: Colour, thickness: int) -> None:
        """A frame inside of a place; its thickness is even."""
        x, y, width, height = place.x, place.y, place.width, place.height
        self.fill(Rect(x, y, width, thickness), colour)
        self.fill(Rect(x, y + height - thickness, width, thickness), colour)
        self.fill(Rect(x, y, thickness, height), colour)
        self.fill(Rect(x + width - thickness, y, thickness, height), colour)

    def colour_at(self, x: int, y: int) -> Colour:
        """Of one pixel."""
        planes = self.planes
        return int(planes.y[y, x]), int(planes.u[y // 2, x // 2]), int(planes.v[y // 2, x // 2])

    def _at(self, place: Rect) -> tuple[Plane, Plane, Plane]:
        x, y, right, bottom = place.x, place.y, place.x + place.width, place.y + place.height
        half = slice(y // 2, bottom // 2), slice(x // 2, right // 2)
        return self.planes.y[y:bottom, x:right], self.planes.u[half], self.planes.v[half]


def of_bytes(data: bytes, width: int, height: int) -> Plane:
    """The memory of a picture in I420, as `Canvas.pixels` is; a copy."""
    return np.frombuffer(data, np.uint8).reshape(height * 3 // 2, width).copy()


def of_rgb(rgb: Plane) -> Planes:
    """A picture in red, green and blue, of even size (ITU-R BT.601, 8 bits, narrow range)."""
    red, green, blue = (rgb[:, :, channel].astype(np.float32) for channel in range(3))
    y = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    return Planes(_bytes(y), _bytes(_halved(u)), _bytes(_halved(v)))


def _planes(pixels: Plane, width: int, height: int) -> Planes:
    flat = pixels.reshape(-1)
    size, quarter = width * height, width * height // 4
    return Planes(
        flat[:size].reshape(height, width),
        flat[size : size + quarter].reshape(height // 2, width // 2),
        flat[size + quarter :].reshape(height // 2, width // 2),
    )


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    return plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _bytes(plane: Plane) -> Plane:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)
