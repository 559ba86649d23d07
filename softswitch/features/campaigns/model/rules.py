"""What is set for a list: values. All times are milliseconds."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct, field

from softswitch.events import CallResult
from softswitch.kernel.errors import Invalid

MOST_RECORDS = 100_000
"""Of one list."""
MOST_ATTRIBUTES, LONGEST_ATTRIBUTE = 32, 500
MOST_AGENTS = 500

Mode = Literal["preview", "progressive"]
"""`preview`: an agent looks at the record first, and says when the number is to be called. `progressive`: it is called
as soon as an agent is reserved for it."""
Then = Literal["done", "again", "never"]
"""What a code does with its record: it is called no more; again after a while; nobody ever calls the number."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_LONGEST_MS = 365 * 86_400_000
"""No time is longer."""


class Retry(Struct, frozen=True):
    """When a number is called again after one result."""

    after_ms: int
    most: int = 100
    """So often with this result, and no more."""


class Disposition(Struct, frozen=True):
    """What an agent's code means for the record."""

    then: Then = "done"
    after_ms: int = 0
    """For `again`."""


class CampaignRules(Struct, frozen=True, kw_only=True):
    """A list."""

    name: str
    mode: Mode
    agents: tuple[str, ...] = ()
    """Who calls."""
    caller_id: str = ""
    """The number that is shown; empty: the agent's own."""
    calendar: str = ""
    """Numbers are called while it is open; empty: at any time."""
    preview_ms: int = 60_000
    """How long an agent may look at a record."""
    skipped_ms: int = 300_000
    """When a record that was skipped is shown again."""
    rest_ms: int = 60_000
    """How long an agent who let that time pass, or whose phone was not answered, is given nothing."""
    attempts: int = 3
    """So many calls of one number, and no more."""
    retry: Mapping[CallResult, Retry] = field(
        default_factory=lambda: {
            "busy": Retry(600_000),
            "no_answer": Retry(3_600_000),
            "machine": Retry(14_400_000),
            "cancelled": Retry(3_600_000),
        }
    )
    """By result; a number is not called again after others."""
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    """By the agent's code; others close the record."""
    wrap_up_ms: int = 30_000
    """The agent's time after a conversation; 0: none."""
    wrap_up_until_done: bool = False
    """Whether it has as long as it needs instead."""
    auto_answer: bool = False
    """Ask the agent's phone to pick up by itself."""


def check_campaign(rules: CampaignRules) -> None:
    """Raises Invalid naming the field."""
    if not _NAME.fullmatch(rules.name):
        raise Invalid("name", f"{rules.name!r} should be small letters, digits, - and _, 64 at the most")
    if rules.caller_id:
        check_number(rules.caller_id, "caller_id")
    if len(set(rules.agents)) < len(rules.agents) or len(rules.agents) > MOST_AGENTS:
        raise Invalid("agents", f"should be {MOST_AGENTS} at the most, each once")
    times = {
        "preview_ms": (rules.preview_ms, 1000),
        "skipped_ms": (rules.skipped_ms, 0),
        "rest_ms": (rules.rest_ms, 0),
        "wrap_up_ms": (rules.wrap_up_ms, 0),
        **{f"retry.{result}.after_ms": (retry.after_ms, 0) for result, retry in rules.retry.items()},
        **{f"dispositions.{code}.after_ms": (each.after_ms, 0) for code, each in rules.dispositions.items()},
    }
    for name, (value, least) in times.items():
        if not least <= value <= _LONGEST_MS:
            raise Invalid(name, f"{value} should be from {least} to {_LONGEST_MS} milliseconds")
    if not 1 <= rules.attempts <= 100:
        raise Invalid("attempts", f"{rules.attempts} should be from 1 to 100")
    for result, retry in rules.retry.items():
        if result not in get_args(CallResult) or result in ("answered", "agent_missed"):
            raise Invalid("retry", f"{result!r} is no result after which a number is called again")
        if retry.most < 1:
            raise Invalid(f"retry.{result}.most", f"{retry.most} is not positive")
    for code in rules.dispositions:
        if not 1 <= len(code) <= 64:
            raise Invalid("dispositions", f"{code!r} should be a code of 64 letters at the most")


def check_number(number: str, where: str) -> None:
    """Raises Invalid for what nobody can call."""
    if not _NUMBER.fullmatch(number):
        raise Invalid(where, f"{number!r} should be a number such as +4930123456")


def check_attributes(attributes: Mapping[str, str], where: str) -> None:
    """Raises Invalid naming the attribute."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise Invalid(where, f"{len(attributes)} attributes are more than {MOST_ATTRIBUTES}")
    for name, value in attributes.items():
        if not 1 <= len(name) <= 64 or len(value) > LONGEST_ATTRIBUTE:
            raise Invalid(f"{where}.{name[:64]}", f"a name has up to 64 letters, and a value up to {LONGEST_ATTRIBUTE}")


def canonical(number: str) -> str:
    """A number as it is compared with others: with or without `+` or `00` it is one."""
    return number.removeprefix("+").removeprefix("00")
