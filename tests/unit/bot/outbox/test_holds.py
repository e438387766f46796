"""Which cards of a plan wait: each receiver and each card for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot.outbox.holds import Holds
from bot.outbox.worker import Deferred, Receipt
from core.effects import Effect, Sync
from core.errors import DeliveryError
from core.messages import Message
from core.ports.cards import CardRecord
from core.ports.outbox import Delivery, DeliveryState, Hold
from tests.clock import ManualClock
from tests.worlds import SLACK, START

CHANNEL = CardRecord("c1", "p", "slack", "plan", "C1", log_seq=0)
BOB = CardRecord("c2", "p", "slack", "approval", "bob", revision=1, log_seq=0)
BOBS_NOTICE = replace(BOB, id="c3", purpose="notice:run")
CARDS = (CHANNEL, BOB, BOBS_NOTICE)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def opened(clock: ManualClock, before: Mapping[str, Hold] | None = None, version: int = 7) -> Holds:
    effect = Effect("e1", "p", SLACK, Sync())
    return Holds(Delivery(effect, DeliveryState.SENDING, 1, holds=before or {}), version, clock)


def error(**fields: object) -> DeliveryError:
    return DeliveryError("Slack", Message("busy"), **({"retryable": True} | fields))  # type: ignore[arg-type]


def taken(holds: Holds) -> list[str]:
    return [record.id for record in holds.take_turns(CARDS)]


def deferred(holds: Holds) -> Deferred:
    outcome = holds.outcome()
    assert isinstance(outcome, Deferred)
    return outcome


def test_what_waits_for_nothing_is_delivered(clock: ManualClock) -> None:
    holds = opened(clock)
    assert taken(holds) == ["c1", "c2", "c3"]
    assert holds.outcome() == Receipt()


def test_a_limit_holds_all_cards_of_its_receiver_until_it_is_over_and_is_no_failure(clock: ManualClock) -> None:
    holds = opened(clock)
    holds.add(BOB, error(retry_after=30.0, limited=True))
    assert taken(holds) == ["c1"]
    first = deferred(holds)
    assert (first.due_at, first.failure, holds.failures) == (START + timedelta(seconds=30), None, [])
    clock.advance(timedelta(seconds=29.9))
    changed = opened(clock, first.holds, version=8)
    assert (taken(changed), deferred(changed).due_at) == (["c1"], first.due_at), "a change of the plan ends no pause"
    clock.advance(timedelta(seconds=0.1))
    assert taken(opened(clock, first.holds)) == ["c1", "c2", "c3"]


def test_limits_do_not_grow(clock: ManualClock) -> None:
    before: Mapping[str, Hold] = {}
    for _ in range(50):
        holds = opened(clock, before)
        holds.add(BOB, error(retry_after=1.0, limited=True))
        before = deferred(holds).holds
        clock.advance(timedelta(seconds=1))
    assert before == {"bob": Hold(clock.now())}


def test_a_card_that_fails_waits_longer_and_longer_and_holds_up_no_other(clock: ManualClock) -> None:
    before: Mapping[str, Hold] = {}
    waits = []
    for _ in range(4):
        holds = opened(clock, before)
        holds.add(BOB, error())
        assert taken(holds) == ["c1", "c3"]
        outcome = deferred(holds)
        assert outcome.failure
        assert "bob: " in str(outcome.failure)
        waits.append((outcome.due_at - clock.now()).total_seconds())
        before = outcome.holds
        clock.advance(outcome.due_at - clock.now())
    assert waits == [1, 2, 4, 8]


def test_a_card_that_failed_is_attempted_at_once_when_the_plan_has_changed(clock: ManualClock) -> None:
    holds = opened(clock)
    holds.add(BOB, error(retryable=False))
    before = deferred(holds).holds
    assert taken(opened(clock, before)) == ["c1", "c3"]
    changed = opened(clock, before, version=8)
    assert taken(changed) == ["c1", "c2", "c3"]
    changed.add(BOB, error(retryable=False))
    assert [hold.attempts for hold in deferred(changed).holds.values()] == [2], "and is attempted the second time"


def test_cards_that_have_failed_together_are_attempted_together(clock: ManualClock) -> None:
    holds = opened(clock)
    holds.add(CHANNEL, error())
    clock.advance(timedelta(seconds=0.2))
    holds.add(BOB, error())
    outcome = deferred(holds)
    clock.advance(outcome.due_at - clock.now())
    assert taken(opened(clock, outcome.holds)) == ["c1", "c2", "c3"]


def test_a_failure_waits_while_others_wait_for_their_limit(clock: ManualClock) -> None:
    holds = opened(clock)
    holds.add(CHANNEL, error(retryable=False, retry_after=60.0))
    holds.add(BOB, error(retry_after=1.0, limited=True))
    outcome = deferred(holds)
    assert (outcome.due_at, bool(outcome.failure)) == (START + timedelta(seconds=1), True)
    clock.advance(timedelta(seconds=1))
    later = opened(clock, outcome.holds)
    assert taken(later) == ["c2", "c3"]
    assert (deferred(later).due_at, deferred(later).failure) == (START + timedelta(seconds=60), None)


@pytest.mark.parametrize(
    ("fields", "refused_after"),
    [({"retryable": False}, 1), ({"known": False}, 5), ({}, None), ({"limited": True, "retry_after": 1.0}, None)],
)
def test_a_refusal_of_unknown_meaning_is_given_five_attempts(
    clock: ManualClock, fields: Mapping[str, object], refused_after: int | None
) -> None:
    before: Mapping[str, Hold] = {}
    refused = []
    for attempt in range(1, 9):
        holds = opened(clock, before)
        holds.add(BOB, error(**fields))
        if any(is_refused for _, _, is_refused in holds.failures):
            refused.append(attempt)
        before = deferred(holds).holds
        clock.advance(deferred(holds).due_at - clock.now())
    assert refused[:1] == ([refused_after] if refused_after else [])


def test_a_long_delivery_gives_way_after_a_card_at_least(clock: ManualClock) -> None:
    seconds = count(0, 3)
    delivery = Delivery(Effect("e1", "p", SLACK, Sync()), DeliveryState.SENDING, 1)
    holds = Holds(delivery, 7, clock, lambda: next(seconds))
    assert taken(holds) == ["c1", "c2"]
    assert deferred(holds) == Deferred(START, {})
