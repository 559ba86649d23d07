"""What people have set about being reached: in memory for calls, changed by HTTP and by feature codes."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.reach import store
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.model import NO_RULES, Forward, ReachRules, Refuse, at_once, checked, dialled
from softswitch.features.reach.needs import Accounts, Phones
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound
from softswitch.kernel.media import Srtp
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "reach"
"""What these rules are called among the `Changes`."""


class Reach:
    """Everybody's rules. Memory changes when a change is stored."""

    def __init__(self, accounts: Accounts, phones: Phones, lines: Lines) -> None:
        self.accounts = accounts
        self.phones = phones
        self._lines = lines
        self._rules: dict[str, ReachRules] = {}
        self.boxes: Mapping[str, str] = {}
        """Voicemail boxes that take what accounts do not forward themselves, by account."""
        self.on_changed: Callable[[str], None] = lambda account: None
        """Told of an account whose rules are others now."""

    async def load(self, database: Database) -> None:
        """Read all rules: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            self._rules = dict(await store.all_rules(session))

    def rules(self, account: str) -> ReachRules:
        """What an account has set."""
        return self._rules.get(account, NO_RULES)

    def busy(self, account: str) -> bool:
        """Whether an account is on a call."""
        return self._lines.busy(account)

    def at_once(self, account: str) -> Forward | Refuse | None:
        """What becomes of a call for an account before a phone rings; None: its phones ring."""
        rules, box = self._rules.get(account), self.boxes.get(account, "")
        if rules is None and not box:
            return None
        return at_once(
            rules or NO_RULES,
            on_call=self._lines.busy(account),
            registered=self.phones.registered(account),
            box=box,
        )

    def speed_dial(self, caller: Origin, digits: str) -> str | None:
        """The number that two digits stand for at a caller; None: none, or the caller is no account."""
        return self.rules(caller.name).speed_dials.get(digits) if caller.kind == "account" else None

    def has_rules(self, account: str) -> bool:
        """Whether anything is set for an account that may change what becomes of a call for it."""
        return account in self._rules or account in self.boxes

    def onward(self, kind: str, name: str, calling: Calling) -> Onward | None:
        """What becomes of a call for `account/NUMBER`, `speeddial/DIGITS`, `withheld/NUMBER` or `callback/NUMBER` now,
        before a phone rings; None: phones ring, or nothing is there."""
        match kind:
            case "account":
                return self._onward_of_account(name, calling)
            case "speeddial" if (number := self.speed_dial(calling.origin, name)) is not None:
                step = RoutingStep(f"speeddial/{name}", "matched", f"stands for {number} at {calling.origin.name}")
                return Onward((step,), number, calling.origin)
            case "withheld":
                step = RoutingStep(f"withheld/{name}", "matched", "nobody is shown who calls")
                return Onward((step,), name, calling.origin, hidden=True)
            case "callback" if name and calling.origin == calling.first and calling.first.kind == "account":
                if self.accounts.account(name) is None or self.busy(name):
                    return None
                step = RoutingStep(f"callback/{name}", "matched", f"{name} is free, and is called at once")
                return Onward((step,), name, calling.origin)
        return None

    def _onward_of_account(self, name: str, calling: Calling) -> Onward | None:
        account = self.accounts.account(name)
        if account is None or not account.enabled:
            return None
        if not calling.shown and self.rules(name).reject_anonymous:
            # RFC 5079: "the server refuses to fulfill the request because the requestor is anonymous".
            said = f"{name} takes no calls from hidden numbers"
            step = RoutingStep(f"account/{name}.reject_anonymous", "failed", said)
            return Onward((step,), cause=Cause.CALL_REJECTED, status=433)
        match self.at_once(name):
            case Forward() as forward:
                return forwarded(account.origin, forward)
            case Refuse(cause, rule, why):
                return Onward((RoutingStep(f"account/{name}.{rule}", "failed", f"{name} {why}"),), cause=cause)
        return None

    def prospect(self, kind: str, name: str, caller: Origin) -> Prospect:
        """What awaits a call that rings at an account, or one for a speed dial that stands for nothing."""
        if kind == "speeddial":
            said = f"{caller.name} has no speed dial {name}"
            return Prospect((RoutingStep(f"speeddial/{name}", "failed", said),), Cause.UNALLOCATED_NUMBER)
        account, rule = self.accounts.account(name), f"account/{name}"
        if account is None or not account.enabled:
            said = f"account {name} is disabled" if account is not None else f"there is no account {name}"
            return Prospect((RoutingStep(rule, "failed", said),), Cause.SUBSCRIBER_ABSENT)
        if not self.phones.registered(name):
            # No cause: the dial plan would have it ring, and a phone may register the next moment.
            return Prospect((RoutingStep(rule, "failed", f"no phone of {name} is registered now"),))
        rules = self.rules(name)
        seconds = rules.no_answer_seconds if rules.forward_no_answer or name in self.boxes else None
        said = f"its phones ring for {seconds if seconds is not None else account.ring_seconds} s"
        if account.origin.srtp is not Srtp.OFF:
            said += f"; SRTP is {account.origin.srtp.value}"
        if not account.origin.video:
            said += "; without video"
        voicemail = "voicemail" if name in self.boxes else ""
        later = (
            ("when nobody answers", rules.forward_no_answer or voicemail),
            ("when it is busy", rules.forward_busy or voicemail),
        )
        onward = "".join(f"; {when} the call goes on to {number}" for when, number in later if number)
        return Prospect((RoutingStep(rule, "matched", said + onward),))

    async def change(self, session: Session, account: str, changes: Mapping[str, Any]) -> ReachRules:
        """Set what `changes` names, fields of `ReachRules`. Raises NotFound or Invalid."""
        return await self._edit(session, account, lambda rules: replace(rules, **changes))

    async def dialled(self, session: Session, account: str, setting: str, value: str) -> ReachRules:
        """Set what its owner has dialled a code for, see `model.dialled`. Raises NotFound or Invalid."""
        return await self._edit(session, account, lambda rules: dialled(rules, setting, value))

    async def _edit(self, session: Session, account: str, edit: Callable[[ReachRules], ReachRules]) -> ReachRules:
        if self.accounts.account(account) is None:
            raise NotFound("account", account)
        rules = checked(account, edit(await store.rules_of(session, account)))
        await store.write(session, account, rules)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(account, rules))
        return rules

    async def forget(self, session: Session, account: str) -> None:
        """The account is deleted: a later one of the same number begins with no rules."""
        await store.write(session, account, NO_RULES)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(account, NO_RULES))

    def _take(self, account: str, rules: ReachRules) -> None:
        if rules == NO_RULES:
            self._rules.pop(account, None)
        else:
            self._rules[account] = rules
        self.on_changed(account)


def forwarded(by: Origin, forward: Forward) -> Onward:
    """An account sends a call on."""
    if forward.box:
        step = RoutingStep(f"account/{by.name}.{forward.rule}", "matched", f"goes to voicemail ({forward.reason})")
        return Onward((step,), destination=Destination("voicemail", forward.box), reason=forward.reason)
    step = RoutingStep(
        f"account/{by.name}.{forward.rule}", "matched", f"forwarded to {forward.number} ({forward.reason})"
    )
    return Onward((step,), forward.number, by, reason=forward.reason)
