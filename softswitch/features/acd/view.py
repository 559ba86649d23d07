"""The queues as others look at them."""

from collections.abc import Collection

from softswitch.features.acd.service import Queues


class CentreView:
    """What is set for queues, and how many wait by the engine's own account."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def queues(self) -> Collection[str]:
        """The names of all."""
        return self._queues.names()

    def waiting(self, queue: str) -> int:
        """How many wait in one; 0 where there is none."""
        live = self._queues.queue(queue)
        return len(live.waiting) if live is not None else 0

    def service_level(self, queue: str) -> tuple[int, int]:
        """A queue's threshold and time of a short abandon, in milliseconds. Raises KeyError for an unknown one."""
        settings = self._queues.settings(queue)
        if settings is None:
            raise KeyError(queue)
        return settings.rules.service_level_ms, settings.rules.short_abandon_ms

    def members(self, queue: str) -> Collection[str]:
        """The agents who serve one."""
        live = self._queues.queue(queue)
        return live.members.keys() if live is not None else ()
