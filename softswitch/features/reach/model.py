"""A person's rules of being reached, and what they say of one call. Pure."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from softswitch.calls.redirect import Redirects
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Invalid

FORWARD_FIELDS = ("forward_always", "forward_busy", "forward_no_answer", "forward_offline")
SWITCHES = ("do_not_disturb", "call_waiting", "reject_anonymous")
MOST_SPEED_DIALS = 100


class ReachRules(Struct, frozen=True, gc=False, kw_only=True):
    """What one account has set. Numbers are dialled in its own context and with its own rights; empty: none."""

    forward_always: str = ""
    forward_busy: str = ""
    """Also while not disturbed."""
    forward_no_answer: str = ""
    forward_offline: str = ""
    """While no phone is registered, or none can be reached."""
    no_answer_seconds: int | None = None
    """How long its phones ring before `forward_no_answer` takes the call; None: the account's `ring_seconds`."""
    do_not_disturb: bool = False
    call_waiting: bool = True
    """Whether its phones ring for a second call while it is on one."""
    reject_anonymous: bool = False
    """Whether callers who hide their number are refused."""
    speed_dials: Mapping[str, str] = {}
    """Numbers by the two digits that stand for them."""
    redirects: Redirects = Redirects.FOLLOW
    """What becomes of a call that one of its phones redirects, such as by a key on the phone itself."""


NO_RULES = ReachRules()


class Forward(Struct, frozen=True, gc=False):
    """The call goes to another number instead."""

    number: str
    rule: str
    """Which of the rules said so: a field of `ReachRules`."""
    reason: str
    """In the words of RFC 5806 section 5: `unconditional`, `user-busy`, `no-answer`, `unavailable`,
    `do-not-disturb`, `deflection`."""
    box: str = ""
    """It goes to a voicemail box, and to no number."""


class Refuse(Struct, frozen=True, gc=False):
    """The call ends."""

    cause: Cause
    rule: str
    why: str


def at_once(rules: ReachRules, *, on_call: bool, registered: bool, box: str = "") -> Forward | Refuse | None:
    """What becomes of a call before a phone rings; None: the phones ring. `box`: the voicemail box that takes what is
    not forwarded; empty: none does."""
    if rules.forward_always:
        return Forward(rules.forward_always, "forward_always", "unconditional")
    if rules.do_not_disturb:
        if rules.forward_busy or box:
            return _forward(rules, "forward_busy", "do-not-disturb", box)
        return Refuse(Cause.USER_BUSY, "do_not_disturb", "does not want to be disturbed")
    if on_call and not rules.call_waiting:
        if rules.forward_busy or box:
            return _forward(rules, "forward_busy", "user-busy", box)
        return Refuse(Cause.USER_BUSY, "call_waiting", "is on a call and takes no second one")
    return None if registered else _forward(rules, "forward_offline", "unavailable", box)


def afterwards(rules: ReachRules, cause: Cause, box: str = "") -> Forward | None:
    """Where a call goes that no phone took, by the cause it was not taken for; None: nowhere. `box` as above."""
    match cause:
        case Cause.USER_BUSY | Cause.CALL_REJECTED:
            return _forward(rules, "forward_busy", "user-busy", box)
        case Cause.NO_ANSWER | Cause.NO_USER_RESPONDING:
            return _forward(rules, "forward_no_answer", "no-answer", box)
    return _forward(rules, "forward_offline", "unavailable", box)


def _forward(rules: ReachRules, rule: str, reason: str, box: str) -> Forward | None:
    """To the number that a rule has, else to the box, else nowhere."""
    number: str = getattr(rules, rule)
    if number:
        return Forward(number, rule, reason)
    return Forward("", "voicemail", reason, box) if box else None


def checked(account: str, rules: ReachRules) -> ReachRules:
    """The same rules. Raises Invalid naming the field that cannot be."""
    for field in FORWARD_FIELDS:
        if getattr(rules, field) == account:
            raise Invalid(field, f"{account} cannot be forwarded to itself")
    if len(rules.speed_dials) > MOST_SPEED_DIALS:
        raise Invalid("speed_dials", f"at most {MOST_SPEED_DIALS}")
    for key in rules.speed_dials:
        if not (len(key) == 2 and key.isascii() and key.isdigit()):
            raise Invalid(f"speed_dials.{key}", "two digits name a speed dial, 00 to 99")
    return rules


def dialled(rules: ReachRules, setting: str, value: str) -> ReachRules:
    """The rules after their owner has set one of them by phone, where only digits and `*` can be given.

    `setting` is a field of `ReachRules`: a forward takes a number, or nothing to be switched off; `do_not_disturb`,
    `call_waiting` and `reject_anonymous` take `on` or `off`; `speed_dial` two digits and the number they shall stand
    for, or only the digits to forget it. Raises Invalid naming what cannot be.
    """
    if setting in FORWARD_FIELDS:
        return replace(rules, **{setting: value})
    if setting in SWITCHES:
        if value not in ("on", "off"):
            raise Invalid(setting, "is on or off")
        return replace(rules, **{setting: value == "on"})
    if setting == "speed_dial":
        key, number = value[:2], value[2:]
        others = {name: known for name, known in rules.speed_dials.items() if name != key}
        return replace(rules, speed_dials=others | ({key: number} if number else {}))
    raise Invalid(setting, "this is nothing that an account can set")
