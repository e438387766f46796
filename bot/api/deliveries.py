"""Endpoints of deliveries: lists, one delivery with its attempts, and replays of those that have ended."""

from __future__ import annotations

from typing import Any

from bot.api.bodies import DeliveryFilter, Replay, Words
from bot.api.models import DeliveryAnswer, Listed, ReplayAnswer
from bot.api.routing import KEY_HEADER, Call, Endpoint
from bot.outbox.replay import Choice, Replays, choose_dead, choose_ids
from core.commands import Verb
from core.errors import NotFound, Thing
from core.messages import Message
from core.ports.outbox import Attempt, Delivery
from core.ports.paging import Page
from core.ports.store import Reading
from core.verbs import VERBS


async def list_of_plan(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List the deliveries of a plan, the newest first."""
    return await _list(call, call.ref("id", Thing.PLAN))


async def list_all(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List all deliveries, the newest first."""
    return await _list(call, "")


async def _list(call: Call[None, DeliveryFilter], ref: str) -> Listed[DeliveryAnswer]:
    query = call.query

    def load(reading: Reading) -> Page[Delivery]:
        plan_id = reading.plans.id_of(ref) if ref else ""
        return reading.deliveries.page(plan_id, query.state, query.cursor, query.limit)

    return Listed[DeliveryAnswer].of(await call.services.store.read(load), DeliveryAnswer.of)


async def show(call: Call[None, None]) -> DeliveryAnswer:
    """Answer a delivery with its attempts."""
    effect_id = call.ref("id", Thing.DELIVERY)

    def load(reading: Reading) -> tuple[list[Delivery], list[Attempt]]:
        return reading.deliveries.by_ids([effect_id]), reading.deliveries.attempts(effect_id)

    found, attempts = await call.services.store.read(load)
    if not found:
        raise NotFound(Thing.DELIVERY, effect_id)
    return DeliveryAnswer.of(found[0], attempts)


async def replay_one(call: Call[Words, None]) -> ReplayAnswer:
    """Replay a delivery. Raises NotFound when there is none with this id that has ended."""
    effect_id = call.ref("id", Thing.DELIVERY)
    answer = await _replay(call, choose_ids([effect_id]))
    if not answer.replayed:
        raise NotFound(Message("There is no delivery {ref} that has ended.", {"ref": effect_id}))
    return answer


async def replay_many(call: Call[Replay, None]) -> ReplayAnswer:
    """Replay the ended deliveries with these ids, or all dead ones that were created in a span of time."""
    body = call.body
    choice = choose_ids(body.ids) if body.ids is not None else choose_dead(since=body.since, until=body.until)
    return await _replay(call, choice)


async def _replay(call: Call[Any, Any], choice: Choice) -> ReplayAnswer:
    replays = Replays(call.services.store, call.services.engine)
    done = await replays.replay(choice, call.actor, call.key, call.fingerprint)
    if done.repeated:
        call.headers["Idempotent-Replayed"] = "true"
    return ReplayAnswer(replayed=done.count)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/deliveries", summary="List the deliveries of a plan", handler=list_of_plan,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter, refusals=(404,)),
    Endpoint(method="GET", path="/deliveries", summary="List all deliveries, the newest first", handler=list_all,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter),
    Endpoint(method="GET", path="/deliveries/{id}", summary="Read a delivery with its tries and their answers",
             handler=show, answer=DeliveryAnswer, refusals=(404,)),
    Endpoint(method="POST", path="/deliveries/{id}/replay", summary="Begin an ended delivery again",
             handler=replay_one, answer=ReplayAnswer, body=Words, refusals=(404,), request_headers=(KEY_HEADER,),
             scope=VERBS[Verb.REPLAY].scope),
    Endpoint(method="POST", path="/deliveries/replay", summary="Begin several ended deliveries again",
             handler=replay_many, answer=ReplayAnswer, body=Replay, request_headers=(KEY_HEADER,),
             example={"since": "2026-11-24T08:00:00Z"}, scope=VERBS[Verb.REPLAY].scope),
)  # fmt: skip
