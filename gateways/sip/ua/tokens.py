"""Tags, Call-IDs and random waiting times, from whatever source of bytes is passed in."""

from collections.abc import Callable

_BATCH = 4096
_BYTES = 8


class Tokens:
    """Makes tokens that cannot be guessed: 64 random bits each (RFC 3261 section 19.3 asks for 32).

    `entropy` gives that many bytes: `os.urandom` in service, a seeded generator in simulations. It is asked for
    many at a time, because asking the kernel for each tag costs more than all else that is done with it.
    """

    __slots__ = ("_entropy", "_ready")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._ready: list[str] = []

    def token(self) -> str:
        """Sixteen hexadecimal digits."""
        ready = self._ready
        if not ready:
            digits = self._entropy(_BATCH).hex()
            ready += [digits[start : start + 2 * _BYTES] for start in range(0, len(digits), 2 * _BYTES)]
        return ready.pop()

    def nonce(self) -> bytes:
        """Twelve random bytes."""
        return bytes.fromhex(self.token() + self.token())[:12]

    def key(self, length: int) -> bytes:
        """So many random bytes."""
        return self._entropy(length)

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`, evenly spread."""
        return low + (high - low) * (int(self.token(), 16) / 0xFFFF_FFFF_FFFF_FFFF)
