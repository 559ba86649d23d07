"""What codes ask of others."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from softswitch.calls.dialled_code import DialledCode
from softswitch.calls.signals import Origin
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Session


class AccountView(Protocol):
    """What matters of an account that presses keys."""

    @property
    def origin(self) -> Origin: ...
    @property
    def in_call_codes(self) -> bool: ...


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> AccountView | None: ...


class DialledCodes(Protocol):
    """The dial plan's codes."""

    def codes(self) -> Sequence[DialledCode]:
        """All of them, in the plan's order."""
        ...

    async def change_code(self, session: Session, rule: str, changes: Mapping[str, object], author: str) -> DialledCode:
        """Change `code`, `enabled` or `note` of one: a new version of the dial plan. Raises NotFound and Invalid."""
        ...


class Recorder(Protocol):
    """Records calls."""

    def toggle(self, call: CallId, leg: LegId) -> str:
        """Begin or end the recording of a call because a party asks for it; says which, or why not. Never raises."""
        ...
