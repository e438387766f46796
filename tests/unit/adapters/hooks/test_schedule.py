from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from adapters.hooks.schedule import DELAYS, DISABLE_AFTER, next_delay, should_disable


def middle() -> float:
    return 0.5


def test_ten_attempts_cover_three_days() -> None:
    delays = [next_delay(made, middle) for made in range(10)]
    assert delays == list(DELAYS)
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert next_delay(10, middle) is None


@pytest.mark.parametrize("made", range(1, 10))
def test_jitter_is_a_fifth_in_both_directions(made: int) -> None:
    assert next_delay(made, lambda: 0.0) == DELAYS[made] * 0.8
    assert next_delay(made, lambda: 1.0) == DELAYS[made] * 1.2


def test_pauses_grow_whatever_the_jitter() -> None:
    assert all((next_delay(made, lambda: 0.0) or timedelta()) > timedelta() for made in range(1, 10))
    assert all(early < late for early, late in pairwise(DELAYS))


def test_a_receiver_is_given_up_after_five_days_of_failures() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert not should_disable(start, start + DISABLE_AFTER - timedelta(seconds=1))
    assert should_disable(start, start + timedelta(days=5))
