"""What recordings ask of others."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from softswitch.events import CallFact, Fact
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.event_log import LoggedFact, Rows


class LiveCalls(Protocol):
    """The facts of calls that have not ended."""

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        """What has happened to one; None when there is no such call."""
        ...


class Studio(Protocol):
    """Records the sound of legs (`gateways.media.gateway.MediaGateway`). A file has `.part` behind its name until it is
    complete, and can be played at any time."""

    def record(self, leg: LegId, recording: int, file: Path, *, layout: str, format: str) -> None:
        """Record a leg from now on until `stop_recording`, or its end.

        Raises Conflict when its sound does not pass through us.
        """
        ...

    def pause_recording(self, recording: int, mask: str) -> None:
        """Leave out what comes: `silence` or `tone` stands for it, or nothing (`cut`)."""
        ...

    def resume_recording(self, recording: int) -> None: ...
    def stop_recording(self, recording: int) -> None: ...

    def kept_recordings(self) -> Mapping[Path, int]:
        """Recordings that a switch which died has left running, or that ended since: their numbers by their files. What
        becomes of them is told."""
        ...

    def beep(self, leg: LegId) -> None:
        """Let a party hear that it is recorded, if its sound passes through us."""
        ...


class Log(Protocol):
    """What is asked of the event log (`softswitch.platform.event_log.EventLog`)."""

    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...
    async def flush(self) -> None: ...
    async def last_at(self) -> int | None: ...
    async def read(self, *, call: CallId | None = None) -> Sequence[LoggedFact]: ...


class Bus(Protocol):
    """Brings facts, and takes them."""

    def subscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None: ...
    def unsubscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None: ...
    def publish(self, fact: Fact) -> None: ...
