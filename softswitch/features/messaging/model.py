"""What a stored message is, and the notes of delivery: CPIM (RFC 3862) and IMDN (RFC 5438), read and written."""

import re
from datetime import UTC, datetime

from msgspec import Struct

from softswitch.kernel.messages import TextMessage

WAITING, DELIVERED, EXPIRED, REFUSED = "waiting", "delivered", "expired", "refused"
"""A message's states; only the first is not its last."""

CPIM = "message/cpim"
IMDN = "message/imdn+xml"
COMPOSING = "application/im-iscomposing+xml"

_IMDN_URN = "urn:ietf:params:imdn"
_ID = re.compile(r"[\x21-\x7e]{1,128}")


class StoredMessage(Struct, frozen=True, gc=False):
    """A message and what became of it."""

    id: int
    message: TextMessage
    created_at: int
    """Wall milliseconds, as all times here."""
    expires_at: int
    state: str = WAITING
    done_at: int | None = None
    """When it entered its last state."""


class Cpim(Struct, frozen=True, gc=False):
    """A `message/cpim` body. Header names are as written, namespace prefix included."""

    headers: tuple[tuple[str, str], ...]
    content_type: str
    content: bytes
    notification: bool = False
    """Whether the content says of itself that it is a notification (RFC 5438 section 6.5)."""

    def header(self, name: str, urn: str = "") -> str:
        """The first value of a header, in a namespace where one is given; empty where there is none."""
        prefix = ""
        if urn:
            # RFC 3862 section 3.4: `NS: imdn <urn:ietf:params:imdn>` names the prefix.
            for key, value in self.headers:
                if key == "NS" and value.endswith(f"<{urn}>"):
                    prefix = value.partition("<")[0].strip() + "."
        for key, value in self.headers:
            if key == prefix + name:
                return value
        return ""

    @property
    def message_id(self) -> str:
        """By which a note names the message (RFC 5438 section 6.3); empty: no note can."""
        found = self.header("Message-ID", _IMDN_URN)
        return found if _ID.fullmatch(found) else ""

    @property
    def wants(self) -> frozenset[str]:
        """Which notes the sender asked for: `positive-delivery`, `negative-delivery`, `processing`, `display`."""
        asked = self.header("Disposition-Notification", _IMDN_URN)
        return frozenset(word.strip().lower() for word in asked.split(",") if word.strip())


def read_cpim(message: TextMessage) -> Cpim | None:
    """The CPIM of a message; None when it is none, or broken: then it is passed on as it is."""
    if message.content_type.partition(";")[0].strip().lower() != CPIM:
        return None
    lines, rest = _head(message.body)
    mime, content = _head(rest)
    kinds = {name.lower(): value for name, value in mime}
    if not mime or "content-type" not in kinds:
        return None
    notification = kinds.get("content-disposition", "").partition(";")[0].strip().lower() == "notification"
    return Cpim(tuple(lines), kinds["content-type"], content, notification)


def _head(data: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Headers up to an empty line, and what follows it."""
    end = min((found for mark in (b"\r\n\r\n", b"\n\n") if (found := data.find(mark)) >= 0), default=-1)
    if end < 0 or end > 4096:
        return [], data
    rest = data[end:].lstrip(b"\r").removeprefix(b"\n").lstrip(b"\r").removeprefix(b"\n")
    headers: list[tuple[str, str]] = []
    for line in data[:end].decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon and len(headers) < 50:
            headers.append((name.strip(), value.strip()))
    return headers, rest


class Note(Struct, frozen=True, gc=False):
    """What is told of a message's delivery (RFC 5438 section 7.2)."""

    kind: str
    """`delivery` or `processing`."""
    status: str
    """`delivered`, `failed`, `error`; `stored`."""


def note_of(asked: Cpim | None, state: str, *, on_behalf: bool) -> Note | None:
    """The note that is owed when a message enters a state; None: none was asked for, or another gives it.

    A phone that understands CPIM tells of the delivery itself; `on_behalf` says that it was given the bare content
    and cannot (RFC 5438 section 7.2.1.1).
    """
    if asked is None or asked.notification or not asked.message_id:
        # Section 5: "An IMDN MUST NOT be requested" for an IMDN; one that is all the same gets none.
        return None
    wants = asked.wants
    if state == DELIVERED and on_behalf and "positive-delivery" in wants:
        return Note("delivery", "delivered")
    if state in (EXPIRED, REFUSED) and "negative-delivery" in wants:
        return Note("delivery", "failed")
    if state == WAITING and "processing" in wants:
        return Note("processing", "stored")
    return None


def write_note(note: Note, asked: Cpim, recipient: str, sender: str, now_ms: int) -> bytes:
    """A note as a CPIM body, from the recipient's URI to the sender's (RFC 5438 section 11.1.2)."""
    when = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="seconds")
    tag = f"{note.kind}-notification"
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<imdn xmlns="urn:ietf:params:xml:ns:imdn">'
        f"<message-id>{_escaped(asked.message_id)}</message-id><datetime>{when}</datetime>"
        f"<recipient-uri>{_escaped(recipient)}</recipient-uri>"
        f"<original-recipient-uri>{_escaped(recipient)}</original-recipient-uri>"
        f"<{tag}><status><{note.status}/></status></{tag}></imdn>\n"
    ).encode()
    head = (
        f"From: <{recipient}>\r\nTo: <{sender}>\r\nDateTime: {when}\r\nNS: imdn <{_IMDN_URN}>\r\n"
        f"imdn.Message-ID: note-{now_ms:x}-{_escaped(asked.message_id)[:64]}\r\n\r\n"
        f"Content-Type: {IMDN}\r\nContent-Disposition: notification\r\nContent-Length: {len(xml)}\r\n\r\n"
    )
    return head.encode() + xml


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def worth_keeping(message: TextMessage) -> bool:
    """Whether a message still says something when it comes later: "is typing" does not (RFC 3994 section 3.1)."""
    return message.content_type.partition(";")[0].strip().lower() != COMPOSING
