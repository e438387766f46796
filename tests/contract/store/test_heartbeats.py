"""Each replica counts up that it lives, and is forgotten when it has not for long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.ports.store import Store
from tests.worlds import START

HOUR = timedelta(hours=1)


async def beats(store: Store) -> Mapping[str, int]:
    return await store.read(lambda reading: reading.replicas.beats())


async def test_each_replica_counts_up_that_it_lives(store: Store) -> None:
    assert await beats(store) == {}
    for replica in ("one", "two", "one", "one"):
        await store.write(lambda writing: writing.replicas.beat(replica, START))  # noqa: B023
    assert await beats(store) == {"one": 3, "two": 1}


async def test_the_count_goes_up_although_the_clock_goes_back(store: Store) -> None:
    for at in (START, START - HOUR):
        await store.write(lambda writing: writing.replicas.beat("one", at))  # noqa: B023
    assert await beats(store) == {"one": 2}


async def test_a_replica_that_has_not_lived_for_long_is_forgotten(store: Store) -> None:
    await store.write(lambda writing: writing.replicas.beat("old", START))
    await store.write(lambda writing: writing.replicas.beat("new", START + HOUR))
    await store.write(lambda writing: writing.replicas.forget(START + HOUR))
    assert await beats(store) == {"new": 1}
