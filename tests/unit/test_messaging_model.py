"""CPIM and notes of delivery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.features.messaging.model import (
    CPIM,
    DELIVERED,
    EXPIRED,
    IMDN,
    REFUSED,
    WAITING,
    Note,
    note_of,
    read_cpim,
    worth_keeping,
    write_note,
)
from softswitch.kernel.address import Party
from softswitch.kernel.messages import TextMessage


def message(body: bytes, kind: str = CPIM) -> TextMessage:
    return TextMessage(Party("1001"), "1002", kind, body)


def cpim(wants: str = "positive-delivery", *, prefix: str = "imdn", inner: str = "Content-Type: text/plain") -> bytes:
    return (
        f"From: Ann <sip:1001@h>\r\nTo: <sip:1002@h>\r\nNS: {prefix} <urn:ietf:params:imdn>\r\n"
        f"{prefix}.Message-ID: 34jk324j\r\n{prefix}.Disposition-Notification: {wants}\r\n\r\n{inner}\r\n\r\n"
        "Hello\r\n\r\nyou"
    ).encode()


@pytest.mark.parametrize("prefix", ["imdn", "x"])
def test_what_a_sender_asks_is_read_by_its_namespace(prefix: str) -> None:
    read = read_cpim(message(cpim("positive-delivery, Display", prefix=prefix)))
    assert read is not None
    assert (read.message_id, read.wants) == ("34jk324j", frozenset({"positive-delivery", "display"}))
    assert (read.content_type, read.content) == ("text/plain", b"Hello\r\n\r\nyou")
    assert read.header("From") == "Ann <sip:1001@h>"


def test_line_ends_may_be_bare() -> None:
    read = read_cpim(message(cpim().replace(b"\r\n", b"\n")))
    assert read is not None and read.content == b"Hello\n\nyou"


@pytest.mark.parametrize(
    "broken", [b"", b"Hello", b"From: a\r\n\r\n", b"From: a\r\n\r\nX: y\r\n\r\nHello", b"A: b\r\n" * 5000]
)
def test_what_is_no_cpim_is_left_alone(broken: bytes) -> None:
    assert read_cpim(message(broken)) is None
    assert read_cpim(message(cpim(), "text/plain")) is None


@pytest.mark.parametrize(
    ("wants", "state", "on_behalf", "note"),
    [
        ("positive-delivery", DELIVERED, False, None),
        ("positive-delivery", DELIVERED, True, Note("delivery", "delivered")),
        ("display", DELIVERED, True, None),
        ("negative-delivery", EXPIRED, False, Note("delivery", "failed")),
        ("negative-delivery", REFUSED, False, Note("delivery", "failed")),
        ("positive-delivery", EXPIRED, False, None),
        ("processing", WAITING, False, Note("processing", "stored")),
    ],
)
def test_a_note_is_owed_when_it_was_asked_for_and_nobody_else_gives_it(
    wants: str, state: str, on_behalf: bool, note: Note | None
) -> None:
    assert note_of(read_cpim(message(cpim(wants))), state, on_behalf=on_behalf) == note


def test_a_note_calls_forth_no_note() -> None:
    asked = read_cpim(message(cpim("negative-delivery")))
    assert asked is not None
    note = message(write_note(Note("delivery", "failed"), asked, "sip:1002@h", "sip:1001@h", 0))
    read = read_cpim(note)
    assert read is not None
    assert (read.content_type, read.notification) == (IMDN, True)
    assert b"<message-id>34jk324j</message-id>" in read.content
    loop = cpim("negative-delivery", inner=f"Content-Type: {IMDN}\r\nContent-Disposition: notification")
    assert note_of(read_cpim(message(loop)), EXPIRED, on_behalf=False) is None
    assert note_of(None, EXPIRED, on_behalf=False) is None


def test_that_someone_types_is_not_worth_keeping() -> None:
    assert not worth_keeping(message(b"", "application/im-iscomposing+xml;charset=utf-8"))
    assert worth_keeping(message(b"", "text/plain"))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_left_alone(body: bytes) -> None:
    for data in (body, b"A: b\r\n\r\n" + body):
        read = read_cpim(message(data))
        assert read is None or note_of(read, DELIVERED, on_behalf=True) in (None, Note("delivery", "delivered"))
