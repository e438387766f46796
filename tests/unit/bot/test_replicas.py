"""Which servers live: each judges by its own monotonic clock whether the others still count up."""

from __future__ import annotations

import pytest

from adapters.store.open import open_store
from bot.replicas import BEAT, GONE_AFTER, Replicas
from core.ports.store import Store
from tests.clock import ManualClock
from tests.unit.bot.outbox.failing import FailingStore
from tests.waiting import eventually
from tests.worlds import START


class Server:
    """A server of which the others hear."""

    def __init__(self, name: str, store: Store, time: list[float]) -> None:
        self.replicas = Replicas(store, ManualClock(START), name, lambda: time[0])
        self.deaths = 0
        self.replicas.listen(self.count)

    def count(self) -> None:
        self.deaths += 1


class Cluster:
    """Two servers on one database, each of which beats while it runs."""

    def __init__(self) -> None:
        self.time = [1000.0]
        plain = open_store("memory://", b"k" * 32, ManualClock(START))
        self.stores = {name: FailingStore(plain) for name in ("one", "two")}
        self.servers = {name: Server(name, store, self.time) for name, store in self.stores.items()}

    async def run(self, seconds: float, *names: str) -> None:
        """Let time pass in which some servers beat."""
        for _ in range(round(seconds / BEAT)):
            self.time[0] += BEAT
            for name in names:
                await self.servers[name].replicas.beat()

    def sees_gone(self, name: str) -> bool:
        return self.servers["one"].replicas.is_gone(name)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def test_a_server_that_beats_is_not_gone(cluster: Cluster) -> None:
    await cluster.run(600, "one", "two")
    assert not cluster.sees_gone("two")
    assert cluster.servers["one"].deaths == 0


async def test_a_server_that_was_killed_is_gone_within_a_minute_and_that_is_told_once(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.run(60, "two", "one")
    await cluster.run(GONE_AFTER - BEAT, "one")
    assert not cluster.sees_gone("two")
    await cluster.run(BEAT, "one")
    assert cluster.sees_gone("two")
    assert GONE_AFTER + BEAT < 60
    await cluster.run(600, "one")
    assert cluster.servers["one"].deaths == 1
    assert len(caplog.records) == 1


async def test_a_server_that_goes_on_lives_again_and_may_die_again(cluster: Cluster) -> None:
    await cluster.run(60, "one", "two")
    await cluster.run(60, "one")
    await cluster.run(BEAT, "two", "one")
    assert not cluster.sees_gone("two")
    await cluster.run(60, "one")
    assert cluster.sees_gone("two")
    assert cluster.servers["one"].deaths == 2


async def test_a_server_nobody_has_heard_of_is_gone_once_it_would_have_been_heard(cluster: Cluster) -> None:
    assert not cluster.sees_gone("never")
    await cluster.run(GONE_AFTER - BEAT, "one")
    assert not cluster.sees_gone("never")
    await cluster.run(BEAT, "one")
    assert cluster.sees_gone("never")
    assert not cluster.sees_gone("one")


async def test_a_server_that_stood_still_judges_nobody_by_what_it_missed(cluster: Cluster) -> None:
    await cluster.run(60, "one", "two")
    await cluster.run(600, "two")
    cluster.time[0] += GONE_AFTER  # both are stopped
    await cluster.run(BEAT, "one")
    assert not cluster.sees_gone("two")
    assert not cluster.sees_gone("never"), "the watch begins anew"
    await cluster.run(GONE_AFTER, "one")
    assert cluster.sees_gone("two")


async def test_nobody_is_gone_after_an_outage_of_the_database(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.replicas.BEAT", 0.01)
    await cluster.run(60, "one", "two")
    store, server = cluster.stores["one"], cluster.servers["one"]
    store.writable.clear()
    server.replicas.start()
    await eventually(refusals, store, wanted=lambda count: count > 3)
    cluster.time[0] += 600
    seen = (await store.read(lambda reading: reading.replicas.beats()))["one"]
    store.writable.set()
    await eventually(beats, store, wanted=lambda count: count > seen)
    await server.replicas.stop()
    assert not cluster.sees_gone("two")
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "this server cannot record that it lives"
    ]


async def refusals(store: FailingStore) -> int:
    return store.refused


async def beats(store: FailingStore) -> int:
    return (await store.read(lambda reading: reading.replicas.beats()))["one"]
