"""Documents become pictures, and bombs do not."""

import asyncio
import io
import struct
import sys
import zlib

import pytest
from PIL import Image

from gateways.video import documents
from gateways.video.composer.canvas import Canvas, of_bytes
from gateways.video.documents import Documents, Page
from softswitch.kernel.errors import Invalid, Unavailable
from tests.support.composing import near


def colour_at(page: Page, x: int, y: int) -> tuple[int, int, int]:
    canvas = Canvas(page.width, page.height)
    canvas.pixels[:] = of_bytes(page.i420, page.width, page.height)
    return canvas.colour_at(x, y)


def image(form: str, size: tuple[int, int] = (300, 200), colour: str = "red", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, form)
    return out.getvalue()


def pdf(*colours: str) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.new("RGB", (595, 842), colour) for colour in colours)
    first.save(out, "PDF", save_all=True, append_images=others)
    return out.getvalue()


RED, WHITE, BLUE = (81, 90, 240), (235, 128, 128), (41, 240, 110)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
async def test_an_image_is_shown_as_it_is(form: str) -> None:
    page = await Documents().page(image(form))
    assert (page.number, page.pages, page.width, page.height) == (1, 1, 300, 200)
    assert near(colour_at(page, 150, 100), RED)


async def test_a_large_one_is_made_smaller_and_what_can_be_seen_through_is_white() -> None:
    page = await Documents().page(image("PNG", (4001, 2001), "#00000000", "RGBA"))
    assert (page.width, page.height) == (1920, 960)
    assert near(colour_at(page, 900, 400), WHITE)


async def test_the_pages_of_a_pdf() -> None:
    document = pdf("red", "blue")
    first, second = await asyncio.gather(Documents().page(document, 1), Documents().page(document, 2))
    assert (first.pages, first.height) == (2, 1080)
    assert near(colour_at(first, 300, 500), RED)
    assert near(colour_at(second, 300, 500), BLUE)
    with pytest.raises(Invalid, match="it has 2 pages"):
        await Documents().page(document, 3)


def bomb(width: int, height: int) -> bytes:
    """A PNG of some kilobytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"GIF89a", "it is neither PNG nor JPEG nor PDF"),
        (b"", "it is neither PNG nor JPEG nor PDF"),
        (bomb(60_000, 60_000), "it has more than 40 megapixels"),
        (bomb(9000, 9000), "it has more than 40 megapixels"),
        (bomb(6000, 6000), "it is broken"),
        (image("JPEG")[:300], "it is broken|neither"),
        (b"%PDF-1.7\n" + b"\xff" * 5000, "it cannot be read"),
        (bytes(documents.MOST_BYTES + 1), "it has 16 MiB, more than 16"),
    ],
)
async def test_what_cannot_be_shown_is_refused_with_the_reason(document: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        await Documents().page(document)


async def test_a_reader_that_takes_too_long_crashes_or_is_not_there_is_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleeping = Documents((sys.executable, "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(documents, "PAGE_SECONDS", 0.2)
    with pytest.raises(Invalid, match="it takes too long"):
        await sleeping.page(b"x")
    monkeypatch.setattr(documents, "PAGE_SECONDS", 30)
    dying = Documents((sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(Invalid, match="it cannot be read"):
        await dying.page(b"x")
    monkeypatch.setattr(documents, "missing", lambda: "the package av is needed: pip install 'softswitch[video]'")
    with pytest.raises(Unavailable, match="the package av is needed"):
        await Documents().page(b"x")
