"""The people of the settings come into the store, also when two servers start at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapters.store.memory import MemoryStore
from bot.adapters import CHATS
from bot.people.directory import load_people
from config.settings import Settings
from core.errors import Conflict
from core.ports.store import Writing
from tests.clock import ManualClock
from tests.worlds import START

T = TypeVar("T")


class ContendedStore(MemoryStore):
    """A store in which somebody else is quicker once."""

    def __init__(self) -> None:
        super().__init__(ManualClock(START))
        self.lost = 0

    async def write(self, work: Callable[[Writing], T]) -> T:
        """Raise Conflict the first time."""
        if not self.lost:
            self.lost += 1
            raise Conflict
        return await super().write(work)


async def test_a_server_that_starts_at_the_same_time_as_another_starts() -> None:
    store = ContendedStore()
    settings = Settings.model_validate({"people": [{"id": "alice", "name": "Alice"}]})
    directory = await load_people(settings, store, CHATS, START)
    assert (list(directory.people), store.lost) == (["alice"], 1)
