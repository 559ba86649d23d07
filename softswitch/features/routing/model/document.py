"""The dial plan as it is written down: what the API takes and gives, and what a published version holds.

Nothing here is checked beyond its type; `Plan.compile` says whether a document makes sense as a whole.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

MatchKind = Literal["literal", "prefix", "pattern", "regex"]
"""How a number is compared.

`literal`: it is exactly this text. `prefix`: it begins with this text. `pattern`: character by character, where `X` is
one digit 0-9, `Z` 1-9, `N` 2-9, `[13-5]` one of the characters listed, a last `.` one or more characters of any sort,
a last `!` none or more, and anything else itself. `regex`: a Python regular expression that the whole number must
match.
"""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Whose calls a rule is for; an empty field asks nothing."""

    __pydantic_config__: ClassVar = _STRICT

    number: str = ""
    """What the caller's number must look like."""
    match: MatchKind = "pattern"
    origin: str = ""
    """`account`, `trunk`, `guest`, `api`, or one of them by name: `trunk/uas`."""


@dataclass(frozen=True, kw_only=True)
class TimeWindow:
    """A span of time that comes again; every field that is given must hold."""

    __pydantic_config__: ClassVar = _STRICT

    weekdays: tuple[Weekday, ...] = ()
    start: str = ""
    """`HH:MM`, included; empty: midnight."""
    until: str = ""
    """`HH:MM`, excluded; empty: midnight. At or before `start` it means the next day's, which still belongs to the
    weekday and the date on which it began."""
    dates: tuple[str, ...] = ()
    """`2026-12-24`, or `2026-12-24/2026-12-26` with both ends included."""


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """What becomes of the number: either `replace`, or `strip` and then `prefix`."""

    __pydantic_config__: ClassVar = _STRICT

    strip: int = 0
    """How many leading characters to leave out."""
    prefix: str = ""
    replace: str = ""
    """The new number: `${0}` stands for the whole number, `${1}`, `${2}` ... for a regular expression's groups, or
    `${1}` for what the open part of a pattern or prefix matched."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the dial plan."""

    __pydantic_config__: ClassVar = _STRICT

    context: str = "default"
    name: str
    """Unique in its context; small letters, digits, dot, dash and underscore."""
    number: str
    """What the number dialled must look like."""
    match: MatchKind = "pattern"
    destination: str
    """`kind/name`; `{number}` in it stands for the number after rewriting: `account/{number}`."""
    callers: Callers = field(default_factory=Callers)
    times: tuple[TimeWindow, ...] = ()
    """The rule holds in any of these; without one, always."""
    time_zone: str = "UTC"
    """Of `times`, by its IANA name: `Asia/Shanghai`."""
    while_open: str = ""
    """The rule holds only while this calendar is open."""
    while_closed: str = ""
    """The rule holds only while this calendar is closed."""
    rewrite: Rewrite = field(default_factory=Rewrite)
    caller_number: str = ""
    """Shown to the called party in place of the caller's number; `${0}` stands for that."""
    enabled: bool = True
    note: str = ""
    """For people; shown with the step when the rule is chosen."""

    @property
    def path(self) -> str:
        """How steps, errors and the API name it."""
        return f"{self.context}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Context:
    """A set of rules that some callers may use."""

    __pydantic_config__: ClassVar = _STRICT

    name: str
    includes: tuple[str, ...] = ()
    """Contexts whose rules come after this one's own, in this order."""


@dataclass(frozen=True, kw_only=True)
class PlanDocument:
    """A whole dial plan. Rules are tried in the order in which they stand; the first that fits decides."""

    __pydantic_config__: ClassVar = _STRICT

    contexts: tuple[Context, ...] = (Context(name="default"),)
    rules: tuple[Rule, ...] = ()
