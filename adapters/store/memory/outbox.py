"""Effects inside a transaction in memory (`core.ports.outbox.Outbox`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.store.memory.state import State
from core.effects import Destination, Effect, Sync
from core.errors import Conflict
from core.ports.clock import Clock
from core.ports.outbox import Claim, Delivery, DeliveryState, Settled

ENDED = (DeliveryState.DONE, DeliveryState.DEAD)


def _queue(effect: Effect) -> tuple[str, Destination]:
    return effect.plan_id, effect.destination


def _queue_of(delivery: Delivery) -> tuple[str, Destination]:
    return _queue(delivery.effect)


class MemoryOutbox:
    """Implements `Outbox`. Deliveries are stored in the order in which they were added."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state, self._clock = state, clock

    def claim(self, now: datetime, lease: timedelta, limit: int, busy: Collection[Destination] = ()) -> list[Delivery]:
        """See `Outbox.claim`."""
        oldest: dict[tuple[str, Destination], int] = {}
        for seq, delivery in self._state.deliveries.items():
            if delivery.state not in ENDED:
                oldest.setdefault(_queue_of(delivery), seq)
        due = [(at, seq) for seq in oldest.values() if (at := self._due_at(seq)) <= now and not self._busy(seq, busy)]
        due.sort(key=lambda each: (self._state.deliveries[each[1]].is_direct, *each))
        taken = [seq for _, seq in due[:limit]]
        for seq in taken:
            delivery = self._state.deliveries[seq]
            self._state.deliveries[seq] = replace(
                delivery, state=DeliveryState.SENDING, attempts=delivery.attempts + 1, due_at=now + lease
            )
        return [self._state.deliveries[seq] for seq in taken]

    def renew(self, claims: Collection[Claim], lease_end: datetime) -> set[Claim]:
        """See `Outbox.renew`."""
        held = self._held(claims)
        for seq in held.values():
            self._state.deliveries[seq] = replace(self._state.deliveries[seq], due_at=lease_end)
        return set(held)

    def release(self, claims: Collection[Claim], now: datetime) -> None:
        """See `Outbox.release`."""
        for seq in self._held(claims).values():
            self._reopen(seq, now)

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """See `Outbox.shorten_leases`."""
        sending = [seq for seq, each in self._state.deliveries.items() if each.state is DeliveryState.SENDING]
        overlong = [seq for seq in sending if self._due_at(seq) > now + 2 * lease]
        for seq in overlong:
            self._state.deliveries[seq] = replace(self._state.deliveries[seq], due_at=now + lease)
        return len(overlong)

    def hasten(self, now: datetime) -> int:
        """See `Outbox.hasten`."""
        pending = [seq for seq, each in self._state.deliveries.items() if each.state is DeliveryState.PENDING]
        waiting = [seq for seq in pending if self._due_at(seq) > now]
        for seq in waiting:
            self._state.deliveries[seq] = replace(self._state.deliveries[seq], due_at=now, holds={})
        return len(waiting)

    def release_all(self, now: datetime) -> int:
        """See `Outbox.release_all`."""
        claimed = [seq for seq, each in self._state.deliveries.items() if each.state is DeliveryState.SENDING]
        for seq in claimed:
            self._reopen(seq, now)
        return len(claimed)

    def settle(self, results: Sequence[Settled]) -> set[Claim]:
        """See `Outbox.settle`."""
        held = self._held([result.claim for result in results])
        for result in results:
            seq = held.get(result.claim)
            if seq is None:
                continue
            if self._is_sync(seq) and result.state is DeliveryState.DONE:
                self._forget(seq)
                continue
            if result.attempt:
                past = self._state.attempts.get(result.effect_id, ())
                self._state.attempts[result.effect_id] = (*past, result.attempt)
            self._end(seq, result)
        return {result.claim for result in results} - set(held)

    def add(self, effects: Sequence[Effect]) -> None:
        """See `Outbox.add`."""
        now = self._clock.now()
        for effect in effects:
            syncs = self._pending_syncs(_queue(effect)) if isinstance(effect.payload, Sync) else []
            for seq in syncs:
                due_at = min(self._due_at(seq), effect.due_at or now)
                self._state.deliveries[seq] = replace(self._state.deliveries[seq], due_at=due_at)
            if syncs:
                continue
            if self._numbers([effect.id]):
                raise Conflict
            self._state.last_seq += 1
            pending = Delivery(effect, DeliveryState.PENDING, due_at=effect.due_at or now, created_at=now)
            self._state.deliveries[self._state.last_seq] = pending

    def replay(self, effect_ids: Collection[str], now: datetime) -> int:
        """See `Outbox.replay`. Of several syncs of one plan and destination the newest replaces the others."""
        numbers = [seq for seq in self._numbers(effect_ids).values() if self._state.deliveries[seq].state in ENDED]
        chosen = {
            _queue_of(self._state.deliveries[seq]) if self._is_sync(seq) else str(seq): seq for seq in sorted(numbers)
        }
        for seq in chosen.values():
            self._reopen(seq, now)
            self._state.deliveries[seq] = replace(self._state.deliveries[seq], settled_at=None)
        return len(chosen)

    def store_bodies(self, bodies: Mapping[str, bytes]) -> None:
        """See `Outbox.store_bodies`."""
        for effect_id, body in bodies.items():
            self._state.bodies.setdefault(effect_id, body)

    def _end(self, seq: int, result: Settled) -> None:
        now, before = self._clock.now(), self._state.deliveries[seq]
        if result.state is DeliveryState.PENDING:
            self._reopen(seq, result.due_at or now)
        else:
            self._state.deliveries[seq] = replace(before, state=result.state, due_at=None, settled_at=now)
        self._state.deliveries[seq] = replace(
            self._state.deliveries[seq],
            error=result.error_after(before.error),
            attempts=before.attempts - (result.attempt is None),
            holds=result.holds,
        )

    def _reopen(self, seq: int, due_at: datetime) -> None:
        """Make a delivery pending. A `Sync` replaces those that were added since, and is due when the earliest is."""
        delivery = self._state.deliveries[seq]
        for other in self._pending_syncs(_queue_of(delivery)) if self._is_sync(seq) else ():
            due_at = min(due_at, self._due_at(other))
            self._forget(other)
        self._state.deliveries[seq] = replace(delivery, state=DeliveryState.PENDING, due_at=due_at)

    def _pending_syncs(self, queue: tuple[str, Destination]) -> list[int]:
        return [
            seq
            for seq, delivery in self._state.deliveries.items()
            if delivery.state is DeliveryState.PENDING and _queue_of(delivery) == queue and self._is_sync(seq)
        ]

    def _forget(self, seq: int) -> None:
        effect_id = self._state.deliveries.pop(seq).effect.id
        self._state.attempts.pop(effect_id, None)
        self._state.bodies.pop(effect_id, None)

    def _numbers(self, effect_ids: Iterable[str]) -> dict[str, int]:
        wanted = set(effect_ids)
        return {d.effect.id: seq for seq, d in self._state.deliveries.items() if d.effect.id in wanted}

    def _held(self, claims: Collection[Claim]) -> dict[Claim, int]:
        """Return the numbers of the effects whose claims are still held."""
        numbers = self._numbers(claim.effect_id for claim in claims)
        of = {claim: self._state.deliveries[numbers[claim.effect_id]] for claim in claims if claim.effect_id in numbers}
        sending = DeliveryState.SENDING
        return {c: numbers[c.effect_id] for c, each in of.items() if each.state is sending and each.claim == c}

    def _is_sync(self, seq: int) -> bool:
        return isinstance(self._state.deliveries[seq].effect.payload, Sync)

    def _busy(self, seq: int, busy: Collection[Destination]) -> bool:
        return self._state.deliveries[seq].effect.destination in busy

    def _due_at(self, seq: int) -> datetime:
        due_at = self._state.deliveries[seq].due_at
        return due_at or self._clock.now()
