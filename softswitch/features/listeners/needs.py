"""What listeners ask of others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from softswitch.kernel.address import HostPort


class Certificate(Protocol):
    """One that is shown to who connects."""

    @property
    def path(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def expires_at(self) -> datetime: ...


class Ears(Protocol):
    """Whoever has the sockets."""

    @property
    def bound(self) -> Sequence[tuple[str, HostPort]]:
        """What is listened on now: kind and address."""
        ...

    def listen(self, kind: str, address: HostPort) -> HostPort:
        """Listen there from now on; port 0 is given a free one. Raises OSError, and Invalid for what must not be."""
        ...

    def stop_listening(self, kind: str, address: HostPort) -> None:
        """Listen there no more. Calls that are up go on."""
        ...

    @property
    def certificates(self) -> Sequence[Certificate]:
        """What is shown now."""
        ...

    def reload_certificates(self) -> None:
        """Read them anew. Raises Invalid naming the file that is not good; then the old ones stay."""
        ...
