"""Where facts go, and what waits for the broker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.mqtt.topics import Place, Topics, level, pattern
from gateways.mqtt.waiting import Gap, Letter, Waiting
from softswitch import events
from softswitch.events import (
    AccountRegistered,
    AgentReserved,
    AgentStateChanged,
    CallAnswered,
    CallbackEnded,
    CallerQueued,
    RecordingFinished,
    SwitchStarted,
    TrunkGatewayDown,
    TrunkGatewayUp,
)
from softswitch.kernel.ids import CallId, LegId

ANSWERED = CallAnswered(at=1, call=CallId("x-1"))
READY = AgentStateChanged(at=2, agent="anna", state="available", before="not_ready", before_ms=9)
QUEUED = CallerQueued(
    at=3,
    call=CallId("x-1"),
    queue="sales",
    stay=1,
    number="1001",
    priority=0,
    head_start_ms=0,
    ahead=0,
    expected_ms=None,
)
RESERVED = AgentReserved(at=4, queue="sales", stay=1, of_call="x-1", agent="anna", attempt=1, steps=())
BOUND = AccountRegistered(at=5, aor="1001", contact="sip:a", source="", user_agent="", expires_at=1)


def topic(fact: events.Fact) -> str:
    place = Topics(["#"]).place(fact)
    assert place is not None
    return place.topic


def test_a_fact_goes_to_what_it_is_about() -> None:
    assert topic(ANSWERED) == "calls/x-1/CallAnswered"
    assert topic(QUEUED) == "queues/sales/CallerQueued"
    assert topic(RESERVED) == "agents/anna/AgentReserved"
    assert topic(BOUND) == "accounts/1001/AccountRegistered"
    assert topic(SwitchStarted(at=1, version="1")) == "switch/SwitchStarted"
    assert topic(CallbackEnded(at=1, queue="sales", stay=1, outcome="failed", attempts=1, agent="anna")) == (
        "queues/sales/CallbackEnded"
    )
    finished = RecordingFinished(
        at=1, recording="r", of_call=CallId("x-1"), leg=LegId("x-1.1"), milliseconds=1, size=1, lost_ms=0
    )
    assert topic(finished) == "calls/x-1/RecordingFinished"


def test_what_lasts_is_kept_by_the_broker_and_what_happens_is_not() -> None:
    topics = Topics(["#"])
    assert topics.place(READY) == Place("agents/anna/state", True)
    assert topics.place(RESERVED) == Place("agents/anna/AgentReserved", False)
    for fact in (
        TrunkGatewayUp(at=1, trunk="uas", gateway="a"),
        TrunkGatewayDown(at=1, trunk="uas", gateway="a", reason=""),
    ):
        assert topics.place(fact) == Place("trunks/uas/gateways/a", True)


@pytest.mark.parametrize("kind", events.AnyFact.__args__, ids=lambda kind: kind.__name__)
def test_every_fact_has_a_topic_of_fields_that_it_has(kind: type[events.Fact]) -> None:
    form = pattern(kind).text
    written = form.format(**dict.fromkeys(kind.__struct_fields__, "NAME"))
    assert not set("+#{}") & set(written)
    assert ("queue" in kind.__struct_fields__) <= (form.split("/")[0] in ("queues", "agents", "alarms", "campaigns"))
    assert issubclass(kind, events.CallFact) <= (form.split("/")[0] in ("calls", "queues", "rooms", "campaigns"))


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (["#"], [ANSWERED, READY, QUEUED, RESERVED, BOUND]),
        (["queues/#"], [QUEUED]),
        (["queues/sales/+", "agents/+/state"], [READY, QUEUED]),
        (["agents/anna/#"], [READY, RESERVED]),
        (["agents/ann/#", "calls/+", "calls", "+/CallAnswered"], []),
        (["+/+/CallAnswered"], [ANSWERED]),
        (["calls/x-1/CallAnswered/#"], [ANSWERED]),
    ],
)
def test_a_fact_is_told_when_a_filter_wants_it(filters: list[str], wanted: list[events.Fact]) -> None:
    topics = Topics(filters)
    assert [fact for fact in (ANSWERED, READY, QUEUED, RESERVED, BOUND) if topics.place(fact)] == wanted


@given(st.text())
def test_no_name_can_be_more_than_one_level(name: str) -> None:
    written = level(name)
    assert written and not set("+#/\0") & set(written)


def test_names_stay_apart() -> None:
    assert level("+4930/1#") == "%2B4930%2F1%23"
    assert level("%2B") == "%252B"
    assert level("") == "-"
    assert topic(BOUND.__class__(at=1, aor="+49 30", contact="", source="", user_agent="", expires_at=1)) == (
        "accounts/%2B49 30/AccountRegistered"
    )


def letters(*numbers: int, kept: str = "") -> list[Letter]:
    return [Letter(number, kept or f"t{number}", b"%d" % number, bool(kept)) for number in numbers]


def test_the_oldest_are_dropped_and_it_is_told_once_there_is_room() -> None:
    waiting = Waiting(4, 1000, 10)
    for letter in letters(1, 2, 3, 4, 5, 6):
        waiting.add(letter)
    assert (len(waiting), waiting.dropped, waiting.has_gap, waiting.gap()) == (4, 2, True, None)
    assert waiting.first(2) == letters(3, 4)
    assert waiting.gap() == Gap(2, 1, 2)
    assert (waiting.gap(), waiting.has_gap) == (None, False)


def test_what_is_put_back_comes_first_again_and_bytes_are_bounded_too() -> None:
    waiting = Waiting(10, 3, 10)
    for letter in letters(1, 2, 3):
        waiting.add(letter)
    taken = waiting.first(2)
    waiting.put_back(taken)
    assert waiting.first(9) == letters(1, 2, 3)
    waiting.add(Letter(4, "t", b"four", False))
    assert (len(waiting), waiting.dropped) == (0, 1)


def test_what_the_broker_refuses_is_counted_and_not_told_again() -> None:
    waiting = Waiting(10, 1000, 10)
    (state,) = letters(1, kept="agents/anna/state")
    waiting.add(state)
    waiting.refused(*waiting.first(1))
    waiting.tell_again()
    assert (len(waiting), waiting.dropped) == (0, 1)


def test_no_more_topics_are_remembered_than_may_be() -> None:
    waiting = Waiting(100, 1000, 2)
    for name in "abca":
        waiting.add(Letter(1, name, name.encode(), True))
    waiting.first(100)
    waiting.tell_again()
    assert [letter.topic for letter in waiting.first(100)] == ["c", "a"]


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["take", "fail", "again"])), max_size=80))
def test_whatever_is_dropped_the_last_of_each_topic_is_what_lasts(steps: list[int | str]) -> None:
    """A broker that takes some, and fails some, and forgets: in the end it keeps what was said last."""
    waiting, kept, last, said = Waiting(3, 1000, 10), dict[str, bytes](), dict[str, bytes](), 0
    for step in steps:
        match step:
            case "take":
                kept.update((letter.topic, letter.payload) for letter in waiting.first(2))
            case "fail":
                waiting.put_back(waiting.first(2))
            case "again":
                kept.clear()
                waiting.tell_again()
            case _:
                said += 1
                last[f"topic {step}"] = b"%d" % said
                waiting.add(Letter(said, f"topic {step}", b"%d" % said, True))
        assert len(waiting) <= 3 + 10
    while taken := waiting.first(2):
        kept.update((letter.topic, letter.payload) for letter in taken)
    assert kept == last
