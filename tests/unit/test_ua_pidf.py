"""Presence documents, written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.sip.ua import pidf
from gateways.sip.ua.markup import MOST_BYTES
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.watching import ACTIVITIES, Presence, Published

ENTITY = "sip:1002@192.0.2.1"
HEAD = '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b">'


@given(
    st.booleans(),
    st.lists(st.sampled_from(sorted(ACTIVITIES - {"unknown"})), unique=True, max_size=4),
    st.text(max_size=100),
)
def test_a_document_that_is_written_is_read_again(is_open: bool, activities: list[str], note: str) -> None:
    read = pidf.read(pidf.write(Presence(is_open, tuple(activities), note), ENTITY, "1002"))

    assert (read.open, read.activities) == (is_open, tuple(activities))


def test_do_not_disturb_is_shown_as_busy_with_a_note() -> None:
    read = pidf.read(pidf.write(Presence(True, (), "", do_not_disturb=True), ENTITY, "1002"))

    assert read == Published(True, ("busy",), "Do not disturb")


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE p [<!ENTITY a "b">]>' + HEAD + "<note>&a;</note></presence>",
        '<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + HEAD + "<note>&a;</note></presence>",
        '<!DOCTYPE p SYSTEM "http://192.0.2.7/p.dtd">' + HEAD + "</presence>",
        HEAD + "<a>" * 30 + "</a>" * 30 + "</presence>",
        HEAD + "<a/>" * 2000 + "</presence>",
        HEAD + "x" * MOST_BYTES + "</presence>",
    ],
    ids=["entity", "file", "outside", "deep", "many", "long"],
)
def test_a_published_document_that_is_unsafe_is_refused(body: str) -> None:
    with pytest.raises(RemoteProtocolError):
        pidf.read(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"<presence/>",
        b'<presence xmlns="urn:ietf:params:xml:ns:pidf"/>',
        HEAD.encode(),
        HEAD.encode() + b"\xff\xfe</presence>",
        b'<?xml version="1.0" encoding="x-none"?>' + HEAD.encode() + b"</presence>",
        HEAD.encode() + b"<tuple><status/></tuple></presence>",
        HEAD.encode() + b'<tuple id="1"/></presence>',
        HEAD.encode() + b'<tuple id="1"><status><basic>ajar</basic></status></tuple></presence>',
    ],
)
def test_what_is_no_presence_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        pidf.read(body)


def test_what_is_not_known_is_passed_over() -> None:
    body = (
        HEAD + '<x:new xmlns:x="urn:x">1</x:new><tuple id="1"><status><basic> open </basic><y/></status>'
        "<contact>sip:a</contact></tuple><note>At home</note></presence>"
    )

    assert pidf.read(body.encode()) == Published(True, (), "At home")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        pidf.read(body)
    except RemoteProtocolError:
        return
