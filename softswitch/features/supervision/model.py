"""Who may supervise whom by dialling a code, and how. Pure."""

from collections.abc import Collection
from typing import Literal, get_args

from msgspec import Struct

from softswitch.kernel.ids import LegId

Mode = Literal["listen", "whisper", "barge"]
"""Who hears the supervisor: nobody, the supervised party, or all."""
Act = Literal["listen", "whisper", "barge", "take-over"]
"""A mode, or to take the supervised party's place."""

ACTS: tuple[Act, ...] = get_args(Act)
KEYS: dict[str, Act] = {"4": "listen", "5": "whisper", "6": "barge", "9": "take-over"}
"""What a supervisor presses meanwhile."""


class Rights(Struct, frozen=True, gc=False, kw_only=True):
    """What one account may do by dialling codes."""

    account: str
    everybody: bool = False
    """Whether it may supervise all accounts."""
    accounts: tuple[str, ...] = ()
    """Else these,"""
    groups: tuple[str, ...] = ()
    """and those in one of these pickup groups."""
    acts: tuple[Act, ...] = ACTS

    def refusal(self, act: Act, account: str, groups: Collection[str]) -> str:
        """Why it may not do something with an account that is in some groups; empty: it may."""
        if act not in self.acts:
            return f"{self.account} may not {act}"
        if self.everybody or account in self.accounts or not set(groups).isdisjoint(self.groups):
            return ""
        return f"{self.account} may not supervise {account}"


class Order(Struct, frozen=True, gc=False, kw_only=True):
    """What somebody wants, until the supervision begins."""

    by: str
    """The supervisor's account."""
    leg: LegId
    """Whom to supervise."""
    act: Act
    acts: Collection[Act] = ACTS
    """What the supervisor may press meanwhile."""
    ordered_by: str = ""
    """Who ordered it over HTTP; empty: a code did."""
