"""How a Replaces value is read (RFC 3891 section 6.1)."""

import pytest

from gateways.sip.ua.replaces import Replaces


def test_a_dialog_is_named_by_its_call_id_and_two_tags() -> None:
    assert Replaces.parse("a@b;from-tag=1;to-tag=2") == Replaces("a@b", "2", "1", False)
    assert Replaces.parse(" a@b ; to-tag = 2 ; FROM-TAG=1 ;early-only; x=y") == Replaces("a@b", "2", "1", True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a@b",
        "a@b;to-tag=2",
        "a@b;from-tag=1",
        "a@b;to-tag=;from-tag=1",
        ";to-tag=1;from-tag=2",
        "a@b;to-tag=1;to-tag=2;from-tag=3",
    ],
)
def test_a_value_without_exactly_one_of_each_tag_names_none(value: str) -> None:
    assert Replaces.parse(value) is None
