"""What is sent by e-mail."""

from pathlib import Path

from msgspec import Struct


class Attachment(Struct, frozen=True, gc=False):
    """A file that goes with it."""

    path: Path
    name: str
    """By which it is shown."""
    media_type: str
    """`audio/wav`."""


class Mail(Struct, frozen=True, kw_only=True):
    """One e-mail to one reader."""

    to: str
    subject: str
    text: str
    at: int
    """When it was written, wall milliseconds."""
    id: str
    """The same for each attempt to send it: so that a reader's program sees one mail where a server took it twice."""
    attachments: tuple[Attachment, ...] = ()
