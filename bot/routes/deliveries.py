"""What is told to outside systems: how it went, and telling it again."""

from __future__ import annotations

from typing import Any

from bot.routes.bodies import DeliveryFilter, Replay, Words
from bot.routes.models import DeliveryAnswer, Listed, ReplayAnswer
from bot.routes.routing import Call, Endpoint
from core.errors import Forbidden, NotFound
from core.ports import Delivery, DeliveryState, Page, Reading

_PART = 200


async def of_plan(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List the deliveries of a plan, the newest first."""
    return await _list(call, call.ref("id", "plan"))


async def of_all(call: Call[None, DeliveryFilter]) -> Listed[DeliveryAnswer]:
    """List all deliveries, the newest first."""
    return await _list(call, "")


async def _list(call: Call[None, DeliveryFilter], ref: str) -> Listed[DeliveryAnswer]:
    asked = call.query

    def query(reading: Reading) -> Page[Delivery]:
        plan_id = reading.plan_id(ref) if ref else ""
        return reading.deliveries(plan_id, asked.state, asked.cursor, asked.limit)

    return Listed[DeliveryAnswer].of(await call.services.store.read(query), DeliveryAnswer.of)


async def replay_one(call: Call[Words, None]) -> ReplayAnswer:
    """Begin an ended delivery again. Raises NotFound when there is none that has ended."""
    effect_id = call.ref("id", "delivery")
    answer = await _replay(call, [effect_id])
    if not answer.replayed:
        raise NotFound("There is no delivery {ref} that has ended.", ref=effect_id)
    return answer


async def replay_many(call: Call[Replay, None]) -> ReplayAnswer:
    """Begin ended deliveries again: those named, or all that were given up in a time."""
    asked = call.body
    if asked.ids is not None:
        return await _replay(call, asked.ids)

    def given_up(reading: Reading) -> list[str]:
        found, cursor = [], ""
        while True:
            page = reading.deliveries(state=DeliveryState.DEAD, cursor=cursor, limit=_PART)
            found += [delivery.effect.id for delivery in page.items if _between(delivery, asked)]
            cursor = page.next_cursor
            if not cursor:
                return found

    _administrators_only(call)
    return await _replay(call, await call.services.store.read(given_up))


def _between(delivery: Delivery, asked: Replay) -> bool:
    at = delivery.created_at
    return at is not None and (asked.since is None or at >= asked.since) and (asked.until is None or at <= asked.until)


async def _replay(call: Call[Any, Any], effect_ids: tuple[str, ...] | list[str]) -> ReplayAnswer:
    _administrators_only(call)
    now = call.services.clock.now()
    return ReplayAnswer(
        replayed=await call.services.store.write(lambda writing: writing.outbox.replay(effect_ids, now))
    )


def _administrators_only(call: Call[Any, Any]) -> None:
    if not call.actor.admin:
        raise Forbidden("Only administrators may repeat deliveries. Ask one of them.")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/deliveries", summary="List the deliveries of a plan", handler=of_plan,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter, refusals=(404,)),
    Endpoint(method="GET", path="/deliveries", summary="List all deliveries, the newest first", handler=of_all,
             answer=Listed[DeliveryAnswer], query=DeliveryFilter),
    Endpoint(method="POST", path="/deliveries/{id}/replay", summary="Begin an ended delivery again",
             handler=replay_one, answer=ReplayAnswer, body=Words, refusals=(404,)),
    Endpoint(method="POST", path="/deliveries/replay", summary="Begin several ended deliveries again",
             handler=replay_many, answer=ReplayAnswer, body=Replay, example={"since": "2026-11-24T08:00:00Z"}),
)  # fmt: skip
