"""Who may call."""

from gateways.sip.ua.digest import ha1_of
from softswitch.kernel.address import HostPort, Party
from tests.support.ua_story import Story, answer_to, sdp


def strict() -> Story:
    story = Story()
    story.accounts.strict = True
    for algorithm in ("MD5", "SHA-256"):
        story.accounts.secrets["1001", algorithm] = ha1_of("1001", "softswitch", "secret", algorithm)
    return story


def credentials(story: Story, password: str) -> str:
    story.hears(story.request("INVITE", body=sdp()))
    challenge = story.only_response(401)
    assert story.switch.incoming_calls == []
    given = answer_to(challenge, "INVITE", "sip:1002@192.0.2.1", password=password)
    return f"Authorization: {given}"


def test_a_stranger_is_challenged_and_may_call_once_it_has_proved_itself() -> None:
    story = strict()
    story.hears(story.request("INVITE", body=sdp(), cseq=2, headers=[credentials(story, "secret")]))
    (asked,) = story.switch.incoming_calls
    assert (asked.origin.kind, asked.origin.name) == ("account", "1001")
    assert asked.from_ == Party("1001")
    assert not any("nonce" in line or "Digest" in line for line in story.switch.ladder)


def test_a_wrong_password_is_challenged_again_and_gets_nowhere() -> None:
    story = strict()
    for cseq in (2, 3):
        story.hears(story.request("INVITE", body=sdp(), cseq=cseq, headers=[credentials(story, "guess")]))
        assert "stale" not in (story.only_response(401).header("WWW-Authenticate") or "")
    assert story.switch.incoming_calls == []


def test_a_known_source_needs_no_password() -> None:
    story = Story()
    story.calls()
    assert story.switch.incoming_calls[0].origin.kind == "trunk"


def test_malformed_credentials_are_a_400() -> None:
    story = strict()
    story.hears(story.request("INVITE", body=sdp(), headers=['Authorization: Digest realm="softswitch"']))
    story.only_response(400)


def test_who_has_proved_a_name_by_certificate_needs_no_password_and_who_proved_another_does() -> None:
    for number, names, admitted in ((7, ("carrier.example",), True), (8, ("stranger.example",), False)):
        story = strict()
        story.agent.open_transport(number, "tls", HostPort("192.0.2.1", 5061), names)
        story.hears(story.request("INVITE", body=sdp(), transport="TLS"), transport=number)
        assert [asked.origin.name for asked in story.switch.incoming_calls] == (["carrier"] if admitted else [])
