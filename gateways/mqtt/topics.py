"""Which topic a fact goes to.

Every fact has one topic, `SUBJECT/NAME/FACT`: what it is about, which of these, and the fact's own name, so that
`queues/sales/#` is all that happens in a queue and `calls/+/CallEnded` every call's end. What lasts, such as what an
agent does, goes to a topic of its own that the broker keeps, and tells whoever comes later.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from softswitch.events import (
    AgentStateChanged,
    CampaignStateChanged,
    Fact,
    MailboxChanged,
    PresencePublished,
    QueueAlarmChanged,
    TrunkGatewayDown,
    TrunkGatewayUp,
    TrunkRegistered,
    TrunkRegistrationFailed,
)

ONLINE = "online"
"""Whether the switch is there: `true`, or `false`, which the broker says by itself (the last will) when it is not."""
DROPPED = "dropped"
"""Told once after facts were dropped: `{"count", "from", "until"}`, the times of the first and the last of them."""


class Place(NamedTuple):
    """A fact's topic, below the prefix."""

    topic: str
    kept: bool
    """Whether the broker keeps it for those who come later (a retained message)."""


class Pattern(NamedTuple):
    """A kind of fact's topic, with its fields in braces."""

    text: str
    kept: bool = False


_KEPT: dict[type[Fact], Pattern] = {
    AgentStateChanged: Pattern("agents/{agent}/state", True),
    QueueAlarmChanged: Pattern("alarms/{alarm}/{subject}", True),
    CampaignStateChanged: Pattern("campaigns/{campaign}/state", True),
    PresencePublished: Pattern("accounts/{account}/presence", True),
    MailboxChanged: Pattern("accounts/{account}/mailbox", True),
    TrunkRegistered: Pattern("trunks/{trunk}/registration", True),
    TrunkRegistrationFailed: Pattern("trunks/{trunk}/registration", True),
    TrunkGatewayUp: Pattern("trunks/{trunk}/gateways/{gateway}", True),
    TrunkGatewayDown: Pattern("trunks/{trunk}/gateways/{gateway}", True),
}
_OF_AGENTS = re.compile(r"Agent|Conversation")
"""How the facts begin that are about an agent although they name a queue, too."""
_SUBJECTS: Sequence[tuple[str, str]] = (
    ("room", "rooms"),
    ("campaign", "campaigns"),
    ("queue", "queues"),
    ("box", "mailboxes"),
    ("call", "calls"),
    ("of_call", "calls"),
    ("agent", "agents"),
    ("trunk", "trunks"),
    ("aor", "accounts"),
    ("account", "accounts"),
    ("to_account", "accounts"),
    ("flow", "flows"),
    ("calendar", "calendars"),
)
"""By which field a fact is about what: the first that it has."""


def pattern(kind: type[Fact]) -> Pattern:
    """The topic of a kind of facts."""
    if kind in _KEPT:
        return _KEPT[kind]
    name, fields = kind.__name__, kind.__struct_fields__
    if "agent" in fields and _OF_AGENTS.match(name):
        return Pattern(f"agents/{{agent}}/{name}")
    for field, subject in _SUBJECTS:
        if field in fields:
            return Pattern(f"{subject}/{{{field}}}/{name}")
    return Pattern(f"switch/{name}")


class Topics:
    """Finds each fact's topic, and whether it is wanted."""

    def __init__(self, filters: Sequence[str]) -> None:
        """`filters`: topics below the prefix as one subscribes to them, with `+` and `#`; a fact is wanted by any."""
        self._wanted = re.compile("|".join(f"(?:{_expression(each)})" for each in filters), re.DOTALL).fullmatch
        self._all = "#" in filters
        self._by_kind: dict[type[Fact], tuple[Callable[[Fact], str], bool]] = {}

    def place(self, fact: Fact) -> Place | None:
        """Where a fact goes; None: nobody wants it."""
        found = self._by_kind.get(type(fact))
        if found is None:
            form = pattern(type(fact))
            found = self._by_kind[type(fact)] = (_filler(form.text), form.kept)
        topic = found[0](fact)
        if not self._all and self._wanted(topic) is None:
            return None
        return Place(topic, found[1])


def level(name: object) -> str:
    """A name as one level of a topic: what means something in topics and filters (MQTT 3.1.1 section 4.7) is written
    `%` and two hexadecimal digits, as in URLs; a name that is empty is `-`."""
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", str(name)) or "-"


_SPECIAL = re.compile(r"[\x00-\x1f\x7f-\x9f#+/%]")


def _filler(form: str) -> Callable[[Fact], str]:
    words = re.split(r"\{(\w+)\}", form)

    def fill(fact: Fact) -> str:
        return "".join(level(getattr(fact, word)) if number % 2 else word for number, word in enumerate(words))

    return fill


def _expression(topic_filter: str) -> str:
    """A filter as a regular expression (MQTT 3.1.1 section 4.7.1)."""
    parts = topic_filter.split("/")
    written = ["[^/]*" if part == "+" else re.escape(part) for part in parts if part != "#"]
    if parts[-1] != "#":
        return "/".join(written)
    # `#` stands for the level above it, too.
    return "/".join(written) + "(?:/.*)?" if written else ".*"
