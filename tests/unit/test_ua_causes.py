import pytest

from gateways.sip.ua.causes import cause_of, cause_said, reason_of, status_of
from softswitch.kernel.cause import Cause


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_status_that_refuses(cause: Cause) -> None:
    assert 400 <= status_of(cause) < 700


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.UNALLOCATED_NUMBER, 404),
        (Cause.USER_BUSY, 486),
        (Cause.NO_ANSWER, 480),
        (Cause.CALL_REJECTED, 403),
        (Cause.INVALID_NUMBER_FORMAT, 484),
        (Cause.INCOMPATIBLE_DESTINATION, 488),
        (Cause.SWITCH_CONGESTION, 503),
        (Cause.SERVICE_NOT_IMPLEMENTED, 501),
    ],
)
def test_causes_become_the_statuses_of_rfc_3398(cause: Cause, status: int) -> None:
    assert status_of(cause) == status


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (302, Cause.INTERWORKING),
        (404, Cause.UNALLOCATED_NUMBER),
        (408, Cause.RECOVERY_ON_TIMER_EXPIRY),
        (480, Cause.NO_USER_RESPONDING),
        (486, Cause.USER_BUSY),
        (487, Cause.NORMAL_CLEARING),
        (488, Cause.INCOMPATIBLE_DESTINATION),
        (499, Cause.INTERWORKING),
        (503, Cause.TEMPORARY_FAILURE),
        (599, Cause.TEMPORARY_FAILURE),
        (600, Cause.USER_BUSY),
        (603, Cause.CALL_REJECTED),
        (699, Cause.INTERWORKING),
    ],
)
def test_statuses_become_the_causes_of_rfc_3398(status: int, cause: Cause) -> None:
    assert cause_of(status) is cause


def test_a_reason_is_read_as_it_is_written() -> None:
    assert reason_of(Cause.USER_BUSY, elsewhere=False) == 'Q.850;cause=17;text="user busy"'
    assert cause_said(reason_of(Cause.USER_BUSY, elsewhere=False)) is Cause.USER_BUSY
    assert reason_of(Cause.NORMAL_CLEARING, elsewhere=True) == 'SIP;cause=200;text="Call completed elsewhere"'
    assert cause_said(reason_of(Cause.NORMAL_CLEARING, elsewhere=True)) is Cause.ANSWERED_ELSEWHERE


@pytest.mark.parametrize("reason", [None, "", "Q.850", "Q.850;cause=", "Q.850;cause=x", "Q.850;cause=999", "X;cause=1"])
def test_a_reason_that_says_nothing_known_is_none(reason: str | None) -> None:
    assert cause_said(reason) is None


def test_a_reason_may_be_spelled_freely() -> None:
    assert cause_said('q.850 ; text="gone" ; Cause = 16') is Cause.NORMAL_CLEARING
    assert cause_said("SIP;cause=486") is Cause.USER_BUSY
