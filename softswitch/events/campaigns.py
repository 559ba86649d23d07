"""What happens to lists of numbers that agents call."""

from typing import Literal

from softswitch.events.base import Fact
from softswitch.kernel.ids import CallId

CampaignState = Literal["running", "paused", "stopped"]
CallResult = Literal["answered", "busy", "no_answer", "machine", "failed", "cancelled", "agent_missed", "lost"]
"""What came of a call: somebody talked with the agent; the number was engaged; nobody answered; a machine did; it could
not be reached, or refused; the agent hung up before; the agent's own phone was not answered, and the number was not
called; the switch was stopped meanwhile, and nobody knows."""


class CampaignFact(Fact, frozen=True, gc=False, kw_only=True):
    """A fact about one list."""

    campaign: str


class CampaignStateChanged(CampaignFact, frozen=True, gc=False, kw_only=True):
    """Numbers of a list are called, or no more."""

    state: CampaignState
    before: CampaignState
    by: str = ""


class RecordPreviewed(CampaignFact, frozen=True, gc=False, kw_only=True):
    """An agent was given a number to look at, and has a while to take or skip it."""

    record: int
    agent: str
    number: str
    attached: dict[str, str]
    """What is known of whom it is."""
    until: int
    """Wall milliseconds."""


class RecordSkipped(CampaignFact, frozen=True, gc=False, kw_only=True):
    """The number that was shown is not called now."""

    record: int
    agent: str
    reason: str
    """`skipped` by the agent, `timeout`, `closed` or `stopped`."""


class RecordDialled(CampaignFact, frozen=True, gc=False, kw_only=True):
    """The agent's phone is rung, and when it answers, the number is called."""

    record: int
    agent: str
    number: str
    attempt: int
    """Counted from 1."""
    attached: dict[str, str]
    of_call: CallId


class RecordTried(CampaignFact, frozen=True, gc=False, kw_only=True):
    """A call of a list is over."""

    record: int
    agent: str
    number: str
    attempt: int
    result: CallResult
    talk_ms: int = 0
    of_call: CallId = CallId("")


class RecordCoded(CampaignFact, frozen=True, gc=False, kw_only=True):
    """What came of it in the agent's code."""

    record: int
    agent: str
    code: str


class RecordClosed(CampaignFact, frozen=True, gc=False, kw_only=True):
    """The number is called no more."""

    record: int
    number: str
    outcome: str
    """The agent's code, or the last result; `exhausted`: there were as many attempts as may be; `do_not_call`;
    `removed`."""
