"""What happens to a call for a person, and to one for a speed dial."""

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.reach.model import Forward, Refuse, afterwards
from softswitch.features.reach.service import Reach
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def account_app(reach: Reach) -> CallApp:
    """Takes the calls for `account/NUMBER`: its rules, its phones, its rules again."""

    async def call_account(caller: Caller, name: str) -> Destination | None:
        account = reach.accounts.account(name)
        if account is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no account {name}")
        if not account.enabled:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"account {name} is disabled")
        rules = reach.rules(name)
        match reach.at_once(name):
            case Refuse(cause, _, why):
                raise Rejected(cause, f"{name} {why}")
            case Forward() as forward:
                return _forwarded(caller, reach, name, forward)
        seconds: float = account.ring_seconds
        if rules.forward_no_answer and rules.no_answer_seconds is not None:
            seconds = rules.no_answer_seconds
        outcome = await reach.phones.ring(caller, name, seconds)
        if outcome.answered:
            return None
        onward = afterwards(rules, outcome.cause)
        return None if onward is None else _forwarded(caller, reach, name, onward)

    return call_account


def _forwarded(caller: Caller, reach: Reach, name: str, forward: Forward) -> Destination:
    account = reach.accounts.account(name)
    assert account is not None
    caller.forward(account.origin, forward.number, forward.reason)
    return Destination("dialplan", account.origin.context)


def speed_dial_app(reach: Reach) -> CallApp:
    """Takes the calls for `speeddial/DIGITS`: the caller's own number behind two digits, dialled as if by hand."""

    async def call_speed_dial(caller: Caller, name: str) -> Destination | None:
        number = reach.rules(caller.origin.name).speed_dials.get(name) if caller.origin.kind == "account" else None
        if number is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"{caller.from_.number} has no speed dial {name}")
        caller.to = caller.to._replace(number=number)
        return Destination("dialplan", caller.origin.context)

    return call_speed_dial
