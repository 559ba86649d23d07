"""Which of some phrases was said, by what a recogniser understood of it."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.speech.matching import distance, likeness, matched, spelled_in_english, spelled_in_mandarin

PHRASES = ["sales", "technical support", "repair", "opening hours", "no", "five", "seven"]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("sales", "sales"),
        ("I would like to speak to sales, please.", "sales"),
        ("Sale", "sales"),
        ("technical sport", "technical support"),
        ("the technical support team", "technical support"),
        ("open in hours", "opening hours"),
        ("No!", "no"),
        ("5", "five"),
        ("7", "seven"),
        ("I don't know", None),
        ("17", None),
        ("fire", None),
        ("what is the weather", None),
        ("", None),
        ("...", None),
        ("sales and repair", None),
    ],
)
def test_phrases_in_english(text: str, phrase: str | None) -> None:
    found = matched(text, PHRASES, spelled_in_english)
    assert (found and found[0]) == phrase
    if found is not None:
        assert 0.75 <= found[1] <= 1.0


def test_of_phrases_within_each_other_the_longer_one_is_meant_where_it_was_said() -> None:
    for text, phrase in (("after sales", "after sales"), ("sales", "sales"), ("sales team", "sales")):
        found = matched(text, ["sales", "after sales"], spelled_in_english)
        assert found == (phrase, 1.0)


SYLLABLES = {
    "销售": ["xiao", "shou"],
    "小受": ["xiao", "shou"],
    "维修": ["wei", "xiu"],
    "微秀": ["wei", "xiu"],
    "技术": ["ji", "shu"],
    "天气": ["tian", "qi"],
    "三": ["san"],
    "桑": ["sang"],
}


@pytest.mark.parametrize(
    ("text", "phrase"), [("小受", "销售"), ("微秀", "维修"), ("天气", None), ("桑", "三"), ("3", "三")]
)
def test_phrases_in_mandarin_go_by_their_sound(text: str, phrase: str | None) -> None:
    spelled = partial(spelled_in_mandarin, pinyin=SYLLABLES.__getitem__)
    found = matched(text, ["销售", "维修", "技术", "三"], spelled)
    assert (found and found[0]) == phrase


def test_numbers_are_spelled_as_they_are_said() -> None:
    assert spelled_in_english("It's 42, 10 or 105; café") == [
        *("its", "forty", "two", "ten", "or", "one", "zero", "five", "cafe")
    ]


@given(st.text("ab c", max_size=12), st.text("ab c", max_size=12))
def test_distances(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))
    assert (distance(one, other) == 0) == (one == other)
    assert 0 <= likeness(one.split(), other.split()) <= 1
