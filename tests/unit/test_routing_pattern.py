import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.features.routing.model.document import MatchKind
from softswitch.features.routing.model.pattern import Pattern


@pytest.mark.parametrize(
    ("kind", "text", "matching", "others"),
    [
        ("literal", "9196", ["9196"], ["919", "91960", ""]),
        ("literal", "8XXXX", ["8XXXX"], ["81234"]),
        ("prefix", "00", ["00", "0049"], ["0", "100"]),
        ("pattern", "8XXXX", ["80000", "89999"], ["8123", "812345", "8123a", "8*123"]),
        ("pattern", "Z", ["1", "9"], ["0", "x", "10"]),
        ("pattern", "NXX", ["200", "999"], ["100", "000"]),
        ("pattern", "[13-5]0", ["10", "30", "50"], ["20", "60"]),
        ("pattern", "9.", ["91", "9#*"], ["9", "8"]),
        ("pattern", "9!", ["9", "91"], ["8"]),
        ("pattern", "_1X", ["10"], ["_10"]),
        ("pattern", "*97", ["*97"], ["97", "**97"]),
        ("pattern", "+49.", ["+491"], ["+49", "449"]),
        ("pattern", "工X", ["工1"], ["工", "1"]),
        ("regex", "10(0[1-9]|1[0-9]|20)", ["1001", "1019", "1020"], ["1000", "1021", "10011"]),
        ("regex", r"\+?49\d{3,6}", ["49123", "+49123456"], ["4912", "+491234567"]),
    ],
)
def test_a_number_matches_what_the_text_says_and_nothing_else(
    kind: MatchKind, text: str, matching: list[str], others: list[str]
) -> None:
    pattern = Pattern(kind, text)
    assert [number for number in matching if not pattern.full(number)] == []
    assert [number for number in others if pattern.full(number)] == []


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("pattern", "", "must not be empty"),
        ("pattern", "_", "must not be empty"),
        ("pattern", "1[23", "not closed"),
        ("pattern", "1]", "closes nothing"),
        ("pattern", "1[]", "matches nothing"),
        ("pattern", "[5-3]", "runs backwards"),
        ("pattern", "1.2", "only at the end"),
        ("regex", "(1", "no regular expression"),
        ("regex", "(1+)+", "take for ever"),
        ("regex", "(1|11)*2", "take for ever"),
        ("regex", "((1)|2){2,9}", "take for ever"),
        ("regex", "(?=1)1", "only plain"),
        ("regex", r"(1)\1", "back-references"),
        ("regex", "1*2*3*4*5*", "could take long"),
        ("regex", "(1|11)" * 30 + "2", "could take long"),
        ("regex", "1?" * 30 + "2", "could take long"),
    ],
)
def test_a_bad_text_is_refused_in_words(kind: MatchKind, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Pattern(kind, text)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("10(0[1-9]|1[0-9])", "10"),
        ("1001|2002", ""),
        (r"1\(a|b\)", ""),
        ("12?3", "1"),
        (r"\+49\d+", "+49"),
        (r"\+?49", ""),
        ("1{2}", ""),
        ("^10.", "10"),
        ("[12]3", ""),
        ("(12)3", ""),
    ],
)
def test_the_head_of_an_expression_is_what_is_plain_to_see(text: str, head: str) -> None:
    assert Pattern("regex", text).heads == [head]


texts = st.text("0123XZN[]-.!+*|()?{}^\\d", max_size=8)
numbers = st.text("0123456789+*", max_size=6)


@given(st.sampled_from(["literal", "prefix", "pattern", "regex"]), texts, st.lists(numbers, max_size=20))
def test_every_number_that_matches_begins_with_one_of_the_heads(kind: MatchKind, text: str, dialled: list[str]) -> None:
    try:
        pattern = Pattern(kind, text)
    except ValueError:
        return
    for number in [*dialled, re.sub(r"\D", "0", text)]:
        if pattern.full(number):
            assert any(number.startswith(head) for head in pattern.heads)
            assert pattern.literal in (None, number)


@given(
    st.sampled_from(["literal", "prefix", "pattern"]),
    st.text("12XN.!", min_size=1, max_size=4),
    st.sampled_from(["literal", "prefix", "pattern"]),
    st.text("12XN.!", min_size=1, max_size=4),
    st.lists(st.text("0123", max_size=5), max_size=30),
)
def test_a_pattern_that_covers_another_matches_all_its_numbers(
    kind: MatchKind, text: str, other_kind: MatchKind, other_text: str, dialled: list[str]
) -> None:
    try:
        wide, narrow = Pattern(kind, text), Pattern(other_kind, other_text)
    except ValueError:
        return
    if wide.covers(narrow):
        assert all(wide.full(number) for number in dialled if narrow.full(number))


def test_covering_is_seen_where_it_is_plain() -> None:
    assert Pattern("pattern", "8XXXX").covers(Pattern("pattern", "81NXX"))
    assert Pattern("pattern", "8.").covers(Pattern("pattern", "8XXXX"))
    assert Pattern("prefix", "8").covers(Pattern("literal", "8"))
    assert not Pattern("pattern", "8.").covers(Pattern("pattern", "8!"))
    assert not Pattern("pattern", "81XXX").covers(Pattern("pattern", "8XXXX"))
