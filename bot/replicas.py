"""The servers on one database: each records that it lives, and watches that the others do.

A server is known by the folder of its local runs, which outlives the process: when it is started again, it is the same
server, with what its predecessor has left. Whether another lives is judged by a number that it counts up, and by this
server's own monotonic clock, so that no two clocks are compared.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from core.errors import FabuError
from core.ports.clock import Clock
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two records that this server lives."""
GONE_AFTER = 30.0
"""Seconds without a record after which a server counts as gone."""
_GAP = 3 * BEAT
"""Seconds without a look at the others after which the watch begins anew: they may have been cut off as well."""


class Replicas:
    """Records that this server lives, and knows which others do."""

    def __init__(
        self, store: Store, clock: Clock, replica_id: str, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock, self._id, self._seconds = store, clock, replica_id, seconds
        self._known: dict[str, tuple[int, float]] = {}
        """How often each server has recorded that it lives, and since when that number is the same."""
        self._watched_since = self._watched_until = seconds()
        self._gone: set[str] = set()
        self._on_death: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._run(), name="replicas")

    async def stop(self) -> None:
        """Beat no more. The others count this server as gone some time later, unless it starts again."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def listen(self, notify: Callable[[], None]) -> None:
        """Call a function when a server is found gone."""
        self._on_death.append(notify)

    def is_gone(self, replica_id: str) -> bool:
        """Return whether a server has not lived for a while. It is not gone as long as this server cannot know."""
        if replica_id == self._id:
            return False
        if replica_id in self._known:
            return replica_id in self._gone
        return self._watched_until - self._watched_since >= GONE_AFTER

    async def beat(self) -> None:
        """Record that this server lives, and look at the others. Raises Unavailable while the database is away."""

        def record(writing: Writing) -> None:
            writing.replicas.beat(self._id, self._clock.now())

        await self._store.write(record)
        self._watch(await self._store.read(lambda reading: reading.replicas.beats()))

    def _watch(self, beats: Mapping[str, int]) -> None:
        now = self._seconds()
        if now - self._watched_until > _GAP:
            self._known, self._watched_since = {}, now
        self._watched_until = now
        self._known = {
            each: (count, since if (since := self._since(each, count)) is not None else now)
            for each, count in beats.items()
        }
        gone = {each for each, (_, since) in self._known.items() if now - since >= GONE_AFTER}
        died, self._gone = gone - self._gone, gone
        if died:
            log.warning(
                "no sign of life for %g s from the server %s (the id is in its local.work_dir/home): its local runs are"
                " unknown now",
                GONE_AFTER,
                ", ".join(sorted(died)),
            )
            for notify in self._on_death:
                notify()

    def _since(self, replica_id: str, beats: int) -> float | None:
        """Return since when a server has recorded nothing; None when it just has."""
        known, since = self._known.get(replica_id, (0, 0.0))
        return since if known == beats else None

    async def _run(self) -> None:
        failing = False
        while True:
            try:
                await self.beat()
            except FabuError as error:
                if not failing:
                    log.warning("this server cannot record that it lives: %s", error)
                failing = True
            except Exception:
                log.exception("this server cannot record that it lives")
            else:
                failing = False
            await asyncio.sleep(BEAT)
