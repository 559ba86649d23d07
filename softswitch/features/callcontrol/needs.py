"""What call control asks of others."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from softswitch.events import CallFact, MediaFigures, TraceLine, Trouble
from softswitch.kernel.ids import CallId, LegId


class CallControl(Protocol):
    """What can be done with calls; the engine does it."""

    def hang_up(self, call: CallId) -> bool:
        """End a live call; False when there is none of that name."""
        ...

    def transfer(self, call: CallId, number: str, leg: LegId | None) -> None:
        """Send a call's caller, or the party that `leg` names, on to a number.

        Raises NotFound when there is no such call or leg, and Conflict while it talks with nobody.
        """
        ...

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        """Let a call's caller, or the party that `leg` names, hold whom it talks with, or talk with it again.

        Raises NotFound when there is no such call or leg, and Conflict where there is nobody to hold or resume.
        """
        ...

    def unite(self, call: CallId, other: CallId) -> None:
        """Let the parties of two calls talk together, in the first.

        Raises NotFound for a call that there is not, and Conflict where there are not three to talk.
        """
        ...

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        """End one party's half of a call. Raises NotFound."""
        ...

    def originate(
        self, account: str, number: str, *, auto_answer: bool = False, data: Mapping[str, str] = {}
    ) -> CallId:
        """Ring an account's phones, and when one answers, route `number` as if the account had dialled it.
        `auto_answer` asks the phones to pick up by themselves.

        Raises NotFound when there is no such account, or no phone of it is registered.
        """
        ...

    def ladder(self, call: CallId) -> Sequence[TraceLine] | None:
        """A live call's ladder so far; None when there is no such call."""
        ...

    def figures(self, leg: LegId) -> MediaFigures | None:
        """A live leg's media counters so far; None when it has none."""
        ...

    def troubles(self, call: CallId) -> Sequence[Trouble]:
        """What is wrong with the sound of a live call so far."""
        ...


class LiveCalls(Protocol):
    """The facts of calls that have not ended."""

    def live(self) -> Sequence[CallId]:
        """Their names, oldest first."""
        ...

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        """What has happened to one; None when there is no such call."""
        ...
