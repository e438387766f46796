"""Replays: ended deliveries become pending again, with an entry in the operation log of each plan."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from core import commands as c
from core.effects import Ungated
from core.engine import Engine
from core.errors import Forbidden
from core.messages import Message
from core.people import Actor
from core.ports.outbox import Delivery, DeliveryReads, DeliveryState
from core.ports.paging import read_all
from core.ports.store import Store

_ENDED = (DeliveryState.DONE, DeliveryState.DEAD)
_PAGE_SIZE = 200
Choice = Callable[[DeliveryReads], list[Delivery]]
"""Reads the deliveries to replay from a snapshot."""


def choose_ids(effect_ids: Collection[str]) -> Choice:
    """Choose the deliveries with these ids that have ended."""
    return lambda deliveries: [found for found in deliveries.by_ids(effect_ids) if found.state in _ENDED]


def choose_dead(plan_id: str = "", since: datetime | None = None, until: datetime | None = None) -> Choice:
    """Choose the dead deliveries of a plan, or of all plans, that were created between two times, both included."""

    def between(delivery: Delivery) -> bool:
        at = delivery.created_at
        return at is not None and (since is None or at >= since) and (until is None or at <= until)

    return lambda deliveries: [delivery for delivery in _iter_dead(deliveries, plan_id) if between(delivery)]


def _iter_dead(deliveries: DeliveryReads, plan_id: str) -> Iterator[Delivery]:
    return read_all(lambda cursor: deliveries.page(plan_id, DeliveryState.DEAD, cursor, _PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The number of deliveries that became pending; `repeated` when the same request was accepted before."""

    count: int
    repeated: bool = False


class Replays:
    """Replays deliveries, plan by plan, each with its log entry in the same transaction."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store, self._engine = store, engine

    async def replay(self, choose: Choice, actor: Actor, key: str = "", fingerprint: str = "") -> ReplayResult:
        """Replay the chosen deliveries, once per key. A request that was interrupted continues when it is repeated.

        Raises Forbidden for all but administrators, and Invalid when the key was used for another request.
        """
        chosen = await self._store.read(lambda reading: choose(reading.deliveries))
        unlogged = [delivery.effect.id for delivery in chosen if isinstance(delivery.effect.payload, Ungated)]
        if not actor.admin and len(unlogged) == len(chosen):
            raise Forbidden(Message("Only administrators may repeat deliveries. Ask one of them."))
        if accepted := await self._engine.find_accepted(key, fingerprint):
            return ReplayResult(accepted.replayed, repeated=True)
        plans: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in chosen:
            if delivery.effect.id not in unlogged:
                plans[delivery.effect.plan_id].append(delivery)
        commands = [_make_command(plan_id, deliveries, len(chosen)) for plan_id, deliveries in plans.items()]
        await asyncio.gather(
            *(
                self._engine.execute(command, actor, key and f"{key}/{command.plan_id}", fingerprint)
                for command in commands[:-1]
            )
        )
        if unlogged:  # of plans of other systems, which have no operation log here
            now = self._engine.context(actor).now
            await self._store.write(lambda writing: writing.outbox.replay(unlogged, now))
        for command in commands[-1:]:  # under the key itself: once it is stored, all commands have been executed
            outcome = await self._engine.execute(command, actor, key, fingerprint)
            return ReplayResult(outcome.replayed, outcome.repeated)
        return ReplayResult(len(unlogged))


def _make_command(plan_id: str, deliveries: list[Delivery], total: int) -> c.Replay:
    ids = tuple(delivery.effect.id for delivery in deliveries)
    destinations = sorted({str(delivery.effect.destination) for delivery in deliveries})
    return c.Replay(plan_id=plan_id, deliveries=ids, destinations=tuple(destinations), total=total)
