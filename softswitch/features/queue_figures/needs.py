"""What the figures ask of others."""

from collections.abc import Collection
from typing import Protocol


class Centre(Protocol):
    """The queues as they are set (`softswitch.features.acd`)."""

    def queues(self) -> Collection[str]:
        """All that there are."""
        ...

    def waiting(self, queue: str) -> int:
        """How many wait there, by the engine's own account."""
        ...

    def service_level(self, queue: str) -> tuple[int, int]:
        """The threshold and the time of a short abandon that are set for it, in milliseconds."""
        ...

    def members(self, queue: str) -> Collection[str]:
        """The agents who serve it."""
        ...


class Post(Protocol):
    """Sends e-mail, behind everything else."""

    def mail(self, to: str, subject: str, text: str) -> bool:
        """Whether it is taken to be sent."""
        ...
