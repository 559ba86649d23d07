"""Keeps a composer alive. This process loads the libraries and listens; each composer is a copy of it that ends or
crashes alone, and the next one is there at once: who connects meanwhile waits in the socket's backlog.
"""

import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final

from gateways.video.composer.process import listen, serve

GENTLE: Final = 5
"""How much composers stand back behind those who carry sound (nice(2))."""
SOON_SECONDS: Final = 0.2
"""One that lived no longer than this was not worth beginning: the next one waits as long."""
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG


class Keeper:
    """One composer after the other, until one ends as it was asked to."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._child = 0
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT, or until a composer ends by itself."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            began = time.monotonic()  # noqa: TID251 - this process has no other clock
            self._child = self._begin()
            _, status = os.waitpid(self._child, 0)
            self._child = 0
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                return
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
            print(f"a composer ended: {how}", file=sys.stderr, flush=True)
            lived = time.monotonic() - began  # noqa: TID251
            if lived < SOON_SECONDS and not self._stopping:
                time.sleep(SOON_SECONDS - lived)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        if self._child:
            os.kill(self._child, signal.SIGTERM)

    def _begin(self) -> int:
        keeper = os.getpid()
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            if os.getppid() == keeper:
                serve(self._listener)
            status = 0
        except BaseException as error:  # whatever it is, this copy must not go on as the keeper
            print(f"a composer met a bug: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            sys.stderr.flush()
            os._exit(status)


def keep(path: Path) -> None:
    """Listen, and keep composers. Raises OSError where that cannot be."""
    os.nice(GENTLE)
    listener = listen(path)
    try:
        Keeper(listener).run()
    finally:
        path.unlink(missing_ok=True)
