import pytest

from softswitch.kernel.cause import Cause


def test_a_cause_is_read_by_its_name_or_its_value() -> None:
    assert Cause.named("user-busy") is Cause.named("USER_BUSY") is Cause.named("17") is Cause.USER_BUSY
    for wrong in ("busy", "", "400", "-1"):
        with pytest.raises(ValueError, match=r"(?i)cause"):
            Cause.named(wrong)
