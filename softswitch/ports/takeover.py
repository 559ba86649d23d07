"""What outlives the process of call control."""

from typing import Protocol

from softswitch.calls.restored import RestoredLeg
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription


class Memory(Protocol):
    """A signalling gateway's legs, as they are written down for the process after this one."""

    def remembered(self, leg: LegId) -> bytes | None:
        """All that is needed to go on with a leg, in JSON; it may hold keys and passwords, so whoever stores it seals
        it. None: the leg is not established."""
        ...

    def restore(self, leg: LegId, written: bytes) -> RestoredLeg:
        """Go on with a leg that an earlier process has written down: from now on it is as any other. Raises ValueError
        for what is no such writing."""
        ...


class Takeover(Protocol):
    """Legs that a media engine in a process of its own has kept open since the call control before us died. All of it
    comes before the first call."""

    def resume(self, leg: LegId, address: HostPort, local: MediaDescription, remote: MediaDescription | None) -> bool:
        """Take over a leg that a media engine in a process of its own has kept open since call control died: the one
        at the local address that its party was told. What was agreed with the party goes on, and so does what the leg
        does. False: its sound is gone."""
        ...

    def resume_video(self, line: LegId, address: HostPort) -> bool:
        """The same of a video line; what it does is said again. False: its pictures are gone."""
        ...

    def resumed(self) -> None:
        """All is taken over that will be: the engine ends what else it has kept."""
        ...
