"""Posted cards in memory (`core.ports.cards`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from adapters.store.memory.state import State
from core.ports.cards import CardRecord


class MemoryCardWrites:
    """Implements `CardWrites`."""

    def __init__(self, state: State) -> None:
        self._cards = state.cards

    def put(self, records: Sequence[CardRecord]) -> None:
        """See `CardWrites.put`."""
        self._cards.update((record.id, record) for record in records)

    def drop(self, ids: Collection[str]) -> None:
        """See `CardWrites.drop`."""
        for card_id in ids:
            self._cards.pop(card_id, None)


class MemoryCardReads:
    """Implements `CardReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of_plan(self, plan_id: str, platform: str) -> list[CardRecord]:
        """See `CardReads.of_plan`."""
        found = [card for card in self._state.cards.values() if (card.plan_id, card.platform) == (plan_id, platform)]
        return sorted(found, key=lambda card: card.id)
