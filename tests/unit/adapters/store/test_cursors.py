from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.store import cursors
from core.errors import Invalid


@given(st.integers(0, 2**63 - 1))
def test_a_cursor_stands_for_its_number(number: int) -> None:
    assert cursors.decode(cursors.encode(number)) == number


@given(st.text())
def test_what_is_no_cursor_is_invalid(text: str) -> None:
    with suppress(Invalid):
        assert cursors.encode(cursors.decode(text)) == text


def test_a_number_beyond_the_database_is_invalid() -> None:
    with pytest.raises(Invalid):
        cursors.decode(cursors.encode(2**63))
