"""Bodies of hooks, made at the first try and kept, so that every try sends the same bytes.

Plans often come to an end together. Bodies that are asked for at the same time are made with one read and kept with one
write: what is asked for while a turn is under way waits for the next one.
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


class HookBodies:
    """Makes and keeps the bodies of hooks."""

    def __init__(self, store: Store, engine: Engine, *, document_aliases: bool) -> None:
        self._store, self._engine, self._aliases = store, engine, document_aliases
        self._asked: list[tuple[Effect, asyncio.Future[bytes]]] = []
        self._turns: asyncio.Task[None] | None = None

    async def of(self, delivery: Delivery) -> bytes:
        """Return what every try of a delivery sends. Raises NotFound when there is no such plan."""
        effect = delivery.effect
        if delivery.attempts > 1 and (kept := await self._kept(effect.id)):
            return kept
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.append((effect, future))
        if self._turns is None:
            self._turns = asyncio.create_task(self._make_all())
        return await future

    async def _kept(self, effect_id: str) -> bytes | None:
        return await self._store.read(lambda reading: reading.deliveries.body(effect_id))

    async def _make_all(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._make(asked)
        finally:
            self._turns = None

    async def _make(self, asked: Sequence[tuple[Effect, asyncio.Future[bytes]]]) -> None:
        try:
            results = await self._made_and_kept([effect for effect, _ in asked])
        except Exception as error:  # noqa: BLE001 - whatever happened belongs to those who wait for it
            results = [error] * len(asked)
        for (_, future), result in zip(asked, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, bytes):
                future.set_result(result)
            else:
                future.set_exception(result)

    async def _made_and_kept(self, effects: Sequence[Effect]) -> list[bytes | Exception]:
        results = await self._store.read(lambda reading: self._made(reading, effects))

        made = zip(effects, results, strict=True)
        bodies = {effect.id: result for effect, result in made if isinstance(result, bytes)}
        await self._store.write(lambda writing: writing.outbox.store_bodies(bodies))
        return results

    def _made(self, reading: Reading, effects: Sequence[Effect]) -> list[bytes | Exception]:
        """Make a body for each effect; what is wrong with one plan stops no other."""
        plans, directory = reading.plans.get_masked({effect.plan_id for effect in effects}), self._engine.directory
        made: list[bytes | Exception] = []
        for effect in effects:
            if effect.plan_id not in plans:
                made.append(NotFound(Thing.PLAN, effect.plan_id))
                continue
            plan = plans[effect.plan_id]
            try:
                made.append(render_body(plan, effect.payload_as(Hook), directory, document_aliases=self._aliases))
            except Exception as error:  # noqa: BLE001
                made.append(error)
        return made
