"""Who carries legs to and from parties, and keeps us registered at carriers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.calls.signals import Incoming, Invitation, LegCommand, LegSignal
from softswitch.calls.uplinks import Enrolled, Probed, Uplink
from softswitch.kernel.ids import LegId


class Signalling(Protocol):
    """A gateway that carries legs to and from parties (SIP today; a browser or a PSTN line would be another)."""

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        """Invite a party; what comes of it arrives as signals, the last of which is `Ended`.

        Never raises for what the network does: an unreachable target ends the leg by a signal.
        """
        ...

    def send(self, leg: LegId, command: LegCommand) -> None:
        """Carry out a command on a leg. On a leg that has ended it does nothing.

        Raises LocalProtocolError when the leg's state does not allow it: a bug of ours, never the peer's doing.
        """
        ...


class SignallingEvents(Protocol):
    """What a signalling gateway tells the switch. Calls come from the event loop, one at a time, in order."""

    def incoming(self, incoming: Incoming) -> LegId:
        """A party asks for a call: gives the new leg's id. Commands for it may come before this returns."""
        ...

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        """A party did something."""
        ...

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        """One ladder line: `direction` is `in` or `out`, `what` is short, such as `INVITE sip:1002@…` or
        `200 OK (INVITE)`. Never holds a credential."""
        ...

    def on_record(self, then: Callable[[], None]) -> None:
        """Call `then` once all that was told so far will be found in the records, even if the process is killed; at
        once where it already will."""
        ...


class Uplinks(Protocol):
    """A gateway that keeps us registered at carriers, and asks their gateways whether they live."""

    def keep(self, uplinks: Sequence[Uplink]) -> None:
        """Keep these from now on, and no others: what is new is registered, what is gone unregistered."""
        ...


class UplinkEvents(Protocol):
    """What such a gateway tells."""

    def enrolled(self, uplink: str, how: Enrolled) -> None:
        """A REGISTER was answered, or was not."""
        ...

    def probed(self, uplink: str, how: Probed) -> None:
        """A gateway was asked whether it lives."""
        ...
