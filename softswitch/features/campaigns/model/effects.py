"""A record as it is stored, and what a list wants done. Facts (`softswitch.events`) among it are to be published."""

from typing import Literal

from msgspec import Struct, field

from softswitch.events import Fact

EntryState = Literal["waiting", "dialling", "closed"]


class Entry(Struct, kw_only=True):
    """A number and how far its calls have come."""

    id: int
    number: str
    priority: int = 0
    """Higher goes first."""
    due: int = 0
    """Not before: wall milliseconds."""
    state: EntryState = "waiting"
    attempts: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    """How often each result was."""
    outcome: str = ""
    """Why it is closed; of one that waits, the last result."""
    code: str = ""
    agent: str = ""
    """Who called last."""


# What is wanted -------------------------------------------------------------------------------------------


class Lend(Struct, frozen=True, gc=False):
    """Reserve an agent; `lent` or `not_lent` is to come of it."""

    agent: str


class GiveBack(Struct, frozen=True, gc=False):
    """The agent is not needed any more."""

    loan: int
    agent: str
    wraps_up: bool
    talked: bool


class Show(Struct, frozen=True, gc=False):
    """Give an agent a record to look at."""

    loan: int
    agent: str
    record: int
    until: int


class Write(Struct, frozen=True, gc=False):
    """Store an attempt; `written` is to come of it once it is on disk."""

    loan: int
    entry: Entry


class Place(Struct, frozen=True, gc=False):
    """Ring the agent, and when it answers call the number; `call_over` is to come of it."""

    loan: int
    agent: str
    record: int
    number: str
    attempt: int


class Save(Struct, frozen=True, gc=False):
    """Store how far a record has come."""

    entry: Entry


class NeverCall(Struct, frozen=True, gc=False):
    """Put a number on the list of those whom nobody calls."""

    number: str
    agent: str


class Refused(Struct, frozen=True, gc=False):
    """What somebody wanted cannot be; nothing has changed."""

    error_id: str
    message: str


Effect = Fact | Lend | GiveBack | Show | Write | Place | Save | NeverCall | Refused
