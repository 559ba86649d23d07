"""One page of a document becomes a picture: `python -m gateways.video.composer.documents PAGE WIDTH HEIGHT`, with the
document on standard input. Documents come from strangers: each is read by a process that may use little, for seconds.

Standard output: how many pages there are, width and height of the picture (u32, u16, u16, little-endian), and the
picture in I420. Exit status 1: what is wrong with it, in words.
"""

import io
import os
import resource
import struct
import sys
from typing import Any, Final, NoReturn

import numpy as np
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from gateways.video.composer.canvas import of_rgb

HEADER: Final = struct.Struct("<IHH")
MOST_PIXELS: Final = 40_000_000
"""Of a picture that is sent: what a camera takes, and not what a bomb unpacks to."""
_TOO_LARGE: Final = f"it has more than {MOST_PIXELS // 1_000_000} megapixels"
MOST_PAGES: Final = 1000
MOST_MEMORY: Final = 2 << 30
MOST_CPU_SECONDS: Final = 10
GENTLE: Final = 10
"""How much this stands back behind those who carry sound (nice(2))."""


class Refused(Exception):
    """Words for whoever sent it."""


def page(document: bytes, number: int, width: int, height: int) -> tuple[int, Any]:
    """How many pages there are, and one of them (the first is 1) as an RGB image that fits. Raises Refused."""
    if b"%PDF-" in document[:1024]:
        return _of_pdf(document, number, width, height)
    if number != 1:
        raise Refused("it has 1 page")
    return 1, _of_image(document, width, height)


def _of_image(document: bytes, width: int, height: int) -> Any:
    try:
        image: Any = Image.open(io.BytesIO(document), formats=("PNG", "JPEG"))
        if image.width * image.height > MOST_PIXELS:
            raise Refused(_TOO_LARGE)
        image.draft("RGB", (width, height))
        image = ImageOps.exif_transpose(image)
        if image.mode not in ("RGB", "L"):
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        image = image.convert("RGB")
    except UnidentifiedImageError as error:
        raise Refused("it is neither PNG nor JPEG nor PDF") from error
    except Image.DecompressionBombError as error:
        raise Refused(_TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Refused(f"it is broken: {error}") from error
    return _fitted(image, width, height)


def _of_pdf(document: bytes, number: int, width: int, height: int) -> tuple[int, Any]:
    try:
        pdf = pypdfium2.PdfDocument(document)
        pages = len(pdf)
        if pages > MOST_PAGES:
            raise Refused(f"it has {pages} pages, more than {MOST_PAGES}")
        if not 1 <= number <= pages:
            raise Refused(f"it has {pages} page{'s' if pages != 1 else ''}")
        leaf = pdf[number - 1]
        wide, tall = leaf.get_size()
        if not (wide >= 1 and tall >= 1):
            raise Refused(f"page {number} has no size")
        image = leaf.render(scale=min(width / wide, height / tall)).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as error:
        raise Refused(f"it cannot be read: {error}") from error
    return pages, _fitted(image, width, height)


def _fitted(image: Any, width: int, height: int) -> Any:
    ratio = min(width / image.width, height / image.height, 1.0)
    wide, tall = (max(2, int(size * ratio) & ~1) for size in (image.width, image.height))
    return image if (wide, tall) == image.size else image.resize((wide, tall), Image.Resampling.LANCZOS)


def main() -> None:
    """One page."""
    os.nice(GENTLE)
    for limit, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    number, width, height = map(int, sys.argv[1:])
    try:
        pages, image = page(sys.stdin.buffer.read(), number, width, height)
    except Refused as refused:
        _leave(str(refused))
    except MemoryError:
        _leave("it needs too much memory")
    planes = of_rgb(np.asarray(image))
    out = sys.stdout.buffer
    out.write(HEADER.pack(pages, planes.width, planes.height))
    for plane in (planes.y, planes.u, planes.v):
        out.write(plane.tobytes())
    out.flush()


def _leave(words: str) -> NoReturn:
    print(words, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
