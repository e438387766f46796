"""The pace of calls: the vendor's limit and its pauses, on a clock that the test moves."""

from __future__ import annotations

import pytest

from adapters.common.pace import Pace, Paced
from core.errors import DeliveryError
from core.messages import Message


class Watch:
    """A clock of seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def wait(pace: Pace, key: str = "C1") -> float:
    """Make a call and return 0, or return the seconds until its turn."""
    try:
        pace.take(key)
    except Paced as error:
        return error.retry_after or 0
    return 0.0


def limited(seconds: float | None = 7.0) -> DeliveryError:
    return DeliveryError("Slack", Message("busy"), retryable=True, retry_after=seconds, limited=True)


def test_so_many_calls_pass_in_a_period(watch: Watch) -> None:
    pace = Pace("Slack", 5, 5.0, watch)
    assert [wait(pace) for _ in range(5)] == [0.0] * 5
    watch.now += 2
    assert wait(pace) == 3
    watch.now += 3
    assert [wait(pace) for _ in range(5)] == [0.0] * 5


def test_each_key_has_a_pace_of_its_own(watch: Watch) -> None:
    pace = Pace("Slack", 1, 1.0, watch)
    assert (wait(pace, "C1"), wait(pace, "C2")) == (0, 0)
    assert wait(pace, "C1") == 1


def test_who_is_refused_gets_a_turn_and_nobody_takes_all_turns(watch: Watch) -> None:
    pace = Pace("Slack", 1, 1.0, watch)
    turns = dict.fromkeys(("a plan of 80 cards", "another plan", "a third one"), watch.now)
    sent: list[str] = []
    while len(sent) < 10:
        watch.now = min(turns.values())
        name = min(turns, key=turns.__getitem__)
        left = wait(pace)
        if not left:
            sent.append(name)
            left = wait(pace)
        turns[name] = watch.now + left
    assert watch.now == 1009, "no turn was lost"
    assert sent == ["a plan of 80 cards", *list(turns) * 3]


def test_eighty_cards_for_one_person_take_eighty_seconds(watch: Watch) -> None:
    pace = Pace("Slack", 1, 1.0, watch)
    waits = []
    for _ in range(80):
        assert wait(pace, "D1") == 0
        waits.append(wait(pace, "D1"))
        watch.now += waits[-1]
    assert waits == [1.0] * 80


def test_a_vendors_pause_is_kept_and_bursts_end_for_a_while(watch: Watch) -> None:
    pace = Pace("Slack", 5, 5.0, watch)
    with pytest.raises(DeliveryError), pace.keep("C1"):
        raise limited(7)
    assert (wait(pace), wait(pace, "C2")) == (7, 0)
    watch.now += 7
    assert [wait(pace) for _ in range(2)] == [0, 1]
    watch.now += 90
    assert [wait(pace) for _ in range(5)] == [0.0] * 5


def test_a_pause_without_a_time_is_that_of_one_call(watch: Watch) -> None:
    pace = Pace("Slack", 20, 60.0, watch)
    with pytest.raises(DeliveryError), pace.keep("C1"):
        raise limited(None)
    assert wait(pace) == 3


def test_other_errors_and_the_limits_of_others_pause_nothing(watch: Watch) -> None:
    pace, other = Pace("Slack", 2, 1.0, watch), Pace("Slack", 1, 1.0, watch)
    with pytest.raises(DeliveryError), pace.keep("C1"):
        raise DeliveryError("Slack", Message("busy"), retryable=True, retry_after=7)
    other.take("app")
    with pytest.raises(Paced), pace.keep("C2"), other.keep("app"):
        raise AssertionError("a call out of turn")
    with pytest.raises(DeliveryError), pace.keep("C3", lambda error: False):
        raise limited()
    assert [wait(pace, key) for key in ("C1", "C2", "C3")] == [0, 0, 0]


def test_what_somebody_waits_for_passes_unless_the_vendor_pauses(watch: Watch) -> None:
    pace = Pace("Slack", 1, 1.0, watch)
    for _ in range(3):
        pace.note("C1")
    assert wait(pace) == 1
    pace.pause("C1", 3)
    with pytest.raises(Paced) as caught:
        pace.note("C1")
    error = caught.value
    assert (error.limited, error.retryable, error.known, error.sent) == (True, True, True, False)
    assert error.retry_after == 3


def test_keys_that_matter_no_more_are_forgotten(watch: Watch) -> None:
    pace = Pace("Slack", 1, 1.0, watch)
    pace.pause("paused", 600)
    for number in range(5000):
        watch.now += 0.01
        pace.take(f"C{number}")
    assert len(pace._lines) <= 1001
    assert wait(pace, "paused") == pytest.approx(550)
