"""What texts of people mean."""

from __future__ import annotations

import pytest

from core.text import phone_number


@pytest.mark.parametrize(
    "written",
    ["13800000000", "+8613800000000", "8613800000000", "008613800000000", "+86 138-0000-0000", "86-13800000000"],
)
def test_a_number_of_mainland_china_is_the_same_however_it_is_written(written: str) -> None:
    assert phone_number(written) == "13800000000"


@pytest.mark.parametrize("written", ["+14155550100", "+85291234567", "+861012345678", "86", "1386138000", ""])
def test_other_numbers_keep_their_country_code(written: str) -> None:
    assert phone_number(written) == written


def test_numbers_that_differ_stay_different() -> None:
    assert phone_number("+1 (415) 555-0100") == "+14155550100"
    assert phone_number("+113800000000") != phone_number("13800000000")
