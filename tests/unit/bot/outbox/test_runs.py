"""How long runners are asked to do what they could not be asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.outbox.runs import Runs
from core.context import Environment, Policy
from core.effects import Destination, DestinationKind, Effect, Payload, RunCancel, RunResume, RunStart
from core.engine import Engine
from core.ports.outbox import Delivery, DeliveryState
from tests.clock import ManualClock
from tests.worlds import START


@pytest.mark.parametrize(
    ("payload", "gives_up"),
    [(RunStart("r", "i"), True), (RunResume("r", "i", "", "bob"), True), (RunCancel("r", "i", ""), False)],
)
async def test_a_start_is_given_up_after_minutes_and_a_stop_never(payload: Payload, *, gives_up: bool) -> None:
    clock = ManualClock(START)
    store = open_store("memory://", b"k" * 32, clock)
    backoff = Runs(store, Engine(store, clock, SystemIds(), Environment(Policy()), b"key"), {}, clock).courier.backoff
    effect = Effect("e", "p", Destination(DestinationKind.RUNNER, "zadig"), payload)
    waits = [backoff(Delivery(effect, DeliveryState.SENDING, attempts)) for attempts in range(1, 1000)]
    tried = [wait for wait in waits if wait is not None]
    assert (len(tried) < len(waits)) is gives_up
    assert sum(tried[:8], timedelta()) == timedelta(seconds=255)
    assert max(tried) <= timedelta(minutes=5)
