"""What voicemail asks of others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from softswitch.features.voicemail.model.box import Box, List, Tally
from softswitch.features.voicemail.model.message import Message
from softswitch.kernel.destination import Destination
from softswitch.kernel.sound import SoundData
from softswitch.kernel.watching import Mailbox


class Accounts(Protocol):
    """Who exists."""

    def account(self, number: str) -> object | None: ...


class Places(Protocol):
    """Where calls can be sent."""

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers there; None: something does."""
        ...


class Lamps(Protocol):
    """Lets the phones of an account show what waits."""

    def shown(self, account: str) -> Mailbox: ...
    async def show(self, account: str, mailbox: Mailbox) -> None:
        """Raises DatabaseUnavailable."""
        ...


class Pins(Protocol):
    """Makes and compares hashes that take their time (argon2id)."""

    async def digest(self, pin: str) -> str: ...
    async def right(self, digest: str, pin: str) -> bool:
        """Takes as long for a digest that is none."""
        ...


class Files(Protocol):
    """Sound files by their names below the data folder; `files.DiskFiles` in service."""

    async def length(self, name: str) -> float:
        """Completes a file that nobody writes any more; gives its seconds, 0 where there is none."""
        ...

    async def copy(self, name: str, to: str) -> None:
        """Raises OSError."""
        ...

    async def write(self, name: str, content: bytes) -> None:
        """Raises OSError."""
        ...

    async def remove(self, names: Sequence[str]) -> None:
        """Does nothing for those that are gone."""
        ...

    def path(self, name: str) -> Path: ...


class Reader(Protocol):
    """Knows sound files (`gateways.media.uploads.read_upload`)."""

    def __call__(self, data: bytes, media_type: str) -> SoundData:
        """The sound in bytes that somebody has sent. Takes its time. Raises Invalid."""
        ...


class Store(Protocol):
    """Where all is kept; `store.VoicemailStore` in service. All raise DatabaseUnavailable."""

    async def boxes(self) -> Sequence[Box]: ...
    async def lists(self) -> Sequence[List]: ...
    async def write_boxes(self, boxes: Sequence[Box]) -> None: ...
    async def write_list(self, list: List) -> None: ...
    async def remove_list(self, number: str) -> None: ...
    async def remove_box(self, number: str) -> Sequence[Message]:
        """With all that is in it, which is given."""
        ...

    async def deposit(
        self, messages: Sequence[Message], *, instead_of: str | None = None, mail: Mapping[str, int] | None = None
    ) -> None:
        """Keep messages, new or changed, all or none. `instead_of`: one that they take the place of. `mail`: those that
        are to be sent by e-mail, and from when on."""
        ...

    async def remove(self, messages: Sequence[str]) -> None: ...
    async def find(self, message: str) -> Message | None: ...
    async def messages(self, box: str, folder: str | None = None) -> Sequence[Message]:
        """Those of a box, the oldest first, but not what arrives."""
        ...

    async def arriving(self) -> Sequence[Message]: ...
    async def older(self, box: str, before: int, limit: int) -> Sequence[Message]: ...
    async def tally(self, box: str) -> Tally: ...
    async def tallies(self) -> Mapping[str, Tally]: ...
    async def mail_due(self, now: int, limit: int) -> Sequence[tuple[str, int]]:
        """Messages whose mail is to be sent now, and how often that was tried."""
        ...

    async def mail_waiting(self) -> int: ...
    async def mail_later(self, message: str, attempts: int, due_at: int) -> None: ...
    async def mail_done(self, message: str) -> None: ...
    async def set_transcript(self, message: str, transcript: str) -> None: ...
