"""One switch to a data folder: a second one would take the calls of the first for what a crash left behind, and end
their records."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from softswitch.kernel.errors import Conflict

NAME = "switch.lock"


@contextmanager
def only_switch(folder: Path) -> Iterator[None]:
    """Hold a folder until the block ends, or the process does, however it ends: the kernel lets go of the lock.

    Raises Conflict when another process holds it, and OSError when the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(
                "data-folder-in-use",
                f"{folder} is in use by another switch (process {holder}); give each its own with --data-dir",
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)
