from typing import Any

from softswitch.events import CallOffered, Fact, LegAnswered, LegDialed, LegEnded
from softswitch.features.reach.lines import Lines
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId

CALL = CallId("c")


def offered(leg: str, account: str) -> Fact:
    rest: Any = {"from_number": "", "from_name": "", "to_number": "", "context": "", "source": "192.0.2.1:5060"}
    return CallOffered(at=0, call=CALL, leg=LegId(leg), origin_kind="account", origin=account, **rest)


def dialed(leg: str, account: str) -> Fact:
    return LegDialed(
        at=0, call=CALL, leg=LegId(leg), destination=Destination("account", account), number=account, target=""
    )


def answered(leg: str) -> Fact:
    return LegAnswered(at=0, call=CALL, leg=LegId(leg))


def ended(leg: str) -> Fact:
    return LegEnded(at=0, call=CALL, leg=LegId(leg), cause=Cause.NORMAL_CLEARING, by_party=True)


def hear(lines: Lines, *facts: Fact) -> None:
    for fact in facts:
        for kind, hearer in lines.subscriptions():
            if isinstance(fact, kind):
                hearer(fact)


def test_who_calls_is_busy_and_who_is_rung_only_once_it_answers() -> None:
    lines = Lines()
    hear(lines, offered("1", "1001"), dialed("2", "1002"))
    assert (lines.busy("1001"), lines.busy("1002")) == (True, False)
    hear(lines, answered("2"))
    assert lines.busy("1002")
    hear(lines, ended("2"))
    assert (lines.busy("1001"), lines.busy("1002")) == (True, False)


def test_an_account_is_free_when_the_last_of_its_calls_is_over_and_that_is_told_once() -> None:
    lines, freed = Lines(), list[str]()
    lines.freed = freed.append
    hear(lines, offered("1", "1001"), dialed("2", "1001"), answered("2"), ended("1"))
    assert lines.busy("1001") and freed == []
    hear(lines, ended("2"), ended("2"))
    assert not lines.busy("1001") and freed == ["1001"]


def test_a_phone_that_only_rang_frees_nobody() -> None:
    lines, freed = Lines(), list[str]()
    lines.freed = freed.append
    hear(lines, dialed("2", "1002"), ended("2"))
    assert freed == []
