"""Who takes and carries messages and mail."""

from collections.abc import Callable
from typing import Protocol

from softswitch.calls.signals import Origin, Target
from softswitch.kernel.mail import Mail
from softswitch.kernel.messages import Delivery, Taken, TextMessage


class Messages(Protocol):
    """Who takes the messages that accounts send."""

    def received(
        self, origin: Origin, message: TextMessage, lifetime: int | None, decided: Callable[[Taken], None]
    ) -> None:
        """An account sends a message. `lifetime`: seconds after which it is worth nothing, where the sender said so.
        `decided` is told, once, what became of it; that may be later."""
        ...


class Courier(Protocol):
    """A gateway that carries messages to devices."""

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        """Give a message to one device; `done` is told, once and later, what the device said."""
        ...


class Mailer(Protocol):
    """Sends e-mail."""

    async def send(self, mail: Mail) -> None:
        """Hand it to a mail server, which may have it twice where it was told so in the middle of a fault.

        Raises Conflict when the server will never take it, and Unavailable when it may take it later.
        """
        ...
