"""PUBLISH (RFC 3903) over a real engine."""

import pytest

from gateways._native import SipResponse
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.soft_state import SoftStateRules
from softswitch.kernel.watching import Permission, Published
from tests.support.ua_story import US
from tests.support.watching import Watching

PIDF = "application/pidf+xml"


def document(activity: str = "meeting", note: str = "Back at 3", basic: str = "open") -> str:
    return (
        '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf"'
        ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"'
        f' entity="sip:1001@192.0.2.1"><tuple id="t1"><status><basic>{basic}</basic></status></tuple>'
        f'<dm:person id="p1"><r:activities><r:{activity}/></r:activities><dm:note>{note}</dm:note></dm:person>'
        "</presence>"
    )


class Publishing(Watching):
    def __init__(self, rules: SoftStateRules | None = None) -> None:
        super().__init__(settings=UserAgentSettings(host=US.host, publications=rules or SoftStateRules()))
        self._calls = 0

    def publishes(
        self,
        body: str = "",
        *headers: str,
        account: str = "1001",
        event: str = "presence",
        kind: str = PIDF,
        expires: str | None = "600",
    ) -> SipResponse:
        self._calls += 1
        lines = [f"Event: {event}", *headers]
        if body:
            lines.append(f"Content-Type: {kind}")
        if expires is not None:
            lines.append(f"Expires: {expires}")
        self.asks("PUBLISH", f"sip:{account}@{US.host}", lines, body=body, call_id=f"p{self._calls}")
        (response,) = self.said()
        assert isinstance(response, SipResponse)
        return response

    @property
    def seen(self) -> tuple[Published, ...]:
        return self.accounts.publications.get("1001", ())


def test_what_a_device_publishes_is_seen_and_ends_with_its_time() -> None:
    story = Publishing()
    answer = story.publishes(document())
    assert (answer.status, answer.header("Expires")) == (200, "600")
    assert answer.header("SIP-ETag")
    assert story.seen == (Published(True, ("meeting",), "Back at 3"),)
    story.passes(601.0)
    assert not story.seen
    assert story.is_clean()


def test_a_publication_is_refreshed_changed_and_removed_by_its_entity_tag() -> None:
    story = Publishing()
    first = story.publishes(document()).header("SIP-ETag")
    second = story.publishes("", f"SIP-If-Match: {first}").header("SIP-ETag")
    assert second and second != first
    assert story.publishes("", f"SIP-If-Match: {first}").status == 412
    third = story.publishes(document("lunch", ""), f"SIP-If-Match: {second}").header("SIP-ETag")
    assert story.seen == (Published(True, ("lunch",), ""),)
    story.passes(500.0)
    assert story.publishes("", f"SIP-If-Match: {third}", expires="0").status == 200
    assert not story.seen
    assert story.is_clean()


@pytest.mark.parametrize(
    ("body", "more", "status", "says"),
    [
        ("", {}, 400, None),
        (document(), {"event": "dialog"}, 489, ("Allow-Events", "presence")),
        (document(), {"event": ""}, 489, ("Allow-Events", "presence")),
        (document(), {"kind": "text/plain"}, 415, ("Accept", PIDF)),
        (document(), {"expires": "59"}, 423, ("Min-Expires", "60")),
        (document(), {"expires": "soon"}, 400, None),
        (document(), {"account": "1002"}, 403, None),
        (document(), {"account": "1009"}, 404, None),
        ("<presence/>", {}, 400, None),
    ],
)
def test_what_cannot_be_published_is_refused_with_the_status_that_says_why(
    body: str, more: dict[str, str], status: int, says: tuple[str, str] | None
) -> None:
    story = Publishing()
    answer = story.publishes(body, **more)
    assert answer.status == status
    if says is not None:
        assert answer.header(says[0]) == says[1]
    assert story.accounts.publications == {}
    assert story.is_clean()


def test_one_device_more_than_may_be_replaces_the_one_silent_longest() -> None:
    story = Publishing(SoftStateRules(per_account=2))
    first = story.publishes(document("meal")).header("SIP-ETag")
    story.publishes(document("away"))
    first = story.publishes("", f"SIP-If-Match: {first}").header("SIP-ETag")
    story.publishes(document("busy"))
    assert [published.activities for published in story.seen] == [("busy",), ("meal",)]
    assert story.agent.gauges()["publications"] == 2
    story.agent.unwatch("1001", story.now)
    assert story.agent.gauges()["publications"] == 0
    assert story.is_clean()


def test_nobody_publishes_without_a_password() -> None:
    story = Publishing()
    story.accounts.permissions["1001"] = Permission.PARTIES
    story.hears(story.request("PUBLISH", uri="sip:1001@192.0.2.1", headers=["Event: presence"]))
    assert story.only_response(401).headers("WWW-Authenticate")
