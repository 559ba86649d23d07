"""The event packages: what may be subscribed to, and how each says what there is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from gateways.sip.ua import conference_info, dialog_info, message_summary, pidf, reginfo
from gateways.sip.ua.conference_info import RoomHistory
from gateways.sip.ua.context import Context
from gateways.sip.ua.dialog_info import CallHistory, DialogId
from softswitch.kernel.binding import Binding
from softswitch.kernel.ids import LegId
from softswitch.kernel.watching import Permission, Subject
from softswitch.ports.location import Location
from softswitch.ports.watching import Rosters, Watched


class View(Struct, frozen=True, gc=False):
    """To whom a document speaks: watchers with equal views get the same bytes."""

    entity: str
    """The URI that is watched, as the watcher wrote it."""
    permission: Permission
    since: int | None
    """The revision the watcher knows; None: it knows nothing."""


class Document(Struct, frozen=True, gc=False):
    """A document, in two halves where a version stands between them."""

    head: bytes
    tail: bytes | None = None

    def body(self, version: int) -> bytes:
        return self.head if self.tail is None else b"%b%d%b" % (self.head, version, self.tail)


class Watch(Protocol):
    """What one package knows of one account or room while someone watches it."""

    @property
    def revision(self) -> int:
        """Counts the changes; watchers who know the newest need not be told."""
        ...

    def look(self) -> None:
        """Something may have changed: look."""
        ...

    def document(self, view: View) -> Document: ...


class EventPackage(Struct, frozen=True):
    """One event package."""

    event: str
    mime: str
    subject: Subject
    watch: Callable[["Sources", str], Watch]
    """Begins to watch an account."""


class Sources(Struct, frozen=True):
    """Where the packages look."""

    context: Context
    watched: Watched
    location: Location
    wall_ms: Callable[[], int]
    rosters: Rosters | None = None
    """None: there are no rooms."""

    def permission(self, subject: Subject, name: str, watcher: str) -> Permission | None:
        """How much an account may know of another, or of a room; None: there is none."""
        if subject is not Subject.ROOM:
            return self.watched.permission(subject, name, watcher)
        return None if self.rosters is None else self.rosters.permission(name, watcher)

    def watching(self, subject: Subject, name: str, watched: bool) -> None:
        """Somebody watches this now, or nobody any more."""
        if subject is not Subject.ROOM:
            self.watched.watching(subject, name, watched)


class _Calls:
    def __init__(self, sources: Sources, account: str) -> None:
        self._sources = sources
        self._account = account
        self._history = CallHistory()

    @property
    def revision(self) -> int:
        return self._history.revision

    def look(self) -> None:
        calls = self._sources.watched.calls(self._account)
        self._history.look(calls, {call.leg: name for call in calls if (name := self._dialog(call.leg)) is not None})

    def document(self, view: View) -> Document:
        parties = view.permission is Permission.PARTIES
        host = self._sources.context.settings.host
        return Document(*dialog_info.write(self._history, view.since, view.entity, host, parties=parties))

    def _dialog(self, leg: LegId) -> DialogId | None:
        session = self._sources.context.legs.get(leg)
        if session is None:
            return None
        dialog = session.dialog
        # The phone's own tag is our remote one: it reads its own dialog (RFC 4235 section 4.1.2).
        return DialogId(dialog.call_id, session.party_tag, dialog.local_tag)


class _Plain:
    """A package whose documents are always whole."""

    def __init__(self, write: Callable[[str], bytes]) -> None:
        self.revision = 0
        self._write = write

    def look(self) -> None:
        self.revision += 1

    def document(self, view: View) -> Document:
        return Document(self._write(view.entity))


class _Registrations:
    def __init__(self, sources: Sources, account: str) -> None:
        self.revision = 0
        self._sources = sources
        self._account = account
        self._bindings: Sequence[Binding] = sources.location.bindings(account)
        self._before: Sequence[Binding] = ()

    def look(self) -> None:
        self.revision += 1
        self._before, self._bindings = self._bindings, self._sources.location.bindings(self._account)

    def document(self, view: View) -> Document:
        now = self._sources.wall_ms()
        return Document(*reginfo.write(self._bindings, self._before, view.entity, self._account, now))


class _Room:
    def __init__(self, sources: Sources, room: str) -> None:
        assert sources.rosters is not None, "whoever watches has been permitted to"
        self._rosters = sources.rosters
        self._room = room
        self._history = RoomHistory(sources.context.settings.host)

    @property
    def revision(self) -> int:
        return self._history.revision

    def look(self) -> None:
        self._history.look(self._rosters.roster(self._room))

    def document(self, view: View) -> Document:
        parties = view.permission is Permission.PARTIES
        return Document(*conference_info.write(self._history, view.since, view.entity, parties=parties))


def _presence(sources: Sources, account: str) -> Watch:
    return _Plain(lambda entity: pidf.write(sources.watched.presence(account), entity, account))


def _mailbox(sources: Sources, account: str) -> Watch:
    return _Plain(lambda entity: message_summary.write(sources.watched.mailbox(account), entity))


PACKAGES: Mapping[str, EventPackage] = {
    package.event: package
    for package in (
        EventPackage(dialog_info.EVENT, dialog_info.MIME, Subject.CALLS, _Calls),
        EventPackage(pidf.EVENT, pidf.MIME, Subject.PRESENCE, _presence),
        EventPackage(message_summary.EVENT, message_summary.MIME, Subject.MAILBOX, _mailbox),
        EventPackage(reginfo.EVENT, reginfo.MIME, Subject.REGISTRATIONS, _Registrations),
        EventPackage(conference_info.EVENT, conference_info.MIME, Subject.ROOM, _Room),
    )
}
"""By the name in Event."""
