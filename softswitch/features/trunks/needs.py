"""What trunks ask others."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.calls.signals import Target
from softswitch.kernel.address import Party


class Accounts(Protocol):
    """Which number the world outside is shown."""

    def shown_outside(self, number: str) -> Party | None: ...


class Registered(Protocol):
    """Where a user is registered."""

    def targets(self, number: str) -> Sequence[Target]:
        """How each Contact of a user is reached; none: it is not registered."""
        ...
