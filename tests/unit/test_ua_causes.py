import pytest

from gateways.sip.ua.causes import cause_of, cause_said, reason_of, status_of
from softswitch.kernel.cause import Cause


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_status_that_refuses(cause: Cause) -> None:
    assert 400 <= status_of(cause) < 700


TABLE_OF_CAUSES = """
    1 404   2 404   3 404   17 486  18 408  19 480  20 480  21 403  22 410  23 410  27 502  28 484  29 501  31 480
    34 503  38 503  41 503  42 503  47 503  55 403  57 403  58 503  65 488  70 488  79 501  87 403  102 504  111 500
    127 500
"""
"""RFC 3398 section 7.2.4.1. Left out: 16 (no refusal), 26 and 88, which mean something narrower here."""

TABLE_OF_STATUSES = """
    400 41  401 21  402 21  403 21  404 1   405 63  406 79  407 21  408 102 410 22  413 127 414 127 415 79  416 127
    420 127 421 127 423 127 480 18  481 41  482 25  483 25  484 28  485 1   486 17  500 41  501 79  502 38  503 41
    504 102 505 127 513 127 600 17  603 21  604 1
"""
"""Section 8.2.6.1. 487 has no cause there; 488 and 606 have those of their Warning."""


def pairs(table: str) -> list[tuple[int, int]]:
    words = [int(word) for word in table.split()]
    return list(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(("cause", "status"), pairs(TABLE_OF_CAUSES))
def test_causes_become_the_statuses_of_rfc_3398(cause: int, status: int) -> None:
    assert status_of(Cause(cause)) == status


@pytest.mark.parametrize(("status", "cause"), pairs(TABLE_OF_STATUSES))
def test_statuses_become_the_causes_of_rfc_3398(status: int, cause: int) -> None:
    assert cause_of(status) == cause


@pytest.mark.parametrize(("status", "cause"), [(302, 127), (487, 16), (488, 88), (499, 127), (599, 41), (699, 127)])
def test_a_status_that_the_table_leaves_out_is_as_its_class(status: int, cause: int) -> None:
    assert cause_of(status) == cause


@pytest.mark.parametrize(("value", "cause"), [(4, 31), (39, 47), (53, 63), (69, 79), (90, 95), (101, 111), (120, 127)])
def test_a_cause_that_is_not_in_use_here_is_as_its_class(value: int, cause: int) -> None:
    assert cause_said(f"Q.850;cause={value}") == cause


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
