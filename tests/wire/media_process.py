"""A media engine in a process of its own, for tests of the gateway."""

import sys
from pathlib import Path

from gateways.media.process import EngineProcess


def engine_process(folder: Path, *options: str, legs: int = 8, threads: int = 1) -> EngineProcess:
    """One that `reach` begins in a folder, and that ends with its owner."""
    words = [sys.executable, "-m", "softswitch", "media", "--ends-alone", "--socket", str(folder / "media.sock")]
    words += ["--data-dir", str(folder), "--listen", "127.0.0.1", "--first-port", "0"]
    words += ["--legs", str(legs), "--threads", str(threads), *options]
    return EngineProcess(folder / "media.sock", words, folder / "media-engine.log")
