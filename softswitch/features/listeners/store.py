"""Listeners that were added, in a file of this machine's: other switches on the same database have other addresses."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from softswitch.features.listeners.model import Listening

_DECODER = msgspec.json.Decoder(list[Listening])


def read(file: Path) -> Sequence[Listening]:
    """Those that were written last; none where nothing was. Raises OSError or ValueError for a file that is broken."""
    return _DECODER.decode(file.read_bytes()) if file.exists() else ()


def write(file: Path, listeners: Sequence[Listening]) -> None:
    """Replace the file at once: a crash leaves the old one or the new one."""
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(listeners)))
    os.replace(new, file)
