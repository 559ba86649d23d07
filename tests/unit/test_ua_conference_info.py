"""What watchers of a room are told (RFC 4575): whole documents, what changed since, and XML that any reader takes."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from gateways.sip.ua import conference_info
from gateways.sip.ua.conference_info import MOST_GONE, RoomHistory
from softswitch.kernel.media import Direction
from softswitch.kernel.roster import Roster, RosterMember

NS = "{urn:ietf:params:xml:ns:conference-info}"
ENTITY = "sip:3000@example.com"


def written(history: RoomHistory, since: int | None = None) -> ElementTree.Element:
    head, tail = conference_info.write(history, since, ENTITY)
    return ElementTree.fromstring(head + b"3" + tail)


def users(document: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {user.attrib["entity"]: user for user in document.iter(f"{NS}user")}


def watched(*members: RosterMember, locked: bool = False) -> RoomHistory:
    history = RoomHistory("example.com")
    history.look(Roster("Monday", members, locked, 50))
    return history


ANN = RosterMember(id=1, number="1001", name="Ann", role="host", since=1_790_000_000_500)
BOB = RosterMember(id=2, number="1002", name="Bob", called=True, sound=Direction.RECVONLY, picture=Direction.SENDRECV)


def test_a_whole_document_says_who_is_there_and_how() -> None:
    document = written(
        watched(ANN, BOB, RosterMember(id=3, number="1003", status="alerting", called=True), locked=True)
    )
    assert document.tag == f"{NS}conference-info"
    assert (document.attrib["state"], document.attrib["version"], document.attrib["entity"]) == ("full", "3", ENTITY)
    assert document.findtext(f"{NS}conference-description/{NS}display-text") == "Monday"
    assert document.findtext(f"{NS}conference-description/{NS}maximum-user-count") == "50"
    state = document.find(f"{NS}conference-state")
    assert state is not None
    assert [child.text for child in state] == ["2", "true", "true"], "who is still called is not in the room"
    ann, bob, cid = (users(document)[f"sip:{number}@example.com"] for number in (1001, 1002, 1003))
    assert ann.findtext(f"{NS}display-text") == "Ann" and ann.findtext(f"{NS}roles/{NS}entry") == "host"
    assert ann.findtext(f"{NS}endpoint/{NS}joining-info/{NS}when") == "2026-09-21T14:13:20Z"
    assert ann.findtext(f"{NS}endpoint/{NS}joining-method") == "dialed-in"
    assert bob.findtext(f"{NS}endpoint/{NS}joining-method") == "dialed-out"
    media = [(one.findtext(f"{NS}type"), one.findtext(f"{NS}status")) for one in bob.iter(f"{NS}media")]
    assert media == [("audio", "recvonly"), ("video", "sendrecv")]
    assert cid.findtext(f"{NS}endpoint/{NS}status") == "alerting"


def test_who_was_called_and_did_not_come_is_there_with_the_reason() -> None:
    busy, absent = (
        RosterMember(id=id, number=number, status="disconnected", unreached=why, called=True)
        for id, number, why in ((1, "1003", "busy"), (2, "1004", "no_answer"))
    )
    document = written(watched(ANN, busy, absent))
    assert document.findtext(f"{NS}conference-state/{NS}user-count") == "1"
    told = [
        [(child.tag.removeprefix(NS), "".join(child.itertext())) for child in endpoint]
        for endpoint in document.iter(f"{NS}endpoint")
    ]
    outcome = ("status", "disconnected"), ("joining-method", "dialed-out")
    assert told[1:] == [
        [*outcome, ("disconnection-method", "busy"), ("disconnection-info", "busy")],
        [*outcome, ("disconnection-method", "failed"), ("disconnection-info", "no answer")],
    ]


def test_who_knows_a_revision_is_told_who_changed_and_who_left() -> None:
    history = watched(ANN, BOB)
    history.look(Roster("Monday", (ANN, BOB), False, 50))
    assert history.revision == 1, "nothing has changed"
    history.look(Roster("Monday", (BOB,), False, 50))
    document = written(history, 1)
    assert document.attrib["state"] == "partial"
    assert {uri: user.attrib["state"] for uri, user in users(document).items()} == {"sip:1001@example.com": "deleted"}
    history.look(Roster("Monday", (ANN, BOB), False, 50))
    assert list(users(written(history, 1))) == ["sip:1001@example.com"], "who has come back is not deleted"
    history.look(None)
    assert {user.attrib["state"] for user in users(written(history, 3)).values()} == {"deleted"}
    assert written(history).findtext(f"{NS}conference-state/{NS}active") == "false"


def test_who_missed_more_ends_than_are_remembered_is_told_everything() -> None:
    history = watched()
    for number in range(MOST_GONE + 2):
        history.look(Roster("", (RosterMember(id=number, number=f"1{number}"),)))
    assert history.since(0) is None and written(history, 0).attrib["state"] == "full"


def test_two_phones_of_a_number_are_one_user_and_who_hides_is_somebody_of_its_own() -> None:
    document = written(
        watched(
            ANN,
            RosterMember(id=7, number="1001"),
            RosterMember(id=8, number="", name="Anonymous"),
            RosterMember(id=9, number=""),
        )
    )
    found = users(document)
    assert len(found) == 3
    endpoints = [each.attrib["entity"] for each in found["sip:1001@example.com"].iter(f"{NS}endpoint")]
    assert endpoints == ["sip:1001@example.com;member=1", "sip:1001@example.com;member=7"]
    assert "sip:anonymous8@anonymous.invalid" in found and "sip:anonymous9@anonymous.invalid" in found


@given(st.text(), st.text(), st.text())
def test_any_names_make_a_document_that_can_be_read(title: str, number: str, name: str) -> None:
    history = RoomHistory("example.com")
    history.look(Roster(title, (RosterMember(id=1, number=number, name=name),)))
    assert len(users(written(history))) == 1
