"""An account's calls as its watchers see them, and its presence, composed."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallFact,
    CallOffered,
    Fact,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRang,
)
from softswitch.kernel.address import Party
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.watching import Permission, Presence, Published, WatchedCall

COLLEAGUES, NOBODY = "colleagues", "nobody"


class Privacy(Struct, frozen=True, gc=False):
    """How an account may be seen. Each circle is `colleagues` (every account of its context), `nobody`, or accounts."""

    state_for: str | tuple[str, ...] = COLLEAGUES
    """Who may see its presence and its lamp."""
    parties_for: str | tuple[str, ...] = NOBODY
    """And of these, who may see with whom it talks."""

    def permission(self, watcher: str, *, colleague: bool) -> Permission:
        if not _within(self.state_for, watcher, colleague):
            return Permission.NOTHING
        return Permission.PARTIES if _within(self.parties_for, watcher, colleague) else Permission.STATE


def _within(circle: str | tuple[str, ...], watcher: str, colleague: bool) -> bool:
    return colleague if circle == COLLEAGUES else watcher in circle if isinstance(circle, tuple) else False


_TALKING = frozenset({"early", "confirmed"})


class CallBoard:
    """The legs of every account that have not ended, from the facts of calls."""

    def __init__(self, facts: Iterable[CallFact] = ()) -> None:
        """`facts`: of the calls that are live already, each call's in order."""
        self._by_account: dict[str, dict[LegId, WatchedCall]] = {}
        self._accounts: dict[LegId, str] = {}
        self._callers: dict[CallId, CallOffered] = {}
        for fact in facts:
            self.hear(fact)

    def calls(self, account: str) -> Sequence[WatchedCall]:
        return tuple(self._by_account.get(account, {}).values())

    def hear(self, fact: Fact) -> tuple[str, ...]:
        """Take a fact; gives the accounts whose calls it changed."""
        match fact:
            case CallOffered():
                self._callers[fact.call] = fact
                # A call of the switch's own dials the caller's leg first: `LegDialed` tells of that.
                if fact.origin_kind == "account" and fact.source:
                    return self._begin(fact.origin, WatchedCall(fact.leg, "trying", True, Party(fact.to_number)))
            case LegDialed() if fact.destination.kind == "account":
                offered = self._callers.get(fact.call)
                other = Party("")
                if offered is not None:
                    own = fact.leg == offered.leg
                    other = Party(offered.to_number) if own else Party(offered.from_number, offered.from_name)
                return self._begin(fact.destination.name, WatchedCall(fact.leg, "trying", False, other))
            case LegRang():
                return self._advance(fact.leg, "early", "trying") + self._advance_caller(fact.call, "early", "trying")
            case LegAnswered():
                return self._advance(fact.leg, "confirmed", "trying", "early")
            case CallAnswered():
                return self._advance_caller(fact.call, "confirmed", "trying", "early")
            case LegEnded():
                return self._end(fact.leg)
            case CallEnded():
                self._callers.pop(fact.call, None)
        return ()

    def _begin(self, account: str, call: WatchedCall) -> tuple[str, ...]:
        self._accounts[call.leg] = account
        self._by_account.setdefault(account, {})[call.leg] = call
        return (account,)

    def _advance_caller(self, call: CallId, stage: str, *before: str) -> tuple[str, ...]:
        offered = self._callers.get(call)
        return self._advance(offered.leg, stage, *before) if offered is not None else ()

    def _advance(self, leg: LegId, stage: str, *before: str) -> tuple[str, ...]:
        account = self._accounts.get(leg)
        if account is None:
            return ()
        call = self._by_account[account][leg]
        if call.stage not in before:
            return ()
        self._by_account[account][leg] = WatchedCall(leg, stage, call.calling, call.other)
        return (account,)

    def _end(self, leg: LegId) -> tuple[str, ...]:
        account = self._accounts.pop(leg, None)
        if account is None:
            return ()
        legs = self._by_account[account]
        del legs[leg]
        if not legs:
            del self._by_account[account]
        return (account,)


def composed(
    calls: Sequence[WatchedCall], reachable: bool, publications: Sequence[Published], *, do_not_disturb: bool = False
) -> Presence:
    """Someone's presence from what their calls, their registrations and their devices say.

    A device that says it is open counts only while one is registered: nothing could reach it. The newest note wins.
    """
    activities: list[str] = []
    if any(call.stage in _TALKING and (call.calling or call.stage == "confirmed") for call in calls):
        activities.append("on-the-phone")
    for published in publications:
        activities += [activity for activity in published.activities if activity not in activities]
    said = [published.open for published in publications if published.open is not None]
    note = next((published.note for published in publications if published.note), "")
    return Presence(reachable and (any(said) if said else True), tuple(activities), note, do_not_disturb)


_ABSENT = frozenset(
    ("appointment", "away", "holiday", "in-transit", "meal", "permanent-absence", "sleeping", "travel", "vacation")
)
"""What a person does who is not at its devices (of RFC 4480 section 3.2)."""


def absence(publications: Sequence[Published]) -> str:
    """Why a person is not there, by what its devices say, newest first; empty: they say nothing of it."""
    for published in publications:
        for activity in published.activities:
            if activity in _ABSENT:
                return activity
        if published.activities or published.open:
            return ""
    return ""
