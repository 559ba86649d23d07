"""SUBSCRIBE and NOTIFY as the notifier (RFC 6665), over a real engine."""

import pytest

from gateways._native import SipRequest
from gateways.sip.ua.soft_state import SoftStateRules
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding
from softswitch.kernel.ids import LegId
from softswitch.kernel.watching import Mailbox, Permission, Subject, WatchedCall
from tests.support.watching import Watching, notice

RINGS = WatchedCall(LegId("c.2"), "early", False, Party("1001", "Ann"))
TALKS = WatchedCall(LegId("c.2"), "confirmed", False, Party("1001", "Ann"))


def news(story: Watching, *calls: WatchedCall, account: str = "1002") -> None:
    """An account's calls have become these."""
    story.accounts.live = list(calls)
    story.agent.changed(Subject.CALLS, account, story.now)
    story.passes(0.01)


def test_a_watcher_hears_the_state_at_once_and_each_change() -> None:
    story = Watching()
    answer = story.subscribes()
    assert (answer.status, answer.header("Expires")) == (200, "600")
    assert answer.to_tag and answer.header("Contact") == "<sip:192.0.2.1:5060>"
    first = story.only_request("NOTIFY")
    assert (first.uri, first.to_tag, first.from_tag) == ("sip:1001@192.0.2.9:5060", "p1", answer.to_tag)
    assert first.header("Contact") == "<sip:192.0.2.1:5060>"
    said = story.answered(first)
    assert (said.state, said.event, said.kind) == ("active", "dialog", "application/dialog-info+xml")
    assert first.header("Subscription-State") == "active;expires=600"
    assert 'version="0" state="full"' in said.body and "<dialog " not in said.body
    news(story, RINGS)
    assert 'version="1" state="partial"' in (told := story.told_by().body) and "<state>early</state>" in told
    news(story, TALKS)
    assert 'version="2" state="partial"' in (told := story.told_by().body) and "<state>confirmed</state>" in told
    news(story)
    assert 'version="3" state="partial"' in (told := story.told_by().body) and "<state>terminated</state>" in told
    story.agent.unwatch("1002", story.now)
    story.settle()
    assert story.told_by()[:2] == ("terminated", "noresource")
    assert story.is_clean()


def test_a_subscription_needs_a_password_like_a_call() -> None:
    story = Watching()
    story.hears(story.request("SUBSCRIBE", uri="sip:1002@192.0.2.1", headers=["Event: dialog"]))
    assert story.only_response(401).headers("WWW-Authenticate")
    assert story.accounts.watched == []
    assert story.is_clean()


@pytest.mark.parametrize(
    ("event", "account", "headers", "status", "says"),
    [
        ("winfo", "1002", (), 489, ("Allow-Events", "dialog, presence")),
        ("", "1002", (), 489, ("Allow-Events", "dialog, presence")),
        ("dialog", "1002", ("Accept: application/pidf+xml",), 406, ("Accept", "application/dialog-info+xml")),
        ("dialog", "1009", (), 404, None),
        ("dialog", "1003", (), 403, None),
    ],
)
def test_what_cannot_be_watched_is_refused_with_the_status_that_says_why(
    event: str, account: str, headers: tuple[str, ...], status: int, says: tuple[str, str] | None
) -> None:
    story = Watching()
    story.accounts.permissions["1003"] = Permission.NOTHING
    answer = story.subscribes(event, account, headers=headers)
    assert answer.status == status
    if says is not None:
        assert (answer.header(says[0]) or "").startswith(says[1].partition(",")[0])
        assert says[1].partition(", ")[2] in ", ".join(answer.headers(says[0]))
    assert story.lines() == []
    assert story.is_clean()


def test_too_brief_is_423_and_too_long_is_shortened() -> None:
    story = Watching(SoftStateRules(min_expires=60, max_expires=900, default_expires=300))
    answer = story.subscribes(expires=59)
    assert (answer.status, answer.header("Min-Expires")) == (423, "60")
    assert story.subscribes(expires=100_000, call_id="s2").header("Expires") == "900"
    assert story.subscribes(expires=None, call_id="s3").header("Expires") == "300"
    answer = story.subscribes(expires=None, headers=["Expires: soon"], call_id="s4")
    assert answer.status == 400


def test_a_refresh_tells_everything_again_and_lives_on() -> None:
    story = Watching()
    answer = story.subscribes()
    story.told_by()
    news(story, RINGS)
    story.told_by()
    story.passes(500.0)
    story.refreshes(answer, 3, "Expires: 600")
    assert [line for line in story.lines() if line != "NOTIFY"] == ["200 SUBSCRIBE"]
    story.passes(0.5)  # the NOTIFY again, since it was not answered
    told = story.told_by()
    assert told.state == "active" and 'version="2" state="full"' in told.body and "early" in told.body
    story.passes(550.0)
    assert story.lines() == []
    story.passes(49.6)
    assert story.told_by()[:2] == ("terminated", "timeout")
    assert story.is_clean()


def test_an_unsubscription_is_told_a_last_time() -> None:
    story = Watching()
    answer = story.subscribes()
    story.told_by()
    story.refreshes(answer, 3, "Expires: 0")
    said = story.said()
    assert [m.method if isinstance(m, SipRequest) else m.status for m in said] == [200, "NOTIFY"]
    assert isinstance(said[1], SipRequest)
    assert story.answered(said[1])[:2] == ("terminated", "timeout")
    assert story.accounts.watched == []
    story.refreshes(answer, 4, "Expires: 600")
    story.only_response(481)
    assert story.is_clean()


def test_a_fetch_is_told_once() -> None:
    story = Watching()
    story.accounts.live = [RINGS]
    assert story.subscribes(expires=0).header("Expires") == "0"
    told = story.told_by()
    assert told[:2] == ("terminated", "timeout") and "early" in told.body
    assert story.is_clean()


def test_who_does_not_refresh_is_told_that_it_is_over() -> None:
    story = Watching()
    story.subscribes(expires=60)
    story.told_by()
    story.passes(60.0)
    assert story.told_by()[:2] == ("terminated", "timeout")
    assert story.is_clean()


def test_one_notify_is_outstanding_and_the_newest_state_follows() -> None:
    story = Watching()
    story.subscribes()
    story.told_by()
    news(story, RINGS)
    first = story.only_request("NOTIFY")
    news(story, TALKS)
    news(story)
    news(story, WatchedCall(LegId("d.2"), "early", False, Party("1003")))
    assert story.lines() == []
    story.answered(first)
    story.passes(0.01)
    told = story.told_by().body
    assert told.count("<dialog ") == 2
    assert told.index("<state>early</state>") < told.index("<state>terminated</state>")
    assert "confirmed" not in told


@pytest.mark.parametrize("status", [481, 404, 489, 603])
def test_a_watcher_who_refuses_is_forgotten(status: int) -> None:
    story = Watching()
    story.subscribes()
    story.answered(story.only_request("NOTIFY"), status)
    assert story.agent.gauges()["subscriptions"] == 0
    news(story, RINGS)
    assert story.lines() == []
    assert story.is_clean()


def test_a_watcher_who_does_not_answer_is_forgotten() -> None:
    story = Watching()
    story.subscribes()
    story.passes(33.0)
    assert story.agent.gauges()["subscriptions"] == 0
    assert story.is_clean()


def test_a_watcher_who_asks_for_time_gets_it_and_then_everything() -> None:
    story = Watching()
    story.subscribes()
    story.answered(story.only_request("NOTIFY"), 503, ["Retry-After: 20"])
    news(story, RINGS)
    story.passes(19.0)
    assert story.lines() == []
    story.passes(1.0)
    told = story.told_by()
    assert 'state="full"' in told.body and "early" in told.body


def test_a_watcher_who_always_asks_for_time_is_forgotten() -> None:
    story = Watching()
    story.subscribes(expires=7200)
    for _ in range(6):
        story.answered(story.only_request("NOTIFY"), 500)
        story.passes(5.01)
    assert story.agent.gauges()["subscriptions"] == 0
    assert story.is_clean()


def test_an_account_and_the_switch_hold_a_bounded_number() -> None:
    story = Watching(SoftStateRules(per_account=2))
    for number in (1, 2):
        assert story.subscribes(call_id=f"s{number}").status == 200
        story.told_by()
    assert story.subscribes(call_id="s3").status == 403
    story = Watching(SoftStateRules(most=1))
    assert story.subscribes().status == 200
    story.told_by()
    answer = story.subscribes(call_id="s2")
    assert answer.status == 503 and answer.header("Retry-After")


def test_the_id_of_an_event_comes_back() -> None:
    story = Watching()
    assert story.subscribes("dialog;id=42").status == 200
    assert story.told_by().event == "dialog;id=42"


def test_another_package_in_the_same_dialog_is_refused() -> None:
    story = Watching()
    answer = story.subscribes()
    story.told_by()
    story.refreshes(answer, 3, "Expires: 600", event="presence")
    story.only_response(481)
    assert story.agent.gauges()["subscriptions"] == 1


def test_a_lost_connection_is_replaced_by_the_one_the_phone_registers_on() -> None:
    story = Watching()
    story.link, contact = story.connect(2), "<sip:1001@10.0.0.7:5060;transport=tcp>"
    story.subscribes(transport="TCP", contact=contact)
    story.told_by()
    story.agent.close_transport(2, story.now)
    news(story, RINGS)
    assert story.lines() == []
    story.link = story.connect(3)
    news(story, TALKS)
    assert story.lines() == []
    story.accounts.bound["1001"] = (
        Binding("1001", "sip:1001@10.0.0.7:5060;transport=tcp", 2**50, "r", 1, HostPort("192.0.2.9", 5060), "tcp", 3),
    )
    story.agent.reachable("1001", story.now)
    story.passes(0.01)
    assert story.wire[-1][0] == 3
    told = story.told_by().body
    assert 'state="full"' in told and "confirmed" in told


def test_a_thousand_watchers_are_told_in_batches_with_calls_between_them() -> None:
    story = Watching(SoftStateRules(per_account=2000))
    for number in range(1000):
        story.subscribes(call_id=f"s{number}")
        story.told_by()
    story.accounts.live = [RINGS]
    story.agent.changed(Subject.CALLS, "1002", story.now)
    story.settle()
    turns: list[int] = []
    while sum(turns) < 1000:
        deadline = story.agent.deadline()
        assert deadline is not None and deadline <= story.now + 0.01
        story.now = deadline
        story.agent.timeout(deadline)
        story.settle()
        turns.append(len(story.said()))
    assert max(turns) <= 20


def test_mailbox_counts_are_told_to_their_own_account() -> None:
    story = Watching()
    story.accounts.box = Mailbox(new=2, old=8, urgent_new=1)
    assert story.subscribes("message-summary", "1001").status == 200
    said = story.told_by()
    assert said.kind == "application/simple-message-summary"
    assert said.body == ("Messages-Waiting: yes\r\nMessage-Account: sip:1001@192.0.2.1\r\nVoice-Message: 2/8 (1/0)\r\n")


def test_registrations_are_told_with_those_that_ended() -> None:
    story = Watching()
    binding = Binding("1001", "sip:1001@192.0.2.9", int(story.now * 1000) + 60_000, "r", 1, HostPort("192.0.2.9", 5060))
    story.accounts.bound["1001"] = (binding,)
    assert story.subscribes("reg", "1001").status == 200
    said = story.told_by()
    assert said.kind == "application/reginfo+xml"
    assert 'version="0"' in said.body and 'state="active" event="registered" expires="60"' in said.body
    story.accounts.bound["1001"] = ()
    story.agent.changed(Subject.REGISTRATIONS, "1001", story.now)
    story.passes(0.01)
    said = story.told_by()
    assert 'version="1"' in said.body and 'id="r1001" state="terminated"' in said.body
    assert 'state="terminated" event="unregistered"' in said.body


def test_a_stopping_switch_lets_its_watchers_come_back_later() -> None:
    story = Watching()
    story.subscribes()
    story.told_by()
    story.agent.dismiss_watchers(story.now)
    story.settle()
    last = story.only_request("NOTIFY")
    assert last.header("Subscription-State") == "terminated;reason=probation;retry-after=5"
    assert notice(last).state == "terminated"
