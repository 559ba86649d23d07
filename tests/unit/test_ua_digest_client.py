"""How we prove ourselves to a peer that asks, in any request."""

import pytest

from gateways._native import SipRequest, parse_credentials
from gateways.sip.ua.digest import ha1_of, response_of
from gateways.sip.ua.digest_client import DigestClient, challenge_of
from softswitch.calls.signals import Answered, Confirm, Credentials, HangUp, Offer, OfferAnswered
from softswitch.kernel.cause import Cause
from tests.support.ua_story import LEG, ON_HOLD, OURS, Story, sdp

US = Credentials("switch", "s3cret")


def asks(
    realm: str = "carrier", nonce: str = "n1", algorithm: str = "MD5", *, proxy: bool = False, more: str = ""
) -> str:
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    return f'{name}: Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{more}'


def proof(request: SipRequest, name: str = "Authorization") -> dict[str, str]:
    """The one credential of a request, which must be right for the password."""
    (value,) = request.headers(name)
    parsed = parse_credentials(value)
    assert parsed is not None
    given = parsed[1]
    algorithm = given["algorithm"]
    assert given["response"] == response_of(
        ha1_of("switch", given["realm"], "s3cret", algorithm),
        algorithm,
        request.method,
        request.uri,
        given["nonce"],
        (given["nc"], given["cnonce"]),
    )
    return given


def dials(credentials: Credentials | None = US) -> tuple[Story, SipRequest]:
    story = Story()
    return story, story.dials(credentials=credentials)


@pytest.mark.parametrize(("status", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenged_invite_is_sent_again_with_credentials_and_the_next_cseq(status: int, name: str) -> None:
    story, first = dials()
    assert first.header(name) is None
    story.replies(first, status, headers=[asks(proxy=status == 407, more=', opaque="o"')])
    again = next(m for m in story.said() if isinstance(m, SipRequest) and m.method == "INVITE")
    assert (again.call_id, again.from_tag, again.cseq) == (first.call_id, first.from_tag, first.cseq + 1)
    assert again.branch != first.branch and again.to_tag == "" and again.body == first.body
    given = proof(again, name)
    assert (given["nc"], given["opaque"], given["qop"]) == ("00000001", "o", "auth")
    story.replies(again, 200, body=sdp())
    ack = story.only_request("ACK")
    # RFC 3261 section 13.2.2.4: the ACK of a 2xx bears the INVITE's own credentials.
    assert (ack.cseq, ack.headers(name)) == (again.cseq, again.headers(name))
    assert isinstance(story.told[-1], Answered)
    story.commands(HangUp())
    bye = story.only_request("BYE")
    assert proof(bye, name)["nc"] == "00000002"  # before it is asked
    story.replies(bye, 200)
    assert story.is_clean()


def test_the_strongest_of_the_challenges_is_answered() -> None:
    story, first = dials()
    story.replies(first, 401, headers=[asks(), asks(algorithm="SHA-256", nonce="n2"), asks(algorithm="SHA-512-256")])
    given = proof(story.only_request("INVITE"))
    assert (given["algorithm"], given["nonce"]) == ("SHA-256", "n2")


def test_each_realm_that_asks_is_answered() -> None:
    story, first = dials()
    story.replies(first, 407, headers=[asks("edge", proxy=True), asks("core", proxy=True), asks("carrier")])
    again = story.only_request("INVITE")
    realms = [
        parsed[1]["realm"] for value in again.headers("Proxy-Authorization") if (parsed := parse_credentials(value))
    ]
    assert (realms, proof(again)["realm"]) == (["edge", "core"], "carrier")


def test_two_proxies_may_ask_one_after_the_other() -> None:
    story, first = dials()
    story.replies(first, 407, headers=[asks("edge", proxy=True)])
    second = story.only_request("INVITE")
    story.replies(second, 401, headers=[asks("carrier")])
    third = story.only_request("INVITE")
    assert proof(third)["realm"] == "carrier" and proof(third, "Proxy-Authorization")["nc"] == "00000002"


def test_a_wrong_password_ends_the_call_after_one_try() -> None:
    story, first = dials()
    story.replies(first, 401, headers=[asks()])
    story.replies(story.only_request("INVITE"), 401, headers=[asks(nonce="n2")])
    assert story.lines() == ["ACK"]
    assert [(e.cause, e.status, e.by_party) for e in story.ended] == [(Cause.CALL_REJECTED, 401, True)]
    assert story.is_clean()


def test_a_stale_nonce_is_asked_again_but_not_for_ever() -> None:
    story, request = dials()
    for number in range(4):
        story.replies(request, 401, headers=[asks(nonce=f"n{number}", more=", stale=true")])
        request = story.only_request("INVITE")
        assert proof(request)["nonce"] == f"n{number}"
    story.replies(request, 401, headers=[asks(nonce="more", more=", stale=true")])
    assert story.lines() == ["ACK"] and story.ended[0].status == 401


def test_without_credentials_or_for_another_realm_a_challenge_is_a_refusal() -> None:
    for credentials in (None, Credentials("switch", "s3cret", realm="carrier")):
        story, first = dials(credentials)
        story.replies(first, 407, headers=[asks("elsewhere", proxy=True)])
        assert story.lines() == ["ACK"] and story.ended[0].status == 407
        assert story.is_clean()


def test_a_bye_that_is_challenged_is_sent_again() -> None:
    story, invite = dials()
    story.replies(invite, 200, body=sdp())
    story.said()
    story.commands(HangUp())
    bye = story.only_request("BYE")
    assert bye.header("Authorization") is None
    story.replies(bye, 401, headers=[asks()])
    again = story.only_request("BYE")
    assert again.cseq == bye.cseq + 1 and proof(again)["nc"] == "00000001"
    assert again.header("Reason") == bye.header("Reason")
    story.replies(again, 200)
    assert story.is_clean()


def test_a_reinvite_that_is_challenged_is_sent_again_and_acknowledged_under_its_own_number() -> None:
    story, invite = dials()
    story.replies(invite, 200, body=sdp())
    story.said()
    story.commands(Offer(ON_HOLD))
    first = story.only_request("INVITE")
    story.replies(first, 407, headers=[asks(proxy=True)])
    again = story.only_request("INVITE")
    assert again.body == first.body and proof(again, "Proxy-Authorization")
    story.replies(again, 200, body=sdp(direction="recvonly"))
    ack = story.only_request("ACK")
    assert ack.cseq == again.cseq == first.cseq + 1
    assert isinstance(story.told[-1], OfferAnswered)


def test_a_late_offer_survives_the_challenge() -> None:
    story = Story()
    first = story.dials(None, credentials=US)
    story.replies(first, 401, headers=[asks()])
    again = story.only_request("INVITE")
    assert again.body == b""
    story.replies(again, 200, body=sdp())
    story.commands(Confirm(OURS))
    assert story.only_request("ACK").headers("Authorization") == again.headers("Authorization")


def test_a_call_cancelled_between_challenge_and_answer_is_cancelled() -> None:
    story, first = dials()
    story.replies(first, 401, headers=[asks()])
    again = story.only_request("INVITE")
    story.replies(again, 180)
    story.commands(HangUp())
    cancel = story.only_request("CANCEL")
    assert (cancel.cseq, cancel.branch) == (again.cseq, again.branch)
    story.replies(again, 487)
    assert story.is_clean()


def test_the_ladder_and_the_words_of_a_credential_hold_no_secret() -> None:
    story, first = dials()
    story.replies(first, 401, headers=[asks()])
    assert "s3cret" not in repr(US) and not any("Digest" in line for line in story.switch.ladder)
    assert [line.split(" sip:")[0] for line in story.switch.ladder] == [
        "out INVITE",
        "in 401 Whatever (INVITE)",
        "out INVITE",
    ]
    assert story.switch.signals == [] and LEG


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x", nonce="n", algorithm=MD4',
        "Digest",
    ],
)
def test_a_challenge_that_cannot_be_answered_is_none(value: str) -> None:
    assert challenge_of(value) is None


def test_a_challenge_as_old_as_rfc_2069_is_answered_without_count() -> None:
    client = DigestClient(US, lambda: "c")
    story, first = dials()
    story.replies(first, 401, headers=['WWW-Authenticate: Digest realm="old", nonce="n"'])
    (value,) = story.only_request("INVITE").headers("Authorization")
    assert "nc=" not in value and "qop" not in value and client.headers("INVITE", "sip:x") == []
