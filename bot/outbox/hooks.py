"""The delivery of hooks to external systems.

All attempts of a delivery send the same bytes with the same `webhook-id`, the id of the effect. An endpoint is disabled
when it answers 410, or when all attempts have failed for 120 hours. New hooks are not sent to a disabled endpoint until
the replay of a delivery succeeds. Whether an endpoint is disabled is computed from its past attempts, so that all
replicas agree.
"""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus

from adapters.common.connecting import Reachability
from adapters.hooks.guard import guarded_session
from adapters.hooks.schedule import DISABLE_AFTER, MAX_RETRY_AFTER, next_delay, should_disable
from adapters.hooks.sender import Attempt, Outcome, make_receiver, send
from bot.outbox.hook_bodies import HookBodies
from bot.outbox.worker import Courier, Receipt
from config.settings import Settings
from core import commands as c
from core.effects import Destination, Effect, Hook
from core.engine import Engine
from core.errors import DeliveryError, NotFound
from core.messages import Message
from core.people import SYSTEM
from core.ports.clock import Clock
from core.ports.outbox import Delivery
from core.ports.store import Store

log = logging.getLogger(__name__)

_KEPT_FAILING = Message("it has failed for {days} days", {"days": DISABLE_AFTER.days})


class Hooks:
    """Sends hooks to the endpoints in the settings. Create it in a running event loop, and close it with `close`."""

    def __init__(self, settings: Settings, store: Store, engine: Engine, clock: Clock) -> None:
        self._store, self._engine, self._clock = store, engine, clock
        self._bodies = HookBodies(store, engine, document_aliases=settings.hooks.document_aliases)
        self._receivers = {target.name: make_receiver(target, settings.public_url) for target in settings.hooks.targets}
        self._session = guarded_session(settings.hooks.allow_internal)
        self._healthy: set[Destination] = set()
        self._reachability = {
            name: Reachability(f"hook endpoint {name}", "check its url", log) for name in self._receivers
        }

    @property
    def courier(self) -> Courier:
        """How hooks are delivered: with ten attempts in three days."""
        return Courier(self._deliver, _backoff, self._log_failure, _make_note)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _deliver(self, delivery: Delivery) -> Receipt:
        effect = delivery.effect
        receiver = self._receivers.get(effect.destination.name)
        if receiver is None:
            raise _refusal(effect, Message("it is not in the settings any more"))
        if delivery.attempts == 1 and effect.destination not in self._healthy:
            await self._check_enabled(effect)
        body = await self._bodies.of(delivery)
        hook, now = effect.payload_as(Hook), self._clock.now()
        attempt = await send(
            self._session, receiver, body, event=hook.event.value, effect_id=effect.id, now=now, code=hook.instance_code
        )
        self._log_reachability(effect.destination.name, attempt)
        if attempt.outcome is not Outcome.DELIVERED:
            self._healthy.discard(effect.destination)
            raise _failure(effect, attempt)
        self._healthy.add(effect.destination)
        return Receipt(attempt.status or 0, attempt.answer)

    def _log_reachability(self, endpoint: str, attempt: Attempt) -> None:
        """Log the first attempt without a response, and the first response after that, whatever its status."""
        if attempt.error:
            self._reachability[endpoint].mark_lost(attempt.error)
        else:
            self._reachability[endpoint].mark_restored()

    async def _check_enabled(self, effect: Effect) -> None:
        """Raise DeliveryError when the endpoint is disabled."""
        outage = await self._store.read(lambda reading: reading.deliveries.outage(effect.destination))
        if outage and (outage.gone or should_disable(outage.since, self._clock.now())):
            why = Message("it answered 410") if outage.gone else _KEPT_FAILING
            reason = Message("it is disabled, for {why}. Mend it, then replay this delivery", {"why": why})
            raise _refusal(effect, reason)

    async def _log_failure(self, delivery: Delivery, error: DeliveryError) -> None:
        """Write to the plan's log, which threads show, that an endpoint did not get a hook."""
        effect = delivery.effect
        endpoint, event = effect.destination.name, effect.payload_as(Hook).event
        note = c.NoteHookUndeliverable(plan_id=effect.plan_id, endpoint=endpoint, event=event, reason=error.reason)
        with suppress(NotFound):  # the plan is deleted, so nobody reads its log
            await self._engine.execute(note, SYSTEM)
        await self._notify_disabled(effect, error)

    async def _notify_disabled(self, effect: Effect, error: DeliveryError) -> None:
        """Have administrators notified, once, when this failure disables the endpoint."""
        now, endpoint = self._clock.now(), effect.destination.name
        outage = await self._store.read(lambda reading: reading.deliveries.outage(effect.destination))
        if outage and outage.gone:
            return
        if error.status == HTTPStatus.GONE:
            # Other hooks on their way get the same answer within the minute: the key makes one alarm of them.
            reason, since = Message("it answered 410 (Gone)"), f"{now:%Y-%m-%dT%H:%M}"
        elif outage and should_disable(outage.since, now):
            reason, since = Message("it has done nothing but fail for five days"), outage.since.isoformat()
        else:
            return
        note = c.NoteEndpointDisabled(plan_id=effect.plan_id, endpoint=endpoint, reason=reason)
        await self._engine.execute(note, SYSTEM, f"disabled:{endpoint}:{since}")


def _backoff(delivery: Delivery) -> timedelta | None:
    return next_delay(delivery.attempts, random.random)


def _make_note(delivery: Delivery) -> c.NoteHookDelivered:
    effect = delivery.effect
    event = effect.payload_as(Hook).event
    return c.NoteHookDelivered(
        plan_id=effect.plan_id, endpoint=effect.destination.name, event=event, delivery=effect.id
    )


def _failure(effect: Effect, attempt: Attempt) -> DeliveryError:
    """Return the error for an attempt that failed."""
    return DeliveryError(
        str(effect.destination),
        attempt.error or Message("it answered {status}", {"status": attempt.status or 0}),
        retryable=attempt.outcome is Outcome.RETRY,
        retry_after=min(attempt.retry_after or timedelta(0), MAX_RETRY_AFTER).total_seconds(),
        status=attempt.status or 0,
        answer=attempt.answer,
    )


def _refusal(effect: Effect, reason: Message) -> DeliveryError:
    """Return the error for an effect that is not sent at all."""
    return DeliveryError(str(effect.destination), reason, retryable=False, sent=False)
