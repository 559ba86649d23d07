"""Who calls, in the headers of five generations of trunks."""

from collections.abc import Sequence

import pytest

from gateways._native import SipRequest
from gateways.sip.ua.identity import read, write
from softswitch.calls.identity import Diversion, Identity, IdentityStyle
from softswitch.kernel.address import Party
from tests.support.ua_story import Story

ANN = Party("+4930123", "Ann")
TRUSTED = IdentityStyle("p-asserted-identity", "both", True, "carrier.example")


def asks(*headers: str) -> SipRequest:
    return SipRequest.parse(Story().request("INVITE", headers=headers).encode())


def written(identity: Identity, style: IdentityStyle) -> list[str]:
    return [f"{name}: {value}" for name, value in write(identity, style, "+49891", "192.0.2.1")]


def test_a_request_without_such_headers_says_nothing_but_whom_it_is_to() -> None:
    assert read(asks()) == Identity(called="1002")


@pytest.mark.parametrize(
    ("headers", "asserted", "privacy"),
    [
        (['P-Asserted-Identity: "Ann" <sip:+4930123@carrier.example;user=phone>'], ANN, ()),
        (['P-Asserted-Identity: <tel:+4930123>, "Ann" <sip:ann@carrier.example>'], ANN, ()),
        (['P-Preferred-Identity: "Ann" <sip:+4930123@x>', "Privacy: none"], ANN, ("none",)),
        (['Remote-Party-ID: "Ann" <sip:+4930123@x>;party=calling;screen=yes;privacy=off'], ANN, ()),
        (['Remote-Party-ID: "Ann" <sip:+4930123@x>;privacy=full'], ANN, ("id",)),
        (["Remote-Party-ID: <sip:9@x>;party=called"], None, ()),
        (["P-Asserted-Identity: nonsense", "Privacy: id; critical"], None, ("id", "critical")),
        (["P-Asserted-Identity: <sip:carrier.example>"], None, ()),
    ],
)
def test_who_calls_is_read_from_whichever_header_says_it(
    headers: Sequence[str], asserted: Party | None, privacy: tuple[str, ...]
) -> None:
    found = read(asks(*headers))
    assert (found.asserted, found.privacy) == (asserted, privacy)
    assert found.private == ("id" in privacy)


def test_an_asserted_identity_is_believed_before_the_others() -> None:
    found = read(
        asks("Remote-Party-ID: <sip:2@x>", "P-Preferred-Identity: <sip:1@x>", "P-Asserted-Identity: <sip:0@x>")
    )
    assert found.asserted == Party("0")


NEWEST = Diversion(Party("1002", "Bob"), "no-answer", 2)
OLDEST = Diversion(Party("1001"), "unconditional", 1, private=True)


def test_diversions_are_read_the_newest_first() -> None:
    found = read(
        asks(
            'Diversion: "Bob" <sip:1002@x>;reason=no-answer;counter=2;privacy=off',
            "Diversion: <sip:1001@x>;reason=unconditional;privacy=full, broken",
        )
    )
    assert found.diversions == (NEWEST, OLDEST)


def test_a_history_says_the_same_in_other_words() -> None:
    found = read(
        asks(
            "History-Info: <sip:1001@x?Privacy=history>;index=1, "
            '"Bob" <sip:1002@x;cause=302>;index=1.1;mp=1, <sip:+49891@x;cause=408>;index=1.1.1;mp=1.1'
        )
    )
    assert found.diversions == (Diversion(Party("1002", "Bob"), "no-answer"), OLDEST)


@pytest.mark.parametrize(
    "history",
    [
        "<sip:1@x>;index=1",
        "<sip:1@x;cause=302>;index=1",
        "<sip:1@x;cause=302>",
        "nonsense",
        "<sip:2@x;cause=302>;index=1.1",
    ],
)
def test_a_history_without_a_diverting_party_tells_of_none(history: str) -> None:
    assert read(asks(f"History-Info: {history}")).diversions == ()


def test_diversions_are_written_in_both_ways_and_read_the_same() -> None:
    lines = written(Identity(diversions=(NEWEST, OLDEST)), TRUSTED)
    assert lines == [
        'Diversion: "Bob" <sip:1002@carrier.example>;reason=no-answer;counter=2;privacy=off',
        "Diversion: <sip:1001@carrier.example>;reason=unconditional;counter=1;privacy=full",
        "History-Info: <sip:1001@carrier.example?Privacy=history>;index=1",
        'History-Info: "Bob" <sip:1002@carrier.example;cause=302>;index=1.1;mp=1',
        "History-Info: <sip:%2B49891@carrier.example;cause=408>;index=1.1.1;mp=1.1".replace("%2B", "+"),
    ]
    assert read(asks(*lines[2:])).diversions == (Diversion(NEWEST.party, "no-answer"), OLDEST)
    assert read(asks(*lines[:2])).diversions == (NEWEST, OLDEST)


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (IdentityStyle("p-asserted-identity"), 'P-Asserted-Identity: "Ann" <sip:+4930123@192.0.2.1>'),
        (IdentityStyle("p-preferred-identity", host="x"), 'P-Preferred-Identity: "Ann" <sip:+4930123@x>'),
        (
            IdentityStyle("remote-party-id"),
            'Remote-Party-ID: "Ann" <sip:+4930123@192.0.2.1>;party=calling;screen=yes;privacy=off',
        ),
    ],
)
def test_who_calls_is_written_as_the_trunk_wants_it(style: IdentityStyle, line: str) -> None:
    assert written(Identity(asserted=ANN), style) == [line]
    assert written(Identity(asserted=ANN), IdentityStyle()) == []


def test_a_private_number_goes_to_a_trusted_trunk_alone() -> None:
    """RFC 3325 section 9.1 step 7, and the same for who sent the call on."""
    private = Identity(asserted=ANN, privacy=("id",), diversions=(NEWEST,))
    told = written(private, TRUSTED)
    assert told[:2] == ['P-Asserted-Identity: "Ann" <sip:+4930123@carrier.example>', "Privacy: id"]
    assert written(private, IdentityStyle("p-asserted-identity", "both")) == ["Privacy: id"]
    shown = written(Identity(diversions=(NEWEST, OLDEST)), IdentityStyle(divert_by="diversion"))
    assert len(shown) == 1 and "Bob" in shown[0]


def test_the_check_of_a_passport_stands_beside_the_number() -> None:
    (line,) = written(Identity(asserted=ANN, verstat="TN-Validation-Passed"), IdentityStyle("p-asserted-identity"))
    assert line == 'P-Asserted-Identity: "Ann" <sip:+4930123;verstat=TN-Validation-Passed@192.0.2.1>'
