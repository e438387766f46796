"""Delivering again what has ended: for the API, the command line and the chats, with who did it in the log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from core import commands as c
from core.engine import Engine
from core.errors import Forbidden
from core.messages import Message
from core.people import Actor
from core.ports.outbox import Delivery, DeliveryReads, DeliveryState
from core.ports.paging import read_all
from core.ports.store import Store

_ENDED = (DeliveryState.DONE, DeliveryState.DEAD)
_PART = 200
Choice = Callable[[DeliveryReads], list[Delivery]]


def named(effect_ids: Collection[str]) -> Choice:
    """Choose the deliveries with these ids that have ended."""
    return lambda deliveries: [found for found in deliveries.by_ids(effect_ids) if found.state in _ENDED]


def given_up(plan_id: str = "", since: datetime | None = None, until: datetime | None = None) -> Choice:
    """Choose the deliveries of a plan, or of all, that were given up and came up between two moments."""

    def between(delivery: Delivery) -> bool:
        at = delivery.created_at
        return at is not None and (since is None or at >= since) and (until is None or at <= until)

    return lambda deliveries: [delivery for delivery in _dead(deliveries, plan_id) if between(delivery)]


def _dead(deliveries: DeliveryReads, plan_id: str) -> Iterator[Delivery]:
    return read_all(lambda cursor: deliveries.page(plan_id, DeliveryState.DEAD, cursor, _PART))


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries begin again; `repeated` tells that the same request had been accepted before."""

    count: int
    repeated: bool = False


class Replays:
    """Begins deliveries again, each with a line in its plan's log in the same transaction."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store, self._engine = store, engine

    async def replay(self, choose: Choice, actor: Actor, key: str = "", fingerprint: str = "") -> Replayed:
        """Begin what is chosen again, once per key; a request that broke off goes on when it comes again.

        Raises Forbidden for all but administrators, Invalid when the key came with another request before.
        """
        chosen = await self._store.read(lambda reading: choose(reading.deliveries))
        if not actor.admin and not chosen:
            raise Forbidden(Message("Only administrators may repeat deliveries. Ask one of them."))
        if accepted := await self._engine.find_accepted(key, fingerprint):
            return Replayed(accepted.replayed, repeated=True)
        plans: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in chosen:
            plans[delivery.effect.plan_id].append(delivery)
        commands = [_command(plan_id, deliveries, len(chosen)) for plan_id, deliveries in plans.items()]
        await asyncio.gather(
            *(
                self._engine.execute(command, actor, key and f"{key}/{command.plan_id}", fingerprint)
                for command in commands[:-1]
            )
        )
        for command in commands[-1:]:  # under the key itself: when it is known, everything was done
            outcome = await self._engine.execute(command, actor, key, fingerprint)
            return Replayed(outcome.replayed, outcome.repeated)
        return Replayed(0)


def _command(plan_id: str, deliveries: list[Delivery], total: int) -> c.Replay:
    ids = tuple(delivery.effect.id for delivery in deliveries)
    destinations = sorted({str(delivery.effect.destination) for delivery in deliveries})
    return c.Replay(plan_id=plan_id, deliveries=ids, destinations=tuple(destinations), total=total)
