"""Names, titles and the microphone that is off, as small pictures that are made once and drawn many times."""

import importlib.util
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gateways.video.composer.canvas import Planes, of_rgb

LONGEST_NAME: Final = 80
"""Characters; a name is shortened to what fits its place anyhow."""
_LABEL: Final = (24, 26, 30)
_WHITE: Final = (240, 240, 240)
_RED: Final = (225, 50, 45)
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\ufe0e\ufe0f]")
_DISCS: Final = ((66, 103, 178), (46, 125, 110), (142, 84, 160), (170, 95, 50), (85, 110, 60), (150, 65, 95))


@lru_cache(maxsize=512)
def label(name: str, muted: bool, most_width: int, height: int) -> Planes:
    """White on dark; with a red microphone before the name of who is muted."""
    font = _font(max(8, int(height * 0.62)))
    pad = height // 4
    icon = height if muted else 0
    text = _fitting(name, font, most_width - 2 * pad - icon)
    width = min(most_width & ~1, int(_width(font, text) + 2 * pad + icon if text else icon))
    image = Image.new("RGB", ((max(2, width) + 1) & ~1, height & ~1), _LABEL)
    draw = ImageDraw.Draw(image)
    if muted:
        _microphone(draw, height)
    draw.text((icon + pad, height / 2), text, _WHITE, font, anchor="lm")
    return of_rgb(np.asarray(image))


@lru_cache(maxsize=16)
def lamp(height: int) -> Planes:
    """A red disc: this is recorded."""
    height &= ~1
    image = Image.new("RGB", (height, height), _LABEL)
    quarter = height / 4
    ImageDraw.Draw(image).ellipse((quarter, quarter, 3 * quarter, 3 * quarter), _RED)
    return of_rgb(np.asarray(image))


@lru_cache(maxsize=256)
def placard(name: str, width: int, height: int) -> Planes:
    """Stands for somebody of whom there is no picture: the first letter in a disc."""
    image = Image.new("RGB", (width, height), (42, 46, 54))
    draw = ImageDraw.Draw(image)
    radius = min(width, height) * 0.27
    middle = (width / 2, height * 0.46)
    colour = _DISCS[sum(name.encode()) % len(_DISCS)]
    draw.ellipse((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), colour)
    first = _plain(name)[:1].upper()
    draw.text(middle, first, _WHITE, _font(max(8, int(radius))), anchor="mm")
    return of_rgb(np.asarray(image))


def _microphone(draw: ImageDraw.ImageDraw, size: int) -> None:
    """A microphone, struck through."""
    unit = size / 16
    draw.rounded_rectangle((6 * unit, 2 * unit, 10 * unit, 9 * unit), 2 * unit, _RED)
    draw.arc((4 * unit, 4 * unit, 12 * unit, 12 * unit), 0, 180, _RED, max(1, int(1.2 * unit)))
    draw.line((8 * unit, 12 * unit, 8 * unit, 14 * unit), _RED, max(1, int(1.4 * unit)))
    draw.line((3 * unit, 2 * unit, 13 * unit, 14 * unit), _RED, max(1, int(1.8 * unit)))


def _fitting(name: str, font: Any, most: float) -> str:
    """As much of the name as there is room for."""
    text = _plain(name)
    if _width(font, text) <= most:
        return text
    while text and _width(font, text + "…") > most:
        text = text[:-1]
    return text + "…" if text else ""


def _width(font: Any, text: str) -> float:
    return float(font.getlength(text))


def _plain(name: str) -> str:
    """On one line, without what steers terminals or turns the direction of text, and without small pictures (emoji),
    which the font has not."""
    kept = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in name)
    return " ".join(_EMOJI.sub("", kept).split())[:LONGEST_NAME]


@lru_cache(maxsize=64)
def _font(size: int) -> Any:
    found = importlib.util.find_spec("pylopdf_fonts_zh_cn")
    if found is None or not found.submodule_search_locations:
        return ImageFont.load_default(size)
    # Noto Sans SC: Latin, Greek, Cyrillic, kana and Chinese.
    return ImageFont.truetype(str(Path(next(iter(found.submodule_search_locations))) / "NotoSansSC-Regular.otf"), size)
