"""What happens to a call for a person, and to one for a speed dial."""

from msgspec.structs import replace

from softswitch.calls.identity import Identity, is_hidden
from softswitch.calls.redirect import Redirects, first_number
from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.model import Forward, Refuse, afterwards
from softswitch.features.reach.service import Reach
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
        if rules.reject_anonymous and is_hidden(caller.from_, caller.identity):
            # RFC 5079: "the server refuses to fulfill the request because the requestor is anonymous".
            raise Rejected(Cause.CALL_REJECTED, f"{name} takes no calls from hidden numbers", 433)
        match reach.at_once(name):
            case Refuse(cause, _, why):
                raise Rejected(cause, f"{name} {why}")
            case Forward() as forward:
                return _forwarded(caller, reach, name, forward)
        seconds: float = account.ring_seconds
        if rules.forward_no_answer and rules.no_answer_seconds is not None:
            seconds = rules.no_answer_seconds
        outcome = await reach.phones.ring(caller, name, seconds, account.origin.rules)
        if outcome.answered:
            return None
        if outcome.contacts and rules.redirects is Redirects.PASS:
            caller.redirect(outcome.contacts)
            return None
        if outcome.contacts and rules.redirects is Redirects.FOLLOW and (number := first_number(outcome.contacts)):
            return _forwarded(caller, reach, name, Forward(number, "redirects", "deflection"))
        onward = afterwards(rules, outcome.cause)
        return None if onward is None else _forwarded(caller, reach, name, onward)

    return call_account


def _forwarded(caller: Caller, reach: Reach, name: str, forward: Forward) -> Destination:
    account = reach.accounts.account(name)
    assert account is not None
    caller.forward(account.origin, forward.number, forward.reason)
    return Destination("dialplan", account.origin.context)


def withheld_app() -> CallApp:
    """Takes the calls for `withheld/NUMBER`: the number is dialled as if by hand, and nobody is shown who calls."""

    async def withheld(caller: Caller, name: str) -> Destination | None:
        identity = caller.identity or Identity()
        caller.identity = replace(identity, privacy=tuple(dict.fromkeys((*identity.privacy, "id"))))
        caller.to = caller.to._replace(number=name)
        return Destination("dialplan", caller.routed_as.context)

    return withheld


def speed_dial_app(reach: Reach) -> CallApp:
    """Takes the calls for `speeddial/DIGITS`: the number that two digits stand for at the caller, or at the account
    that forwarded the call here; dialled as if by hand."""

    async def call_speed_dial(caller: Caller, name: str) -> Destination | None:
        number = reach.speed_dial(caller.routed_as, name)
        if number is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"{caller.routed_as.name} has no speed dial {name}")
        caller.to = caller.to._replace(number=number)
        return Destination("dialplan", caller.routed_as.context)

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
        elif not reach.busy(name):
            caller.to = caller.to._replace(number=name)
            return Destination("dialplan", caller.origin.context)
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
