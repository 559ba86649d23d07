"""Who may call."""

import pytest

from gateways.sip.ua import digest
from gateways.sip.ua.digest import ha1_of
from softswitch.calls.signals import Origin
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.offence import Offence
from tests.support.ua_story import Story, answer_to, sdp


class Watching:
    """A Sentry that writes down."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []

    def offended(self, host: str, offence: Offence, detail: str) -> None:
        self.seen.append((offence.value, host, detail))

    def challenged(self, host: str, name: str) -> None:
        self.seen.append(("challenged", host, name))

    def proved(self, host: str, name: str) -> None:
        self.seen.append(("proved", host, name))


def strict(sentry: Watching | None = None) -> Story:
    story = Story(sentry=sentry)
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


def test_an_account_that_may_not_come_this_way_is_refused_once_it_has_proved_itself_and_not_before() -> None:
    story = strict()
    story.accounts.barred.add(("1001", "udp"))
    story.hears(story.request("INVITE", body=sdp(), cseq=2, headers=[credentials(story, "guess")]))
    story.only_response(401)
    story.hears(story.request("INVITE", body=sdp(), cseq=4, headers=[credentials(story, "secret")]))
    story.only_response(403)
    assert story.switch.incoming_calls == []


def test_only_wrong_credentials_are_an_offence() -> None:
    watching = Watching()
    story = strict(watching)
    story.hears(story.request("INVITE", body=sdp(), cseq=2, headers=[credentials(story, "guess")]))
    story.said()
    story.hears(story.request("INVITE", body=sdp(), cseq=4, headers=[credentials(story, "secret")]))
    assert watching.seen == [
        ("challenged", "192.0.2.9", "1001"),
        ("password", "192.0.2.9", "1001"),
        ("challenged", "192.0.2.9", "1001"),
        ("proved", "192.0.2.9", "1001"),
    ]


def test_credentials_for_a_nonce_that_is_not_ours_are_no_offence_for_they_may_be_forged() -> None:
    watching = Watching()
    story = strict(watching)
    made_up = 'Authorization: Digest username="1001", realm="softswitch", nonce="0", uri="sip:x", response="0"'
    story.hears(story.request("INVITE", uri="sip:x", body=sdp(), headers=[made_up]))
    assert "stale=true" in (story.only_response(401).header("WWW-Authenticate") or "")
    assert watching.seen == []


def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[list[str]] = []
    real = digest.response_of

    def counted(ha1: str, algorithm: str, *more: object) -> str:
        work[-1].append(algorithm)
        return real(ha1, algorithm, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(digest, "response_of", counted)
    answers = []
    for known in (True, False):
        story = strict()
        if not known:
            story.accounts.secrets.clear()
        proof = credentials(story, "guess")
        work.append([])
        story.hears(story.request("INVITE", body=sdp(), cseq=2, headers=[proof]))
        response = story.only_response(401)
        answers.append((response.reason, len(response.raw)))
    assert work[0] == work[1]
    assert answers[0] == answers[1]


def test_the_far_end_of_a_trunk_may_call_and_not_register() -> None:
    story = strict()
    story.accounts.origin = lambda username: Origin("trunk", "branch", "default")  # type: ignore[method-assign]
    story.hears(story.request("INVITE", body=sdp(), headers=[credentials(story, "secret")], cseq=2))
    assert [call.origin.name for call in story.switch.incoming_calls] == ["branch"]
    story.said()
    common = {"uri": "sip:192.0.2.1", "to": "<sip:1001@192.0.2.1>", "call_id": "r"}
    story.hears(story.request("REGISTER", **common))  # type: ignore[arg-type]
    proof = f"Authorization: {answer_to(story.only_response(401), 'REGISTER', 'sip:192.0.2.1')}"
    story.hears(story.request("REGISTER", headers=[proof], cseq=2, **common))  # type: ignore[arg-type]
    story.only_response(403)
    assert story.accounts.bound == {}
