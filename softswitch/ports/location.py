"""Where accounts are, and how phones that sleep are woken."""

from collections.abc import Sequence
from typing import Protocol

from softswitch.kernel.address import Party
from softswitch.kernel.binding import Binding, PushTarget


class Location(Protocol):
    """Where accounts are now (RFC 3261 section 10.3). Answered from memory, stored behind."""

    def bindings(self, aor: str) -> Sequence[Binding]:
        """The bindings of an account that have not expired, in order of preference (q, then newest)."""
        ...

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        """Make these the account's bindings."""
        ...

    def flow_failed(self, connection: int) -> None:
        """A socket or connection is gone: bindings that came by it are reached another way, or not at all."""
        ...


class PushNotifier(Protocol):
    """Wakes phones that sleep (RFC 8599)."""

    def wake(self, target: PushTarget, account: str, caller: Party, why: str) -> None:
        """Ask a push service to wake a phone, because of a `call` or a `message` for `account` from `caller`, or
        because its `mailbox` is another. Never waits, never raises: the phone comes back, or it does not."""
        ...
