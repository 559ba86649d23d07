"""Queues and agents as they are set: the engine's rules, and what belongs to the telephone beside them."""

from urllib.parse import urlsplit

from msgspec import Struct

from softswitch.features.acd.model.rules import AgentProfile, QueueRules, check_agent, check_queue
from softswitch.kernel.errors import Invalid


class QueueSettings(Struct, frozen=True, kw_only=True):
    """A queue."""

    rules: QueueRules
    title: str = ""
    calendar: str = ""
    """Its hours; empty: it is always open."""
    greeting: str = ""
    """A prompt that a caller hears first, while agents are looked for already."""
    music: str = ""
    """A prompt that is heard again and again while one waits; empty: the switch's own."""
    webhook: str = ""
    """The URL that the strategy `webhook` asks."""
    sticky_ms: int = 0
    """How long a number is given, for `preferred_ms`, to the agent who served it last; 0: it is given to any."""
    answered_exit: str = ""
    """Where a caller goes when the agent has hung up, such as `flow/survey`; empty: the call is over."""

    @property
    def name(self) -> str:
        return self.rules.name


class AgentSettings(Struct, frozen=True, kw_only=True):
    """An agent."""

    profile: AgentProfile
    account: str = ""
    """Whose phone signs this agent on by the feature codes, and is rung where no other seat is named."""
    auto_answer: bool = False
    """Whether the phone is asked to answer by itself: then its agent is signed on with a headset on."""

    @property
    def id(self) -> str:
        return self.profile.id


def check_queue_settings(settings: QueueSettings) -> None:
    """Raises Invalid naming the field."""
    check_queue(settings.rules)
    where = f"queue {settings.name}"
    if settings.rules.strategy == "webhook" and not settings.webhook:
        raise Invalid(f"{where}: webhook", "the strategy webhook needs the URL to be asked")
    if settings.webhook:
        place = urlsplit(settings.webhook)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise Invalid(f"{where}: webhook", f"{settings.webhook!r} is no http or https URL")


def check_agent_settings(settings: AgentSettings) -> None:
    """Raises Invalid naming the field."""
    check_agent(settings.profile)
