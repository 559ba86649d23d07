"""Lists as a machine, one rule at a time. Times are milliseconds."""

import pytest

from softswitch.events import RecordClosed, RecordCoded, RecordSkipped, RecordTried
from softswitch.features.campaigns.model.dialler import Dialler
from softswitch.features.campaigns.model.effects import (
    Effect,
    Entry,
    GiveBack,
    Lend,
    NeverCall,
    Place,
    Refused,
    Save,
    Show,
    Write,
)
from softswitch.features.campaigns.model.rules import (
    CampaignRules,
    Disposition,
    Retry,
    check_attributes,
    check_campaign,
    check_number,
)
from softswitch.kernel.errors import Invalid

ANN = 7
"""The loan by which ann is ours."""


def dialler(
    mode: str = "progressive", numbers: int = 2, barred: frozenset[str] = frozenset(), **rules: object
) -> Dialler:
    made = Dialler(
        CampaignRules(name="spring", mode=mode, agents=("ann", "ben"), **rules),  # type: ignore[arg-type]
        lambda number: number in barred,
    )
    made.add(0, [Entry(id=number, number=f"555{number}") for number in range(1, numbers + 1)])
    return made


def of(kind: type, effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def calling(made: Dialler) -> Place:
    """The list runs, ann is lent, and the first number is called."""
    made.set_state(0, "running")
    made.agent_free(0, "ann")
    made.lent(0, "ann", ANN)
    (place,) = made.written(0, ANN)
    assert isinstance(place, Place)
    return place


def test_an_agent_is_lent_and_then_one_number_is_called_for_it_once_that_is_on_disk() -> None:
    made = dialler()
    assert made.agent_free(0, "ann") == []
    assert of(Lend, made.set_state(1, "running")) == [Lend("ann")]
    (write,) = made.lent(2, "ann", ANN)
    assert isinstance(write, Write)
    assert (write.entry.id, write.entry.state, write.entry.attempts, write.entry.agent) == (1, "dialling", 1, "ann")
    assert made.written(3, ANN) == [Place(ANN, "ann", 1, "5551", 1)]
    assert made.agent_free(4, "stranger") == []


def test_no_more_agents_are_asked_for_than_there_are_numbers() -> None:
    made = dialler(numbers=1)
    made.agent_free(0, "ann")
    made.agent_free(0, "ben")
    assert of(Lend, made.set_state(0, "running")) == [Lend("ann")]


def test_an_agent_who_could_not_be_had_is_asked_for_again() -> None:
    made = dialler()
    made.agent_free(0, "ann")
    made.set_state(0, "running")
    assert made.not_lent(0, "ann") == []
    assert made.deadline() == 5000
    assert made.tick(5000) == [Lend("ann")]


def test_an_agent_looks_at_a_record_and_takes_it() -> None:
    made = dialler("preview", preview_ms=30_000)
    made.agent_free(0, "ann")
    made.set_state(0, "running")
    assert made.lent(1000, "ann", ANN) == [Show(ANN, "ann", 1, 31_000)]
    assert made.deadline() == 31_000
    assert [type(effect) for effect in made.accept(2000, "ann")] == [Write]
    assert of(Refused, made.accept(2000, "ann")) == [Refused("no-preview", "ann has no record to look at")]


def test_a_record_that_is_skipped_comes_later_and_is_no_attempt() -> None:
    made = dialler("preview", numbers=1, skipped_ms=60_000)
    made.agent_free(0, "ann")
    made.set_state(0, "running")
    made.lent(0, "ann", ANN)
    skipped = made.skip(5000, "ann")
    assert [type(effect) for effect in skipped] == [RecordSkipped, Save, GiveBack]
    assert made.agent_free(5000, "ann") == []
    assert made.deadline() == 65_000
    assert made.tick(65_000) == [Lend("ann")]
    assert made.entries[1].attempts == 0


def test_who_lets_the_time_pass_is_given_nothing_for_a_while() -> None:
    made = dialler("preview", preview_ms=10_000, rest_ms=20_000)
    made.agent_free(0, "ann")
    made.set_state(0, "running")
    made.lent(0, "ann", ANN)
    (fact,) = of(RecordSkipped, made.tick(10_000))
    assert isinstance(fact, RecordSkipped) and fact.reason == "timeout"
    assert made.agent_free(10_000, "ann") == []
    assert made.deadline() == 30_000
    assert made.tick(30_000) == [Lend("ann")]


@pytest.mark.parametrize(
    ("result", "after"), [("busy", 600_000), ("no_answer", 3_600_000), ("machine", 14_400_000), ("failed", None)]
)
def test_when_a_number_is_called_again_depends_on_what_came_of_it(result: str, after: int | None) -> None:
    made = dialler(numbers=1)
    calling(made)
    effects = made.call_over(1000, ANN, result)  # type: ignore[arg-type]
    (tried,) = of(RecordTried, effects)
    assert isinstance(tried, RecordTried) and (tried.result, tried.attempt) == (result, 1)
    assert of(GiveBack, effects) == [GiveBack(ANN, "ann", wraps_up=result == "machine", talked=result == "machine")]
    if after is None:
        assert [fact.outcome for fact in of(RecordClosed, effects) if isinstance(fact, RecordClosed)] == ["failed"]
    else:
        assert made.entries[1].due == 1000 + after


def test_a_number_has_as_many_attempts_as_may_be() -> None:
    made = dialler(numbers=1, attempts=2, retry={"busy": Retry(1000)})
    calling(made)
    made.call_over(0, ANN, "busy")
    made.agent_free(0, "ann")
    assert made.tick(1000) == [Lend("ann")]
    made.lent(1000, "ann", 8)
    made.written(1000, 8)
    (closed,) = of(RecordClosed, made.call_over(2000, 8, "busy"))
    assert isinstance(closed, RecordClosed) and closed.outcome == "exhausted"


def test_an_agent_whose_phone_is_not_answered_rests_and_the_number_was_not_tried() -> None:
    made = dialler(numbers=1)
    calling(made)
    made.call_over(1000, ANN, "agent_missed")
    assert (made.entries[1].attempts, made.entries[1].state) == (0, "waiting")
    assert made.agent_free(1000, "ann") == []
    assert made.agent_free(1000, "ben") == [Lend("ben")]


def test_a_code_after_the_call_opens_the_record_again_or_bars_the_number_and_closes_nothing_twice() -> None:
    made = dialler(numbers=1, dispositions={"later": Disposition("again", 5000), "angry": Disposition("never")})
    calling(made)
    assert len(of(RecordClosed, made.call_over(1000, ANN, "answered"))) == 1
    assert [type(effect) for effect in made.coded(2000, ANN, "ann", "later")] == [RecordCoded, Save]
    assert made.entries[1].due == 7000
    late = made.coded(3000, ANN, "ann", "angry")
    assert [type(effect) for effect in late] == [RecordCoded, NeverCall, RecordClosed, Save]
    assert of(RecordClosed, made.coded(4000, ANN, "ann", "sold")) == []
    assert made.coded(4000, 99, "ann", "sold") == []


def test_nobody_calls_who_is_barred_also_when_that_is_said_at_the_last_moment() -> None:
    barred = {"5551"}
    made = Dialler(CampaignRules(name="spring", mode="progressive", agents=("ann",)), lambda number: number in barred)
    made.add(0, [Entry(id=number, number=f"555{number}") for number in (1, 2)])
    made.agent_free(0, "ann")
    made.set_state(0, "running")
    closed, _, write = made.lent(0, "ann", ANN)
    assert isinstance(closed, RecordClosed) and (closed.record, closed.outcome) == (1, "do_not_call")
    assert isinstance(write, Write) and write.entry.id == 2
    barred.add("5552")
    assert [type(effect) for effect in made.written(0, ANN)] == [Save, GiveBack]


@pytest.mark.parametrize("how", ["paused", "stopped", "closed"])
def test_no_number_is_called_while_the_list_does_not_run_or_outside_its_hours(how: str) -> None:
    made = dialler(calendar="office")
    made.set_open(0, True)
    made.set_state(0, "running")
    made.agent_free(0, "ann")
    made.lent(0, "ann", ANN)  # the attempt is on its way to the disk
    told = made.set_open(0, False) if how == "closed" else made.set_state(0, how)  # type: ignore[arg-type]
    assert of(Place, told) == []
    assert [type(effect) for effect in made.written(1, ANN)] == [Save, GiveBack]
    assert made.entries[1].attempts == 0
    assert made.agent_free(2, "ann") == []


def test_what_is_looked_at_goes_back_when_the_list_is_stopped_or_its_hours_end_and_not_when_it_is_paused() -> None:
    made = dialler("preview", calendar="office")
    made.set_open(0, True)
    made.set_state(0, "running")
    made.agent_free(0, "ann")
    made.lent(0, "ann", ANN)
    assert of(GiveBack, made.set_state(1, "paused")) == []
    assert of(Refused, made.accept(1, "ann")) == [Refused("not-running", "spring is paused")]
    assert len(of(GiveBack, made.set_open(2, False))) == 1


@pytest.mark.parametrize("retry", [True, False])
def test_a_call_that_was_under_way_when_the_switch_stopped_is_lost_and_made_again_only_where_the_list_says(
    retry: bool,
) -> None:
    made = Dialler(
        CampaignRules(name="spring", mode="progressive", agents=("ann",), retry={"lost": Retry(0)} if retry else {}),
        lambda number: False,
    )
    effects = made.add(5, [Entry(id=1, number="5551", state="dialling", attempts=1, agent="ann")])
    (tried,) = of(RecordTried, effects)
    assert isinstance(tried, RecordTried) and (tried.result, tried.attempt) == ("lost", 1)
    assert bool(made.entries) == retry


def test_higher_priority_goes_first_then_who_was_due_first() -> None:
    made = dialler(numbers=0)
    entries = [
        Entry(id=1, number="1", due=5),
        Entry(id=2, number="2", due=4),
        Entry(id=3, number="3", priority=1, due=9),
    ]
    made.add(10, entries)
    made.set_state(10, "running")
    order = []
    for loan in (1, 2, 3):
        made.agent_free(10, "ann")
        (write,) = made.lent(10, "ann", loan)
        assert isinstance(write, Write)
        order.append(write.entry.id)
    assert order == [3, 2, 1]


def test_a_record_is_removed_unless_an_agent_has_it() -> None:
    made = dialler()
    calling(made)
    assert of(Refused, made.remove(0, 1)) == [Refused("in-use", "an agent has record 1 now")]
    (closed, save) = made.remove(0, 2)
    assert isinstance(closed, RecordClosed) and closed.outcome == "removed" and isinstance(save, Save)
    assert of(Refused, made.remove(0, 2)) == [Refused("no-record", "there is no open record 2")]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"name": "Spring sale"}, "name"),
        ({"attempts": 0}, "attempts"),
        ({"agents": ("ann", "ann")}, "agents"),
        ({"caller_id": "x"}, "caller_id"),
        ({"preview_ms": 10}, "preview_ms"),
        ({"retry": {"answered": Retry(0)}}, "retry"),
        ({"retry": {"busy": Retry(-1)}}, "retry.busy.after_ms"),
        ({"retry": {"busy": Retry(0, 0)}}, "retry.busy.most"),
        ({"dispositions": {"": Disposition()}}, "dispositions"),
    ],
)
def test_a_list_that_cannot_be_is_refused(wrong: dict[str, object], where: str) -> None:
    rules: dict[str, object] = {"name": "spring", "mode": "preview", **wrong}
    with pytest.raises(Invalid) as refused:
        check_campaign(CampaignRules(**rules))  # type: ignore[arg-type]
    assert refused.value.where == where


def test_numbers_and_attributes_are_checked() -> None:
    check_number("+4930123456", "number")
    check_attributes({"name": "Anna"}, "attributes")
    for number in ("", "anna", "+", "1" * 33):
        with pytest.raises(Invalid):
            check_number(number, "number")
    for attributes in ({"": "x"}, {"x": "y" * 501}, {str(number): "" for number in range(33)}):
        with pytest.raises(Invalid):
            check_attributes(attributes, "attributes")


def test_a_record_that_was_put_off_twice_to_one_moment_is_given_to_one_agent() -> None:
    later = {"later": Disposition("again", 5000)}
    made = dialler("preview", numbers=1, retry={"machine": Retry(5000)}, dispositions=later)
    made.set_state(0, "running")
    made.agent_free(0, "ann")
    made.lent(0, "ann", ANN)
    made.accept(0, "ann")
    made.written(0, ANN)
    made.call_over(1000, ANN, "machine")
    made.coded(1000, ANN, "ann", "later")
    made.agent_free(2000, "ann")
    made.agent_free(2000, "ben")
    made.tick(6000)
    assert len(of(Show, made.lent(6000, "ann", 8))) == 1
    assert made.lent(6000, "ben", 9) == [GiveBack(9, "ben", wraps_up=False, talked=False)]
