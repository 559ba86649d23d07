"""Boxes, lock-outs and what is said, without anything around them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.features.voicemail import said
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.model.box import Box, Tally, check_pin, checked, is_busy
from softswitch.features.voicemail.model.message import Message, in_order
from softswitch.kernel.errors import Invalid
from softswitch.kernel.guesses import LOCKED_MS, LONGEST_MS, MOST_REMEMBERED, WRONG_ALLOWED, Guesses
from softswitch.kernel.sound import SoundFile
from softswitch.kernel.spoken import Clip, grammar_of
from tests.support.model_voicemail import MemoryVoicemail, PlainPins
from tests.unit.test_voicemail_api import Everywhere

BOX = Box(number="1002", account="1002", timezone="Asia/Shanghai")
LEFT = round(datetime(2026, 11, 26, 20, 5, tzinfo=UTC).timestamp() * 1000)
"""Five past four of the morning after, in Shanghai."""


def message(**more: object) -> Message:
    fields = {"id": "m", "box": "1002", "left_at": LEFT, "from_number": "1001", "file": "m.wav", "seconds": 65.0}
    return Message(**{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("pin", ["", "123", "12a4", "1" * 13, "0000", "1234", "9876", "8901", "1002", "31002", "4-57"])
def test_pins_that_whoever_guesses_would_try_first_are_refused(pin: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_pin("1002", pin)
    assert refused.value.where == "pin"


@pytest.mark.parametrize("pin", ["2580", "1212", "739172", "1357", "010101010101"])
def test_other_pins_are_not(pin: str) -> None:
    check_pin("1002", pin)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-address"),
        ("email", "a@b.example\nBcc: x@y.example"),
        ("timezone", "Middle/Earth"),
        ("email_then_delete", True),
    ],
)
def test_what_cannot_be_of_a_box_is_named(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        checked(Box(number="1002", **{field: value}))  # type: ignore[arg-type]
    assert refused.value.where == field


def test_a_box_that_is_no_accounts_cannot_do_without_a_pin() -> None:
    with pytest.raises(Invalid):
        checked(Box(number="1777", skip_pin=True))


@given(
    st.builds(
        Tally, new=st.integers(0, 20), old=st.integers(0, 20), arriving=st.integers(0, 3), seconds=st.floats(0, 9000)
    )
)
def test_a_box_has_room_for_no_more_than_its_limits(tally: Tally) -> None:
    box = Box(number="1002", most_messages=20, most_seconds=100, most_total_seconds=600)
    room = tally.room(box)
    assert 0 <= room <= 100
    if room:
        assert tally.new + tally.old + tally.arriving < 20 and tally.seconds + room <= 600


def test_the_temporary_greeting_is_heard_before_the_others() -> None:
    box = Box(number="1002", greetings={"busy": "b", "absent": "a"})
    assert (box.greeting(True), box.greeting(False)) == ("b", "a")
    assert Box(number="1002", greetings={"busy": "b", "temporary": "t"}).greeting(True) == "t"
    assert Box(number="1002", greetings={"name": "n"}).greeting(False) is None
    assert is_busy("user-busy") and is_busy("do-not-disturb") and not is_busy("no-answer")


def test_urgent_messages_come_first_and_then_the_oldest() -> None:
    some = [message(id="c", left_at=3), message(id="b", left_at=2, urgent=True), message(id="a", left_at=1)]
    assert [each.id for each in sorted(some, key=in_order)] == ["b", "a", "c"]


# Guessing -----------------------------------------------------------------------------------------------------


def test_five_wrong_ones_lock_and_each_five_more_for_twice_as_long() -> None:
    guesses, keys, now = Guesses(), ("box/1002", "caller/x"), 0
    assert [guesses.wrong(keys, now) for _ in range(WRONG_ALLOWED)] == [False] * 4 + [True]
    assert guesses.locked(("box/1002",), now + LOCKED_MS - 1) and not guesses.locked(keys, now + LOCKED_MS)
    assert not guesses.locked(("box/1003", "caller/y"), now)
    for _ in range(WRONG_ALLOWED):
        now += LOCKED_MS
        assert guesses.wrong(keys, now), "one more try, and it is locked again"
    assert guesses.locked(keys, now + 2 * LOCKED_MS - 1) and not guesses.locked(keys, now + 2 * LOCKED_MS)
    guesses.right(("box/1002",))
    assert not guesses.locked(("box/1002",), now) and guesses.locked(keys, now), "the caller is still known"
    assert not guesses.locked(keys, now + LONGEST_MS)


def test_what_is_remembered_of_guesses_is_bounded() -> None:
    guesses = Guesses()
    for number in range(MOST_REMEMBERED + 10):
        guesses.wrong((f"caller/{number}",), 0)
    assert len(guesses._wrong) == MOST_REMEMBERED


@given(st.lists(st.integers(0, 3 * LOCKED_MS), max_size=60))
def test_nobody_tries_more_often_than_it_may(pauses: list[int]) -> None:
    guesses, now, tried = Guesses(), 0, []
    for pause in pauses:
        now += pause
        if not guesses.locked(("box/1002",), now):
            guesses.wrong(("box/1002",), now)
            tried.append(now)
    for first, sixth in zip(tried, tried[WRONG_ALLOWED:], strict=False):
        assert sixth - first >= LOCKED_MS


# What is said -------------------------------------------------------------------------------------------------


def boxes(*some: Box) -> Boxes:
    known = Boxes(MemoryVoicemail(), PlainPins(), Everywhere(), Everywhere())
    known._boxes = {box.number: box for box in some}
    return known


def test_how_much_there_is_is_said_in_both_languages() -> None:
    two = Tally(new=2, old=1)
    assert said.inventory(two, "en") == (
        "voicemail/you-have",
        (Clip("number/2"),),
        "voicemail/new-many",
        "voicemail/and",
        (Clip("number/1"),),
        "voicemail/old-one",
    )
    assert said.inventory(two, "zh")[1] == (Clip("word/liang"),), "两条, not 二条"
    assert said.inventory(Tally(), "en") == ("voicemail/nothing",)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_envelope_has_the_place_the_caller_and_the_time_where_the_owner_is(language: str) -> None:
    grammar = grammar_of(language)
    words = said.envelope(message(urgent=True), 1, BOX, boxes(BOX), LEFT, language)
    assert words[0] == "voicemail/urgent" and words[1] == grammar.ordinal(1)
    assert grammar.digits("1001") in words
    at = datetime(2026, 11, 27, 4, 5)
    assert words[-2:] == ("voicemail/today", grammar.time(at.time()))
    later = LEFT + 86_400_000
    assert said.envelope(message(), 1, BOX, boxes(BOX), later, language)[-2] == "voicemail/yesterday"
    assert said.envelope(message(), 1, BOX, boxes(BOX), later + 86_400_000, language)[-2] == grammar.date(at.date())


def test_who_has_recorded_a_name_is_called_by_it_and_who_has_no_number_by_none() -> None:
    named = Box(number="1001", greetings={"name": "name.wav"})
    assert SoundFile("name.wav") in said.envelope(message(), 1, BOX, boxes(named), LEFT, "en")
    assert "voicemail/unknown-caller" in said.envelope(message(from_number="anonymous"), 1, BOX, boxes(), LEFT, "en")
    assert "voicemail/cut-off" in said.envelope(message(note="x"), 1, BOX, boxes(), LEFT, "en")


def test_every_prompt_that_is_named_ships_in_both_languages() -> None:
    """In the sources of the feature, every `voicemail/...` in quotes."""
    import re
    from pathlib import Path

    root = Path(said.__file__).parents[2]
    names = set()
    for path in Path(said.__file__).parent.rglob("*.py"):
        names |= set(re.findall(r'"(voicemail/[a-z-]+)"', path.read_text(encoding="utf-8")))
    names |= {f"voicemail/{kind}-{count}" for kind in ("new", "old") for count in ("one", "many")}
    assert len(names) > 50
    for language in ("en", "zh"):
        assert not [name for name in names if not (root / "prompts" / language / f"{name}.opus").is_file()]


def test_where_nothing_is_forgotten_a_flood_of_others_frees_nobody() -> None:
    guesses = Guesses(most=None)
    for _ in range(WRONG_ALLOWED):
        guesses.wrong(("box/1002",), 0)
    for number in range(MOST_REMEMBERED + 10):
        guesses.wrong((f"box/x{number}",), 1)
    assert guesses.locked(("box/1002",), 2)
