"""The bodies of hooks: rendered at the first attempt and stored, so that all attempts send the same bytes.

Many plans often end at the same time. Bodies that are requested together are rendered from one read and stored with one
write. A request that arrives while a batch is being rendered waits for the next batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.hooks.body import render_body
from core.effects import Effect, Hook
from core.engine import Engine
from core.errors import NotFound, Thing
from core.ports.outbox import Delivery
from core.ports.store import Reading, Store

_Request = tuple[Effect, asyncio.Future[bytes]]
"""An effect and the future of its body."""


class HookBodies:
    """Renders and stores the bodies of hooks."""

    def __init__(self, store: Store, engine: Engine, *, document_aliases: bool) -> None:
        self._store, self._engine, self._aliases = store, engine, document_aliases
        self._requests: list[_Request] = []
        self._batches: asyncio.Task[None] | None = None

    async def of(self, delivery: Delivery) -> bytes:
        """Return the body that all attempts of a delivery send. Raises NotFound when the plan does not exist."""
        effect = delivery.effect
        if delivery.attempts > 1 and (stored := await self._load(effect.id)):
            return stored
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._requests.append((effect, future))
        if self._batches is None:
            self._batches = asyncio.create_task(self._answer_all())
        return await future

    async def _load(self, effect_id: str) -> bytes | None:
        return await self._store.read(lambda reading: reading.deliveries.body(effect_id))

    async def _answer_all(self) -> None:
        try:
            while self._requests:
                batch, self._requests = self._requests, []
                await self._answer(batch)
        finally:
            self._batches = None

    async def _answer(self, batch: Sequence[_Request]) -> None:
        """Set the result of each request, or its exception."""
        try:
            results = await self._render_and_store([effect for effect, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is raised where the requests wait
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, bytes):
                future.set_result(result)
            else:
                future.set_exception(result)

    async def _render_and_store(self, effects: Sequence[Effect]) -> list[bytes | Exception]:
        results = await self._store.read(lambda reading: self._render(reading, effects))
        rendered = zip(effects, results, strict=True)
        bodies = {effect.id: result for effect, result in rendered if isinstance(result, bytes)}
        await self._store.write(lambda writing: writing.outbox.store_bodies(bodies))
        return results

    def _render(self, reading: Reading, effects: Sequence[Effect]) -> list[bytes | Exception]:
        """Return the body of each effect, or the exception that rendering it raised."""
        plans, directory = reading.plans.get_masked({effect.plan_id for effect in effects}), self._engine.directory
        results: list[bytes | Exception] = []
        for effect in effects:
            if effect.plan_id not in plans:
                results.append(NotFound(Thing.PLAN, effect.plan_id))
                continue
            plan = plans[effect.plan_id]
            try:
                results.append(render_body(plan, effect.payload_as(Hook), directory, document_aliases=self._aliases))
            except Exception as error:  # noqa: BLE001 - an error in one plan must not fail the others
                results.append(error)
        return results
