"""A message, and the folders it may be in."""

from typing import Literal

from msgspec import Struct

from softswitch.kernel.ids import CallId

Folder = Literal["new", "old", "saved-1", "saved-2", "saved-3", "saved-4", "saved-5"]
State = Literal["arriving", "kept"]

LEAST_SECONDS = 1.0
"""What is shorter was no message."""
DAY_MS = 86_400_000


class Message(Struct, frozen=True, gc=False, kw_only=True):
    """One message in one box."""

    id: str
    box: str
    """Or list, while it arrives."""
    folder: Folder = "new"
    state: State = "kept"
    left_at: int
    """Wall milliseconds."""
    from_number: str
    from_name: str = ""
    call: CallId = CallId("")
    """In which it was left; empty: it came otherwise."""
    urgent: bool = False
    seconds: float = 0.0
    file: str = ""
    """A WAV file below the data folder."""
    comment: str = ""
    """Such a file with what somebody who forwarded it has to say."""
    forwarded_by: str = ""
    """The box that it came from; empty: it was left here."""
    note: str = ""
    """What went wrong."""
    transcript: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(file for file in (self.file, self.comment) if file)


def in_order(message: Message) -> tuple[bool, int, str]:
    """Urgent ones first, then the oldest."""
    return (not message.urgent, message.left_at, message.id)


def expires_before(now: int, keep_days: int) -> int:
    """Messages left before this are deleted."""
    return now - keep_days * DAY_MS
