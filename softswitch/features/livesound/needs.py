"""What this asks of others."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.events import CallFact, Fact
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.sound import Sound


class LiveCalls(Protocol):
    """The facts of calls that have not ended."""

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        """What has happened to one; None when there is no such call."""
        ...


class Player(Protocol):
    """See `softswitch.ports.media.Player`."""

    def serves(self, leg: LegId) -> bool:
        """Whether a leg's sound passes through us now."""
        ...

    def play_list(
        self,
        leg: LegId,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        over: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None: ...


class Bus(Protocol):
    """Takes facts."""

    def publish(self, fact: Fact) -> None: ...
