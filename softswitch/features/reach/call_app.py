"""What happens to a call for a person, and to one for a speed dial."""

from msgspec.structs import replace

from softswitch.calls.identity import Diversion, Identity, is_hidden
from softswitch.calls.onward import Calling, Onward
from softswitch.calls.redirect import Redirects, first_number
from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.model import Forward, afterwards
from softswitch.features.reach.service import Reach, forwarded
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, Rejected
from softswitch.platform.database import Database

CONFIRMATION_HZ, CONFIRMATION_SECONDS = 440.0, 1.5
"""What a caller hears when a request was taken."""


def account_app(reach: Reach) -> CallApp:
    """Takes the calls for `account/NUMBER`: its rules, its phones, its rules again."""

    async def call_account(caller: Caller, name: str) -> Destination | None:
        account = reach.accounts.account(name)
        if account is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no account {name}")
        if not account.enabled:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"account {name} is disabled")
        rules = reach.rules(name)
        if reach.has_rules(name):
            onward = reach.onward("account", name, _calling(caller))
            if onward is not None:
                return _goes_on(caller, Destination("account", name), onward)
        seconds: float = account.ring_seconds
        box = reach.boxes.get(name, "")
        if (rules.forward_no_answer or box) and rules.no_answer_seconds is not None:
            seconds = rules.no_answer_seconds
        outcome = await reach.phones.ring(caller, name, seconds, account.origin.rules)
        if outcome.answered:
            return None
        if outcome.contacts and rules.redirects is Redirects.PASS:
            caller.redirect(outcome.contacts)
            return None
        later = afterwards(rules, outcome.cause, box)
        if outcome.contacts and rules.redirects is Redirects.FOLLOW and (number := first_number(outcome.contacts)):
            later = Forward(number, "redirects", "deflection")
        return (
            None if later is None else _goes_on(caller, Destination("account", name), forwarded(account.origin, later))
        )

    return call_account


def _calling(caller: Caller) -> Calling:
    shown = "" if is_hidden(caller.from_, caller.identity) else caller.from_.number
    return Calling(shown, caller.routed_as, caller.origin, caller.wall_ms())


def _goes_on(caller: Caller, here: Destination, onward: Onward) -> Destination:
    """Do what was decided, and record it as it is explained."""
    if onward.destination is not None:
        caller.routed(onward.destination, f"{here.kind}:{here.name}", None, onward.steps)
        # RFC 5806 section 3: whoever sends the call on puts itself on top. Its rights go with no number.
        identity = caller.identity or Identity()
        diversion = Diversion(Party(here.name), onward.reason)
        caller.identity = replace(identity, diversions=(diversion, *identity.diversions))
        return onward.destination
    if onward.routed_as is None:
        caller.routed(here, f"{here.kind}:{here.name}", None, onward.steps)
        raise Rejected(onward.cause or Cause.NORMAL_UNSPECIFIED, onward.steps[-1].reason, onward.status)
    there = Destination("dialplan", onward.routed_as.context)
    caller.routed(there, f"{here.kind}:{here.name}", None, onward.steps)
    if onward.hidden:
        identity = caller.identity or Identity()
        caller.identity = replace(identity, privacy=tuple(dict.fromkeys((*identity.privacy, "id"))))
    if onward.reason:
        caller.forward(onward.routed_as, onward.number, onward.reason)
    else:
        caller.to = caller.to._replace(number=onward.number)
    return there


def withheld_app(reach: Reach) -> CallApp:
    """Takes the calls for `withheld/NUMBER`: the number is dialled as if by hand, and nobody is shown who calls."""

    async def withheld(caller: Caller, name: str) -> Destination | None:
        onward = reach.onward("withheld", name, _calling(caller))
        assert onward is not None
        return _goes_on(caller, Destination("withheld", name), onward)

    return withheld


def speed_dial_app(reach: Reach) -> CallApp:
    """Takes the calls for `speeddial/DIGITS`: the number that two digits stand for at the caller, or at the account
    that forwarded the call here; dialled as if by hand."""

    async def call_speed_dial(caller: Caller, name: str) -> Destination | None:
        onward = reach.onward("speeddial", name, _calling(caller))
        if onward is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"{caller.routed_as.name} has no speed dial {name}")
        return _goes_on(caller, Destination("speeddial", name), onward)

    return call_speed_dial


def _dialled_by_hand(caller: Caller) -> None:
    """What changes something of the caller's is not done because somebody whom it called forwards to that code: else a
    forward to `*72` and a number would forward everybody who calls."""
    if caller.routed_as != caller.origin:
        raise Rejected(Cause.FACILITY_REJECTED, f"{caller.routed_as.name} forwards to a code of {caller.origin.name}")


def callback_app(reach: Reach, callbacks: Callbacks) -> CallApp:
    """Takes the calls for `callback/NUMBER`: put through at once if the line is free, otherwise the caller hears a tone
    and is rung when it is. `callback` alone withdraws all the caller has asked for."""

    async def call_back(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts can be called back")
        _dialled_by_hand(caller)
        account = caller.origin.name
        if not name:
            callbacks.withdraw(account)
        elif reach.accounts.account(name) is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no account {name}")
        elif (onward := reach.onward("callback", name, _calling(caller))) is not None:
            return _goes_on(caller, Destination("callback", name), onward)
        else:
            try:
                callbacks.ask(account, name)
            except Conflict as conflict:
                raise Rejected(Cause.FACILITY_REJECTED, str(conflict)) from conflict
        await caller.tone(CONFIRMATION_HZ, CONFIRMATION_SECONDS)
        return None

    return call_back


def setting_app(reach: Reach, database: Database) -> CallApp:
    """Takes the calls for `setting/NAME:VALUE`: the caller sets one of its own rules, and hears a tone when it is
    stored. The dial plan's codes lead here."""

    async def call_setting(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts have settings")
        _dialled_by_hand(caller)
        setting, _, value = name.partition(":")
        try:
            async with database.session() as session:
                await reach.dialled(session, caller.origin.name, setting, value)
        except Invalid as invalid:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(invalid)) from invalid
        await caller.tone(CONFIRMATION_HZ, CONFIRMATION_SECONDS)
        return None

    return call_setting
