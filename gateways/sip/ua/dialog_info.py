"""What lamps are told of an account's calls: the dialog event package (RFC 4235)."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from gateways.sip.ua import markup
from gateways.sip.ua.addressing import escaped_user
from softswitch.kernel.ids import LegId
from softswitch.kernel.watching import WatchedCall

EVENT = "dialog"
MIME = "application/dialog-info+xml"

MOST_ENDED = 32
"""Ended calls that are remembered of an account, for watchers who have not heard of their end yet."""


class DialogId(Struct, frozen=True, gc=False):
    """A dialog's names as its phone knows them: `local` is the phone's tag."""

    call_id: str
    local_tag: str
    remote_tag: str


class Entry(Struct, frozen=True, gc=False):
    """One call, and the revision in which it became as it is."""

    call: WatchedCall
    dialog: DialogId | None
    revision: int


class CallHistory:
    """An account's calls by revision, so that whoever knows one revision can be told what changed since."""

    def __init__(self) -> None:
        self.revision = 0
        self._live: dict[LegId, Entry] = {}
        self._ended: deque[Entry] = deque()
        self._forgotten = 0
        """The revision up to which ends may have been forgotten."""

    def look(self, calls: Sequence[WatchedCall], dialogs: dict[LegId, DialogId]) -> None:
        """Take the calls as they are now; `dialogs` names the dialogs of those legs that have one."""
        now = {call.leg: call for call in calls}
        changed: list[Entry] = []
        ended: list[Entry] = []
        revision = self.revision + 1
        for leg, call in now.items():
            known = self._live.get(leg)
            dialog = dialogs.get(leg) or (known.dialog if known is not None else None)
            if known is None or known.call != call or known.dialog != dialog:
                changed.append(Entry(call, dialog, revision))
        for leg, known in self._live.items():
            if leg not in now:
                call = WatchedCall(leg, "terminated", known.call.calling, known.call.other)
                ended.append(Entry(call, known.dialog, revision))
        if not changed and not ended:
            return
        self.revision = revision
        for entry in changed:
            self._live[entry.call.leg] = entry
        for entry in ended:
            del self._live[entry.call.leg]
            self._ended.append(entry)
        while len(self._ended) > MOST_ENDED:
            self._forgotten = self._ended.popleft().revision

    def since(self, revision: int) -> list[Entry] | None:
        """What changed after a revision, ends included; None: too long ago to tell."""
        if revision < self._forgotten:
            return None
        return [entry for entry in (*self._live.values(), *self._ended) if entry.revision > revision]

    def live(self) -> list[Entry]:
        return list(self._live.values())


def write(history: CallHistory, since: int | None, entity: str, host: str, *, parties: bool) -> tuple[bytes, bytes]:
    """The document before and behind its version: what changed since a revision, or everything (None).

    Without `parties`, who the account talks with stays unsaid, and so do the names of a dialog that is not ringing:
    they would let it be taken over.
    """
    entries = history.since(since) if since is not None else None
    state = "partial" if entries is not None else "full"
    listed = entries if entries is not None else history.live()
    dialogs = "".join(_dialog(entry, entity, host, parties) for entry in listed)
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="',
        f'" state="{state}" entity={markup.attribute(entity)}>{dialogs}</dialog-info>\n'.encode(),
    )


def _dialog(entry: Entry, entity: str, host: str, parties: bool) -> str:
    call, dialog = entry.call, entry.dialog
    names = ""
    if dialog is not None and (parties or call.stage == "early"):
        names = f" call-id={markup.attribute(dialog.call_id)}"
        if dialog.local_tag:
            names += f" local-tag={markup.attribute(dialog.local_tag)}"
        names += f" remote-tag={markup.attribute(dialog.remote_tag)}"
    direction = "initiator" if call.calling else "recipient"
    remote = ""
    if parties and call.other.number:
        display = f" display={markup.attribute(call.other.name)}" if call.other.name else ""
        uri = f"sip:{escaped_user(call.other.number)}@{host}"
        remote = (
            f"<remote><identity{display}>{markup.text(uri)}</identity><target uri={markup.attribute(uri)}/></remote>"
        )
    return (
        f"<dialog id={markup.attribute(call.leg)}{names} direction={markup.attribute(direction)}>"
        f"<state>{call.stage}</state>"
        f"<local><identity>{markup.text(entity)}</identity><target uri={markup.attribute(entity)}/></local>"
        f"{remote}</dialog>"
    )
