"""Files that what callers say is written to, and who waits for their ends."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

from softswitch.kernel.errors import Invalid

FIRST_NUMBER = 1 << 40
"""The engine knows recordings by numbers; those of the feature `recording`, which counts from 1, come nowhere near."""

Ended = Callable[[int, int, str], None]


class Takes:
    """Recordings under way, by their numbers; their files are below one folder."""

    def __init__(self, folder: Path | None, owner: int = 0) -> None:
        """`owner`: which of the engine's, one after the other, we are."""
        self._folder = folder
        self._numbers = count((owner + 1) * FIRST_NUMBER)
        self._ended: dict[int, Ended] = {}
        self._troubles: dict[int, str] = {}

    def begin(self, name: str, ended: Ended) -> tuple[int, Path]:
        """A recording's number and its file. Raises Invalid for a name that leads out of the folder."""
        parts = name.split("/")
        if self._folder is None or "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise Invalid("name", f"{name!r} is no path of a file below the data folder")
        number = next(self._numbers)
        self._ended[number] = ended
        return number, self._folder.joinpath(*parts)

    def adopt(self, number: int, ended: Ended) -> None:
        """Be told of the end of one that an owner of the engine before us has begun."""
        self._ended[number] = ended

    def trouble(self, number: int, reason: str) -> bool:
        """Sound of a recording is being lost: whether it is one of these, which is then to be stopped, since who speaks
        must be told."""
        if number in self._ended:
            self._troubles.setdefault(number, reason)
        return number in self._ended

    def end(self, number: int, milliseconds: int, size: int, reason: str) -> bool:
        """A recording's file is complete; False where it was none of these."""
        ended = self._ended.pop(number, None)
        reason = self._troubles.pop(number, "") or reason
        if ended is not None:
            ended(milliseconds, size, reason)
        return ended is not None

    def lose(self, reason: str) -> None:
        """None of them will be complete."""
        for number in list(self._ended):
            self.end(number, 0, 0, reason)
