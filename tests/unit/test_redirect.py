"""Where a redirection leads."""

import pytest

from softswitch.calls.redirect import first_number, number_of


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:1003@10.0.0.7:5062;transport=tcp", "1003"),
        ("sips:%2B43123@example.org", "+43123"),
        ("sip:+43123;phone-context=at@example.org", "+43123"),
        ("sip:1003:secret@example.org", "1003"),
        ("tel:+43-1-(23).45;ext=6", "+4312345"),
        ("sip:10.0.0.7", ""),
        ("sip:a%0d%0ab@example.org", ""),
        ("sip:%23%2A21@example.org", "#*21"),
        ("sip:" + "9" * 65 + "@example.org", ""),
        ("mailto:someone@example.org", ""),
        ("", ""),
    ],
)
def test_a_contact_is_the_number_in_its_user_part(uri: str, number: str) -> None:
    assert number_of(uri) == number


def test_the_first_contact_that_has_a_number_is_taken() -> None:
    assert first_number(("sip:10.0.0.7", "sip:1003@10.0.0.7", "sip:1004@10.0.0.7")) == "1003"
    assert first_number(()) == ""
