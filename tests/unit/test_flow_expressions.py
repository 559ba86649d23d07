"""Expressions of flows: what they are worth, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.features.ivr.model.expression import Value, parse, shown, template
from softswitch.features.ivr.model.json_path import find
from softswitch.kernel.errors import Invalid

VARIABLES: dict[str, Value] = {"n": Decimal("2.50"), "t": "abc", "f": True, "number": "1001"}
KINDS = {"n": "number", "t": "text", "f": "flag", "number": "text"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Decimal(1)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("n - -1", Decimal("3.50")),
        ("1 - 2 - 3", Decimal(-4)),
        ("-(1 + 2)", Decimal(-3)),
        ('t + "d"', "abcd"),
        ("t == 'abc'", True),
        ('number == "1001" and n > 2', True),
        ("not f or n >= 2.5", True),
        ("not (f or n >= 2.5)", False),
        ("f == true", True),
        ("f != (n < 1)", True),
        ("false or false and true", False),
        ('"or" == "or"', True),
        ("not not f", True),
    ],
)
def test_what_an_expression_is_worth(text: str, value: Value) -> None:
    assert parse(text, KINDS).value(VARIABLES) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("1 +", "it ends too early"),
        ("1 2", "'2' stands where nothing should"),
        ("(1", "a bracket is not closed"),
        ("1 + t", "a number + a text"),
        ("t - t", "a text - a text"),
        ("f + f", "a flag + a flag"),
        ("-t", "a text has a sign"),
        ("not n", "a number stands behind 'not'"),
        ("n and f", "a number stands beside 'and'"),
        ("who", "there is no variable 'who'"),
        ("and", "'and' stands where a value should"),
        ("__import__('os')", "there is no variable '__import__'"),
        ("t.upper", "'.' means nothing here"),
        ("n ** 9", "'*' means nothing here"),
        ("(" * 200 + "1" + ")" * 200, "it is nested deeper than 30"),
        ("1+" * 2000 + "1", "it is longer than 2000 characters"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text, KINDS)
    assert why in str(refused.value)


def test_a_text_holds_expressions_in_braces() -> None:
    filled = template("{t}: {n + 1} {{not this}} {f}", KINDS).value(VARIABLES)
    assert filled == "abc: 3.50 {not this} true"
    for bad in ("{", "a } b", "{n", "{{n}"):
        with pytest.raises(Invalid):
            template(bad, KINDS)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        value = parse(text, KINDS).value(VARIABLES)
    except Invalid:
        return
    assert isinstance(shown(value), str)


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b", 1), ("c[1].d", "x"), ("c[9].d", None), ("a.b.c", None), ("c[0]", {}), ("x", None), ("[0]", None)],
)
def test_a_path_leads_to_a_value_or_to_none(path: str, value: object) -> None:
    assert find({"a": {"b": 1}, "c": [{}, {"d": "x"}]}, path) == value


@pytest.mark.parametrize("path", ["", ".", "a..b", "a[", "a[x]", "a[-1]", "[1][", "a."])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        find({}, path)
