from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallFact,
    CallRouted,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRang,
    LegsBridged,
    MediaFigures,
)
from softswitch.features.cdr.model import Cdr, CdrLeg, record, unfinished_end
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from tests.support.call_facts import CALL, A, B, C, T, dialed, offered


def routed(at: int) -> CallRouted:
    return CallRouted(
        at=at, call=CALL, destination=Destination("account", "1002"), by="dialplan:default", plan_version=3
    )


def leg_ended(at: int, leg: LegId, cause: Cause, status: int | None = None, by_party: bool = False) -> LegEnded:
    return LegEnded(
        at=at, call=CALL, leg=leg, cause=cause, by_party=by_party, status=status, figures=MediaFigures(received=3)
    )


def ended(at: int, cause: Cause, gave_up: bool = False) -> CallEnded:
    return CallEnded(at=at, call=CALL, cause=cause, caller_gave_up=gave_up)


def cdr_of(*facts: CallFact) -> Cdr:
    cdr = record(facts)
    assert cdr is not None
    return cdr


def test_an_answered_call_is_exact_to_the_millisecond_and_tells_of_each_leg() -> None:
    cdr = cdr_of(
        offered(),
        routed(T + 1),
        dialed(B, T + 2),
        dialed(C, T + 2),
        LegRang(at=T + 50, call=CALL, leg=B),
        LegRang(at=T + 60, call=CALL, leg=B),
        LegAnswered(at=T + 900, call=CALL, leg=B),
        CallAnswered(at=T + 901, call=CALL),
        leg_ended(T + 905, C, Cause.ANSWERED_ELSEWHERE, 487),
        LegsBridged(at=T + 906, call=CALL, a=A, b=B),
        leg_ended(T + 5000, B, Cause.NORMAL_CLEARING, by_party=True),
        leg_ended(T + 5003, A, Cause.NORMAL_CLEARING),
        ended(T + 5003, Cause.NORMAL_CLEARING),
    )
    assert (cdr.started_at, cdr.answered_at, cdr.ended_at) == (
        T,
        T + 901,
        T + 5003,
    )
    assert (cdr.duration_ms, cdr.billable_ms, cdr.disposition) == (5003, 4102, "answered")
    assert (str(cdr.origin), str(cdr.destination), cdr.plan_version) == ("account/1001", "account/1002", 3)
    assert [(leg.leg, leg.role, leg.talk_ms, leg.cause, leg.status) for leg in cdr.legs] == [
        (A, "caller", 4102, Cause.NORMAL_CLEARING, None),
        (B, "called", 4100, Cause.NORMAL_CLEARING, None),
        (C, "called", 0, Cause.ANSWERED_ELSEWHERE, 487),
    ]
    assert cdr.legs[1] == CdrLeg(
        leg=B,
        role="called",
        destination=Destination("account", "1002"),
        number="1002",
        target="sip:1002@127.0.0.1:5080",
        started_at=T + 2,
        ringing_at=T + 50,
        answered_at=T + 900,
        ended_at=T + 5000,
        talk_ms=4100,
        cause=Cause.NORMAL_CLEARING,
        status=None,
        by_party=True,
        media=MediaFigures(received=3),
    )


@pytest.mark.parametrize(
    ("cause", "gave_up", "disposition"),
    [
        (Cause.USER_BUSY, False, "busy"),
        (Cause.NO_ANSWER, False, "no_answer"),
        (Cause.NO_USER_RESPONDING, False, "no_answer"),
        (Cause.NORMAL_CLEARING, True, "cancelled"),
        (Cause.USER_BUSY, True, "cancelled"),
        (Cause.UNALLOCATED_NUMBER, False, "failed"),
        (Cause.SUBSCRIBER_ABSENT, False, "failed"),
        (Cause.TEMPORARY_FAILURE, False, "failed"),
    ],
)
def test_a_call_without_an_answer_comes_under_what_ended_it(cause: Cause, gave_up: bool, disposition: str) -> None:
    cdr = cdr_of(offered(), dialed(B, T + 1), leg_ended(T + 2, B, cause), ended(T + 7, cause, gave_up))
    assert (cdr.disposition, cdr.billable_ms, cdr.answered_at, cdr.duration_ms) == (disposition, 0, None, 7)


def test_a_call_the_switch_was_killed_in_ends_when_the_switch_was_last_known_to_live() -> None:
    facts = [offered(), dialed(B, T + 2), LegAnswered(at=T + 5, call=CALL, leg=B), CallAnswered(at=T + 6, call=CALL)]
    end = unfinished_end(facts, T + 90)
    assert end == CallEnded(at=T + 90, call=CALL, cause=Cause.TEMPORARY_FAILURE, note="switch stopped")
    cdr = cdr_of(*facts, end)
    assert (cdr.disposition, cdr.note, cdr.ended_at, cdr.cause) == (
        "answered",
        "switch stopped",
        T + 90,
        Cause.TEMPORARY_FAILURE,
    )
    assert {leg.ended_at for leg in cdr.legs} == {T + 90}
    assert cdr_of(offered(), ended(T, Cause.TEMPORARY_FAILURE)).disposition == "failed"
    assert unfinished_end([*facts, end], T) is None
    assert unfinished_end(facts[1:], T) is None
    early = unfinished_end(facts, 0)
    assert early is not None
    assert early.at == T + 6


def test_a_call_whose_caller_had_gone_when_the_switch_was_killed_ended_with_the_caller() -> None:
    facts = [offered(), dialed(B, T + 2), LegAnswered(at=T + 5, call=CALL, leg=B), CallAnswered(at=T + 6, call=CALL)]
    gone = leg_ended(T + 50, A, Cause.NORMAL_CLEARING, by_party=True)
    end = CallEnded(at=T + 50, call=CALL, cause=Cause.NORMAL_CLEARING)
    assert unfinished_end([*facts, gone], T + 90) == end
    assert unfinished_end([*facts, gone, leg_ended(T + 51, B, Cause.NORMAL_CLEARING)], T + 90) == end

    refused = [offered(), dialed(B, T + 1), leg_ended(T + 2, B, Cause.USER_BUSY), leg_ended(T + 2, A, Cause.USER_BUSY)]
    end_of_refused = unfinished_end(refused, T + 90)
    assert end_of_refused is not None
    assert cdr_of(*refused, end_of_refused).disposition == "busy"

    gave_up = [offered(), dialed(B, T + 1), leg_ended(T + 2, A, Cause.NORMAL_CLEARING, by_party=True)]
    end_of_given_up = unfinished_end(gave_up, T + 90)
    assert end_of_given_up is not None
    assert cdr_of(*gave_up, end_of_given_up).disposition == "cancelled"


def test_a_call_whose_called_party_had_gone_when_the_switch_was_killed_ended_with_it() -> None:
    facts = [offered(), dialed(B, T + 2), LegAnswered(at=T + 5, call=CALL, leg=B), CallAnswered(at=T + 6, call=CALL)]
    gone = leg_ended(T + 50, B, Cause.NORMAL_CLEARING, by_party=True)
    assert unfinished_end([*facts, gone], T + 90) == CallEnded(at=T + 50, call=CALL, cause=Cause.NORMAL_CLEARING)
    # The caller was sent on to somebody else.
    cut_off = unfinished_end([*facts, gone, dialed(C, T + 60)], T + 90)
    assert cut_off is not None
    assert (cut_off.at, cut_off.note) == (T + 90, "switch stopped")


def test_in_a_call_of_our_own_the_phone_that_answered_first_is_the_callers() -> None:
    up = [LegAnswered(at=T + 5, call=CALL, leg=B), leg_ended(T + 5, A, Cause.ANSWERED_ELSEWHERE)]
    facts = [offered(), dialed(A, T + 1), dialed(B, T + 1), *up, dialed(C, T + 6)]
    facts += [LegAnswered(at=T + 9, call=CALL, leg=C), CallAnswered(at=T + 9, call=CALL)]
    gone = leg_ended(T + 20, B, Cause.NORMAL_CLEARING, by_party=True)
    cdr = cdr_of(*facts, gone, leg_ended(T + 20, C, Cause.NORMAL_CLEARING), ended(T + 20, Cause.NORMAL_CLEARING))
    assert [(leg.leg, leg.role) for leg in cdr.legs] == [(A, "called"), (B, "caller"), (C, "called")]
    # The first phone's end was no end of the call, and the caller's is.
    assert unfinished_end(facts, T + 30) == CallEnded(
        at=T + 30, call=CALL, cause=Cause.TEMPORARY_FAILURE, note="switch stopped"
    )
    assert unfinished_end([*facts, gone], T + 30) == CallEnded(at=T + 20, call=CALL, cause=Cause.NORMAL_CLEARING)
    assert [leg.role for leg in cdr_of(offered(), dialed(A, T), dialed(B, T), ended(T, Cause.NO_ANSWER)).legs] == [
        "caller",
        "called",
    ]


def test_there_is_no_record_before_a_call_has_ended() -> None:
    assert record([offered(), dialed(B, T)]) is None
    assert record([ended(T, Cause.NORMAL_CLEARING)]) is None


middle = st.lists(
    st.one_of(
        st.builds(routed, st.integers(0, 99)),
        st.builds(dialed, st.sampled_from([B, C]), st.integers(0, 99)),
        st.builds(lambda at, leg: LegRang(at=at, call=CALL, leg=leg), st.integers(0, 99), st.sampled_from([A, B, C])),
        st.builds(
            lambda at, leg: LegAnswered(at=at, call=CALL, leg=leg), st.integers(0, 99), st.sampled_from([A, B, C])
        ),
        st.builds(lambda at: CallAnswered(at=at, call=CALL), st.integers(0, 99)),
        st.builds(leg_ended, st.integers(0, 99), st.sampled_from([A, B, C]), st.sampled_from(Cause)),
    ),
    max_size=12,
)
calls = st.tuples(middle, st.sampled_from(Cause), st.booleans())


@given(st.lists(calls, max_size=8))
def test_every_call_offered_comes_under_exactly_one_disposition(some: list[tuple[list[CallFact], Cause, bool]]) -> None:
    counted = Counter[str]()
    for facts, cause, gave_up in some:
        ordered = [offered(at=0), *sorted(facts, key=lambda fact: fact.at), ended(100, cause, gave_up)]
        cdr = cdr_of(*ordered)
        counted[cdr.disposition] += 1
        answered = any(isinstance(fact, CallAnswered) for fact in facts)
        assert (cdr.disposition == "answered") == answered == (cdr.answered_at is not None)
        assert 0 <= cdr.billable_ms <= cdr.duration_ms == 100
        assert {leg.leg for leg in cdr.legs} == {A} | {fact.leg for fact in facts if isinstance(fact, LegDialed)}
        assert all(0 <= leg.talk_ms <= 100 for leg in cdr.legs)
    assert sum(counted.values()) == len(some)
    assert set(counted) <= {"answered", "no_answer", "busy", "failed", "cancelled"}
