"""Our own registration at a carrier, told by a carrier who speaks text."""

import pytest

from gateways._native import SipRequest
from gateways.sip.ua.digest import ha1_of, response_of
from softswitch.calls.signals import Credentials, Target
from softswitch.calls.uplinks import Enrolled, Enrolment, Probed, Uplink
from softswitch.kernel.address import HostPort
from tests.support.ua_story import PEER, US, Story, sdp

TOKEN = "0123456789abcdef0123456789abcdef"
SECOND = HostPort("192.0.2.10", 5060)


def gateway(address: HostPort = PEER) -> Target:
    return Target(f"sip:{address}", "udp", address)


def uplink(*gateways: Target, expires: int = 3600, bulk: bool = False, **more: object) -> Uplink:
    given = {
        "name": "carrier",
        "gateways": gateways or (gateway(),),
        "credentials": Credentials("4930123", "s3cret"),
        "enrolment": Enrolment("carrier.example", "4930123", TOKEN, expires, bulk),
    } | more
    return Uplink(**given)  # type: ignore[arg-type]


class Enrolling(Story):
    """A story that also hears how uplinks fare."""

    def __init__(self, *uplinks: Uplink) -> None:
        super().__init__()
        self.news: list[Enrolled | Probed] = []
        self.agent.listen_to_uplinks(self)
        self.keeps(*uplinks)

    def keeps(self, *uplinks: Uplink) -> None:
        self.agent.keep(uplinks, self.now)
        self.settle()

    def enrolled(self, uplink: str, how: Enrolled) -> None:
        self.news.append(how)

    def probed(self, uplink: str, how: Probed) -> None:
        self.news.append(how)

    def asks(self, method: str) -> SipRequest:
        """The one request of this method among what was said, however often it was sent."""
        found = {m.branch: m for m in self.said() if isinstance(m, SipRequest) and m.method == method}
        (request,) = found.values()
        return request

    def registers(self) -> SipRequest:
        return self.asks("REGISTER")

    def accepts(self, request: SipRequest, expires: int = 3600) -> None:
        self.replies(request, 200, contact=f"{request.header('Contact')};expires={expires}")

    @property
    def wait(self) -> float:
        """Until the registration is tried next."""
        news = self.news[-1]
        assert isinstance(news, Enrolled)
        return news.seconds


def test_a_registration_is_kept_and_refreshed_before_it_runs_out() -> None:
    story = Enrolling(uplink())
    first = story.registers()
    assert (first.uri, first.to_uri) == ("sip:carrier.example", "sip:4930123@carrier.example")
    assert first.header("Contact") == f"<sip:{TOKEN}@{US}>"
    story.accepts(first, 600)
    assert story.news == [Enrolled(True, story.wait, 600, 200)]
    assert 480 <= story.wait <= 540
    story.passes(story.wait - 1)
    assert story.said() == []
    story.passes(1.1)
    again = story.registers()
    assert (again.call_id, again.cseq, again.from_tag) == (first.call_id, first.cseq + 1, first.from_tag)


def test_a_challenge_is_answered_and_the_answer_used_at_the_next_refresh() -> None:
    story = Enrolling(uplink())
    story.replies(
        story.registers(),
        401,
        headers=[
            'WWW-Authenticate: Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"',
            'WWW-Authenticate: Digest realm="carrier", nonce="n2", algorithm=SHA-256, qop="auth"',
        ],
    )
    again = story.registers()
    (value,) = again.headers("Authorization")
    ha1 = ha1_of("4930123", "carrier", "s3cret", "SHA-256")
    cnonce = value.partition('cnonce="')[2].partition('"')[0]
    response = response_of(ha1, "SHA-256", "REGISTER", again.uri, "n2", ("00000001", cnonce))
    assert f'response="{response}"' in value
    story.accepts(again, 100)
    story.passes(91)
    refresh = story.registers()
    assert "nc=00000002" in (refresh.header("Authorization") or "")
    story.replies(
        refresh, 401, headers=['WWW-Authenticate: Digest realm="carrier", nonce="n3", qop="auth", stale=true']
    )
    assert 'nonce="n3"' in (story.registers().header("Authorization") or "")


def test_a_wrong_password_is_told_and_not_tried_again_at_once() -> None:
    story = Enrolling(uplink())
    challenge = 'WWW-Authenticate: Digest realm="carrier", nonce="{}", qop="auth"'
    story.replies(story.registers(), 401, headers=[challenge.format("n1")])
    story.replies(story.registers(), 401, headers=[challenge.format("n2")], reason="Unauthorized")
    (news,) = story.news
    assert news == Enrolled(False, story.wait, 0, 401, "it refuses our name or password (401 Unauthorized)")
    assert 60 <= story.wait <= 120
    story.passes(59)
    assert story.said() == []


def test_a_longer_time_is_asked_for_when_ours_is_too_brief() -> None:
    story = Enrolling(uplink(expires=60))
    story.replies(story.registers(), 423, headers=["Min-Expires: 1800"])
    again = story.registers()
    assert again.header("Expires") == "1800"
    story.accepts(again, 1800)
    assert story.wait > 1400


def test_a_423_that_asks_for_no_more_than_we_gave_is_a_failure() -> None:
    story = Enrolling(uplink(expires=3600))
    story.replies(story.registers(), 423, headers=["Min-Expires: 60"])
    assert story.said() == [] and story.news[0] == Enrolled(False, story.wait, 0, 423, "it answers 423 Whatever")


def test_a_silent_carrier_is_tried_again_ever_more_seldom() -> None:
    story = Enrolling(uplink())
    waits = []
    for _ in range(8):
        story.passes(32.0)
        waits.append(story.wait)
        story.passes(story.wait + 0.1)
    for wait, most in zip(waits, (30, 60, 120, 240, 480, 960, 1800, 1800), strict=True):
        assert most / 2 <= wait <= most
    assert {news.reason for news in story.news if isinstance(news, Enrolled)} == {"it does not answer"}
    story.accepts([m for m in story.said() if isinstance(m, SipRequest)][-1])
    assert story.news[-1] == Enrolled(True, story.wait, 3600, 200)


def test_retry_after_is_obeyed() -> None:
    story = Enrolling(uplink())
    story.replies(story.registers(), 503, headers=["Retry-After: 900 (maintenance)"])
    assert story.wait == 900


def test_the_next_gateway_is_asked_when_one_fails() -> None:
    story = Enrolling(uplink(gateway(), gateway(SECOND)))
    story.replies(story.registers(), 503)
    assert story.wait == 0
    story.passes(0.1)
    story.registers()
    assert story.wire[-1][1] == ("192.0.2.10", 5060)


def test_an_uplink_that_is_given_up_is_unregistered_and_then_silent() -> None:
    story = Enrolling(uplink())
    story.accepts(story.registers())
    story.keeps()
    last = story.registers()
    assert last.header("Expires") == "0"
    story.replies(last, 200)
    assert story.is_clean() and len(story.news) == 1


def test_an_uplink_that_stays_as_it_was_goes_on_as_it_was() -> None:
    story = Enrolling(uplink())
    story.accepts(story.registers())
    story.keeps(uplink())
    assert story.said() == []
    story.keeps(uplink(expires=120))
    assert [m.header("Expires") for m in story.said() if isinstance(m, SipRequest)] == ["0", "120"]


def test_registering_in_bulk_follows_rfc_6140() -> None:
    story = Enrolling(uplink(bulk=True))
    request = story.registers()
    assert request.header("Contact") == f"<sip:{US};line={TOKEN};bnc>"
    assert (request.headers("Require"), request.headers("Proxy-Require")) == (["gin"], ["gin"])
    story.accepts(request, 100)
    assert 80 <= story.wait <= 90


def test_zero_seconds_are_no_registration() -> None:
    story = Enrolling(uplink())
    story.accepts(story.registers(), 0)
    assert [(n.ok, n.reason) for n in story.news if isinstance(n, Enrolled)] == [
        (False, "it keeps the registration for 0 seconds")
    ]


def test_a_gateways_name_that_cannot_be_found_is_a_failure_like_another() -> None:
    story = Enrolling(uplink(Target("sip:carrier.example")))
    assert story.said() == []
    ((sought, found),) = story.lookups
    assert sought.host == "carrier.example"
    found(())
    assert [n.reason for n in story.news if isinstance(n, Enrolled)] == ["its address cannot be found"]


# Questions whether a gateway lives -------------------------------------------------------------------------


def probing(*gateways: Target) -> Uplink:
    return uplink(*gateways, enrolment=None, probe_seconds=30.0, probe_within=4.0)


def test_a_gateway_is_asked_again_and_again() -> None:
    story = Enrolling(probing())
    first = story.only_request("OPTIONS")
    assert first.uri == f"sip:{PEER}"
    story.now += 0.025
    story.replies(first, 200)
    (news,) = story.news
    assert isinstance(news, Probed) and news.alive and news.ms == pytest.approx(25)
    story.passes(34)
    assert story.asks("OPTIONS").cseq == first.cseq + 1


@pytest.mark.parametrize(("status", "alive"), [(404, True), (405, True), (500, True), (503, False), (408, False)])
def test_what_an_answer_says_of_a_gateway(status: int, alive: bool) -> None:
    story = Enrolling(probing())
    story.replies(story.only_request("OPTIONS"), status)
    assert [n.alive for n in story.news if isinstance(n, Probed)] == [alive]


def test_silence_is_told_once_and_a_late_answer_not_at_all() -> None:
    story = Enrolling(probing())
    request = story.only_request("OPTIONS")
    story.passes(5)
    assert story.news == [Probed(0, False, "no answer to OPTIONS within 4 s")]
    story.replies(request, 200)
    assert len(story.news) == 1


def test_each_gateway_has_its_own_questions_and_they_end_with_the_uplink() -> None:
    story = Enrolling(probing(gateway(), gateway(SECOND)))
    asked = [m for m in story.said() if isinstance(m, SipRequest)]
    assert [m.uri for m in asked] == [f"sip:{PEER}", f"sip:{SECOND}"]
    for request in asked:
        story.replies(request, 200)
    story.keeps()
    assert story.is_clean() and story.said() == []


def test_calls_go_on_beside_it() -> None:
    story = Enrolling(uplink())
    story.accepts(story.registers())
    story.calls(sdp())
    assert len(story.switch.incoming_calls) == 1
