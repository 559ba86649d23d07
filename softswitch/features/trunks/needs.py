"""What trunks ask others."""

from typing import Protocol

from softswitch.kernel.address import Party


class Accounts(Protocol):
    """Which number the world outside is shown."""

    def shown_outside(self, number: str) -> Party | None: ...
