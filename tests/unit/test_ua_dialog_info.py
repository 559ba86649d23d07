"""Lamps' documents (RFC 4235): what changed since a revision, and XML that any reader takes."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from gateways.sip.ua import dialog_info, pidf
from gateways.sip.ua.dialog_info import MOST_ENDED, CallHistory, DialogId
from softswitch.kernel.address import Party
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.ids import LegId
from softswitch.kernel.watching import Presence, WatchedCall

NS = "{urn:ietf:params:xml:ns:dialog-info}"
ENTITY = "sip:1002@192.0.2.1"


def call(number: int, stage: str = "early", name: str = "") -> WatchedCall:
    return WatchedCall(LegId(f"c-{number}.2"), stage, False, Party("1001", name))


def written(history: CallHistory, since: int | None, *, parties: bool = True) -> ElementTree.Element:
    head, tail = dialog_info.write(history, since, ENTITY, "192.0.2.1", parties=parties)
    return ElementTree.fromstring(head + b"7" + tail)


def test_who_knows_a_revision_is_told_what_changed_since() -> None:
    history = CallHistory()
    history.look([call(1)], {})
    history.look([call(1), call(2)], {})
    assert history.revision == 2
    document = written(history, 1)
    assert (document.attrib["state"], document.attrib["version"], document.attrib["entity"]) == ("partial", "7", ENTITY)
    assert [dialog.attrib["id"] for dialog in document] == ["c-2.2"]
    history.look([call(2, "confirmed")], {})
    stages = {dialog.attrib["id"]: dialog.findtext(f"{NS}state") for dialog in written(history, 2)}
    assert stages == {"c-1.2": "terminated", "c-2.2": "confirmed"}
    history.look([call(2, "confirmed")], {})
    assert history.revision == 3


def test_who_missed_more_ends_than_are_remembered_is_told_everything() -> None:
    history = CallHistory()
    for number in range(MOST_ENDED + 2):
        history.look([call(number)], {})
    assert history.since(0) is None
    document = written(history, 0)
    assert document.attrib["state"] == "full"
    assert [dialog.attrib["id"] for dialog in document] == [f"c-{MOST_ENDED + 1}.2"]
    assert len(history.since(history.revision - 1) or ()) == 2


def test_the_names_of_a_dialog_are_told_while_it_rings_or_by_permission() -> None:
    history, name = CallHistory(), DialogId("call<1>", "phone", "switch")
    history.look([call(1), call(2, "confirmed")], {LegId("c-1.2"): name, LegId("c-2.2"): name})
    ringing, talking = written(history, None, parties=False)
    told = (ringing.attrib["call-id"], ringing.attrib["local-tag"], ringing.attrib["remote-tag"])
    assert DialogId(*told) == name
    assert "call-id" not in talking.attrib
    assert ringing.find(f"{NS}remote") is None
    assert written(history, None)[1].attrib["call-id"] == "call<1>"


@given(st.text(max_size=60))
def test_any_name_makes_a_document_that_can_be_read(name: str) -> None:
    history = CallHistory()
    history.look([call(1, name=name)], {})
    (dialog,) = written(history, None)
    assert dialog.findtext(f"{NS}remote/{NS}identity") == "sip:1001@192.0.2.1"


@given(st.data())
def test_a_damaged_presence_document_is_read_or_refused(data: st.DataObject) -> None:
    document = bytearray(pidf.write(Presence(True, ("meeting",), "Back & <soon>"), ENTITY, "1002"))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(document) - 1))
        document[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        pidf.read(bytes(document))
    except RemoteProtocolError:
        return
