"""A media engine in a process of its own, for tests of the gateway."""

import sys
from pathlib import Path
from typing import Any

from gateways._native import MediaEngine
from gateways.media.gateway import MediaGateway
from gateways.media.process import EngineProcess


def engine_process(folder: Path, *options: str, legs: int = 8, threads: int = 1) -> EngineProcess:
    """One that `reach` begins in a folder, and that ends with its owner."""
    words = [sys.executable, "-m", "softswitch", "media", "--ends-alone", "--socket", str(folder / "media.sock")]
    words += ["--data-dir", str(folder), "--listen", "127.0.0.1", "--first-port", "0"]
    words += ["--legs", str(legs), "--threads", str(threads), *options]
    return EngineProcess(folder / "media.sock", words, folder / "media-engine.log")


def media_gateway(folder: Path, threads: int | str, **more: Any) -> MediaGateway:
    """A gateway to an engine of so many threads in our process, or, of one, in a `process` of its own."""
    if threads == "process":
        process = engine_process(folder)
        return MediaGateway(process.reach(), "127.0.0.1", process=process, **more)
    assert isinstance(threads, int)
    return MediaGateway(MediaEngine(host="127.0.0.1", first_port=0, legs=8, threads=threads), "127.0.0.1", **more)
