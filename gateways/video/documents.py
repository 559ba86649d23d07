"""Documents that are shown in meetings: PNG, JPEG and PDF become still pictures, page by page."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

import structlog

from gateways.video.gateway import missing
from softswitch.kernel.errors import Invalid, Unavailable

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 16 << 20
"""Of a document."""
LARGEST: Final = (1920, 1080)
PAGE_SECONDS: Final = 30.0
"""How long a page may take."""
MOST_AT_ONCE: Final = 2
_HEADER: Final = Struct("<IHH")


@dataclass(frozen=True, slots=True)
class Page:
    """A picture that stands, for `ComposerGateway.still`."""

    number: int
    pages: int
    """How many the document has."""
    width: int
    height: int
    i420: bytes


class Documents:
    """Turns pages, each in a process of its own: what documents do to their readers ends there."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "gateways.video.composer.documents")) -> None:
        self._command = command
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def page(self, document: bytes, number: int = 1) -> Page:
        """One of its pages; the first is 1. Raises Invalid for what cannot be shown, with the reason, and Unavailable
        where softswitch[video] is not installed."""
        reason = missing()
        if reason is not None:
            raise Unavailable(reason)
        if len(document) > MOST_BYTES:
            raise Invalid("document", f"it has {len(document) / (1 << 20):.0f} MiB, more than {MOST_BYTES >> 20}")
        async with self._room:
            status, out, words = await self._read(document, number)
        if status == 0 and len(out) > _HEADER.size:
            pages, width, height = _HEADER.unpack_from(out)
            return Page(number, pages, width, height, out[_HEADER.size :])
        if status == 1 and (lines := words.strip().splitlines()) and not words.startswith("Traceback"):
            raise Invalid("document", lines[-1])
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            raise Invalid("document", "it takes too long to be drawn")
        log.warning("a document could not be read", status=status, said=words[-2000:])
        raise Invalid("document", "it cannot be read")

    async def _read(self, document: bytes, number: int) -> tuple[int, bytes, str]:
        words = (*self._command, str(number), *map(str, LARGEST))
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            out, complaints = await asyncio.wait_for(process.communicate(document), PAGE_SECONDS)
        except TimeoutError:
            return -signal.SIGKILL, b"", ""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, out, complaints.decode(errors="replace")
