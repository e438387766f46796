"""Reads of deliveries in memory (`core.ports.outbox.DeliveryReads`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from http import HTTPStatus
from itertools import takewhile

from adapters.store.memory.outbox import ENDED
from adapters.store.memory.paging import page_of
from adapters.store.memory.state import State
from core.effects import Destination
from core.ports.outbox import Attempt, Delivery, Outage
from core.ports.paging import Page


class MemoryDeliveryReads:
    """Implements `DeliveryReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def page(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """See `DeliveryReads.page`."""
        found = {
            seq: delivery
            for seq, delivery in self._state.deliveries.items()
            if plan_id in ("", delivery.effect.plan_id) and state in ("", delivery.state)
        }
        return page_of(found, cursor, limit)

    def by_ids(self, effect_ids: Collection[str]) -> list[Delivery]:
        """See `DeliveryReads.by_ids`."""
        return [delivery for delivery in self._state.deliveries.values() if delivery.effect.id in effect_ids]

    def attempts(self, effect_id: str) -> list[Attempt]:
        """See `DeliveryReads.attempts`."""
        return list(self._state.attempts.get(effect_id, ()))

    def outage(self, destination: Destination) -> Outage | None:
        """See `DeliveryReads.outage`."""
        ids = [d.effect.id for d in self._state.deliveries.values() if d.effect.destination == destination]
        newest = sorted((a for effect_id in ids for a in self.attempts(effect_id)), key=lambda a: a.at, reverse=True)
        failed = list(takewhile(lambda attempt: attempt.error, newest))
        return Outage(failed[-1].at, any(a.status == HTTPStatus.GONE for a in failed)) if failed else None

    def body(self, effect_id: str) -> bytes | None:
        """See `DeliveryReads.body`."""
        return self._state.bodies.get(effect_id)

    def counts(self, plan_id: str = "") -> Mapping[str, int]:
        """See `DeliveryReads.counts`."""
        deliveries = self._state.deliveries.values()
        return Counter(one.state.value for one in deliveries if plan_id in ("", one.effect.plan_id))

    def failing(self) -> Mapping[Destination, int]:
        """See `DeliveryReads.failing`."""
        deliveries = self._state.deliveries.values()
        return Counter(d.effect.destination for d in deliveries if d.error and d.state not in ENDED)
