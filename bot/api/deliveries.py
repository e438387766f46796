"""What is told to outside systems: how it went, and telling it again."""

from __future__ import annotations

from typing import Any

from bot.api.bodies import DeliveryFilter, Replay, Words
from bot.api.models import DeliveryAnswer, Listed, ReplayAnswer
from bot.api.routing import KEY_HEADER, Call, Endpoint
from bot.outbox.replay import Choice, Replays, given_up, named
from core.errors import NotFound, Thing
from core.messages import Message
from core.ports.outbox import Attempt, Delivery
from core.ports.paging import Page
from core.ports.store import Reading


async def of_plan(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List the deliveries of a plan, the newest first."""
    return await _list(call, call.ref("id", Thing.PLAN))


async def of_all(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List all deliveries, the newest first."""
    return await _list(call, "")


async def _list(call: Call[None, DeliveryFilter], ref: str) -> Listed[DeliveryAnswer]:
    asked = call.query

    def query(reading: Reading) -> Page[Delivery]:
        plan_id = reading.plans.id_of(ref) if ref else ""
        return reading.deliveries.page(plan_id, asked.state, asked.cursor, asked.limit)

    return Listed[DeliveryAnswer].of(await call.services.store.read(query), DeliveryAnswer.of)


async def show(call: Call[None, None]) -> DeliveryAnswer:
    """Read a delivery with its tries and what the other side answered to each."""
    effect_id = call.ref("id", Thing.DELIVERY)

    def query(reading: Reading) -> tuple[list[Delivery], list[Attempt]]:
        return reading.deliveries.by_ids([effect_id]), reading.deliveries.attempts(effect_id)

    found, tries = await call.services.store.read(query)
    if not found:
        raise NotFound(Thing.DELIVERY, effect_id)
    return DeliveryAnswer.of(found[0], tries)


async def replay_one(call: Call[Words, None]) -> ReplayAnswer:
    """Begin an ended delivery again. Raises NotFound when there is none that has ended."""
    effect_id = call.ref("id", Thing.DELIVERY)
    answer = await _replay(call, named([effect_id]))
    if not answer.replayed:
        raise NotFound(Message("There is no delivery {ref} that has ended.", {"ref": effect_id}))
    return answer


async def replay_many(call: Call[Replay, None]) -> ReplayAnswer:
    """Begin ended deliveries again: those named, or all that were given up in a time."""
    asked = call.body
    chosen = named(asked.ids) if asked.ids is not None else given_up(since=asked.since, until=asked.until)
    return await _replay(call, chosen)


async def _replay(call: Call[Any, Any], chosen: Choice) -> ReplayAnswer:
    replays = Replays(call.services.store, call.services.engine)
    done = await replays.replay(chosen, call.actor, call.key, call.fingerprint)
    if done.repeated:
        call.headers["Idempotent-Replayed"] = "true"
    return ReplayAnswer(replayed=done.count)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/deliveries", summary="List the deliveries of a plan", handler=of_plan,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter, refusals=(404,)),
    Endpoint(method="GET", path="/deliveries", summary="List all deliveries, the newest first", handler=of_all,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter),
    Endpoint(method="GET", path="/deliveries/{id}", summary="Read a delivery with its tries and their answers",
             handler=show, answer=DeliveryAnswer, refusals=(404,)),
    Endpoint(method="POST", path="/deliveries/{id}/replay", summary="Begin an ended delivery again",
             handler=replay_one, answer=ReplayAnswer, body=Words, refusals=(404,), request_headers=(KEY_HEADER,)),
    Endpoint(method="POST", path="/deliveries/replay", summary="Begin several ended deliveries again",
             handler=replay_many, answer=ReplayAnswer, body=Replay, request_headers=(KEY_HEADER,),
             example={"since": "2026-11-24T08:00:00Z"}),
)  # fmt: skip
