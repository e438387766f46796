"""Effects inside a transaction (`core.ports.outbox.Outbox`)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import text as sql

from adapters.store.sql.announcing import announce
from adapters.store.sql.rows import AnyRow, Values, micros, moment
from adapters.store.sql.tables import OPEN, PENDING_SYNC, attempts, effects
from core.effects import Destination, Effect, EffectKind, PayloadRecord, payload_of, record_of
from core.encoding import encode_json
from core.messages import Message
from core.ports.clock import Clock
from core.ports.outbox import Attempt, Claim, Delivery, DeliveryState, Hold, Settled

# These two are texts: an `insert` that knows ON CONFLICT is one database's own, and keeps its dialect in memory (2 MB).
ADD_EFFECT = sql(
    """
    INSERT INTO effects
        (id, plan_id, destination, kind, ref, payload, state, attempts, due_at, created_at, settled_at, error)
    VALUES (
        :id, :plan_id, :destination, :kind, :ref, :payload,
        :state, :attempts, :due_at, :created_at, :settled_at, :error
    )
    ON CONFLICT (plan_id, destination) WHERE kind = 'sync' AND state = 'pending' DO UPDATE
    SET due_at = CASE WHEN effects.due_at > excluded.due_at THEN excluded.due_at ELSE effects.due_at END
    """
)
"""Adds an effect; a pending `Sync` stays in place of a new one, and is due when the earlier of both is.

SQLite and PostgreSQL have the same ON CONFLICT; its condition is that of the index `uq_effects_sync`. The update also
locks the pending effect: nobody can claim it, and render the state before this transaction, until this transaction
commits.
"""
_STORE_BODY = sql(
    "INSERT INTO effect_bodies (effect_id, body) VALUES (:effect_id, :body) ON CONFLICT (effect_id) DO NOTHING"
)

_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_older = effects.alias("older")
_HAS_HOLDS = and_(effects.c.kind == EffectKind.SYNC.value, effects.c.payload != "{}")
_IS_DIRECT = or_(effects.c.kind.in_([EffectKind.ALARM.value, EffectKind.UNDELIVERED.value]), _HAS_HOLDS)
_CLAIMABLE = (
    select(effects)
    .where(
        effects.c.due_at <= bindparam("now"),
        effects.c.destination.not_in(bindparam("busy", expanding=True)),
        ~select(_older.c.seq)
        .where(
            _older.c.plan_id == effects.c.plan_id,
            _older.c.destination == effects.c.destination,
            _older.c.due_at.is_not(None),
            _older.c.seq < effects.c.seq,
        )
        .exists(),
    )
    .order_by(effects.c.due_at, effects.c.seq)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
)
_CLAIMABLE_IN_ORDER = (_CLAIMABLE.where(~_IS_DIRECT), _CLAIMABLE.where(_IS_DIRECT))
"""Two statements, so that each reads an index in the order in which it claims."""
_TAKE = (
    update(effects)
    .where(effects.c.id.in_(_ids))
    .values(state=DeliveryState.SENDING.value, attempts=effects.c.attempts + 1, due_at=bindparam("lease_end"))
)

_IS_SENDING = and_(effects.c.state == DeliveryState.SENDING.value, OPEN)
_CLAIMED = select(effects).where(_IS_SENDING).order_by(effects.c.seq).with_for_update()
_SENDING = select(effects).where(effects.c.id.in_(_ids), _IS_SENDING).order_by(effects.c.seq).with_for_update()
_EXTEND = update(effects).where(effects.c.id.in_(_ids)).values(due_at=bindparam("lease_end"))
_SHORTEN = (
    update(effects).where(_IS_SENDING, effects.c.due_at > bindparam("longest")).values(due_at=bindparam("lease_end"))
)
_NO_HOLDS = case((effects.c.kind == EffectKind.SYNC.value, "{}"), else_=effects.c.payload)
_HASTEN = (
    update(effects)
    .where(effects.c.state == DeliveryState.PENDING.value, effects.c.due_at > bindparam("now"))
    .values(due_at=bindparam("now"), payload=_NO_HOLDS)
)
_ENDED = select(effects).where(effects.c.id.in_(_ids), ~OPEN).order_by(effects.c.seq).with_for_update()
_FORGET = delete(effects).where(effects.c.id.in_(_ids))
_ADD_ATTEMPT = insert(attempts).inline()
_SET = (
    update(effects)
    .where(effects.c.id.in_(_ids))
    .values(state=bindparam("to"), due_at=bindparam("due"), settled_at=bindparam("settled"), error=bindparam("why"))
)
_UNCOUNT = update(effects).where(effects.c.id.in_(_ids)).values(attempts=effects.c.attempts - 1)
_HOLD = update(effects).where(effects.c.id == bindparam("of")).values(payload=bindparam("holds"))
_ABSORB = delete(effects).where(
    PENDING_SYNC,
    effects.c.plan_id == bindparam("plan"),
    effects.c.destination == bindparam("place"),
    effects.c.id != bindparam("of"),
)

_Ending = tuple[DeliveryState, datetime | None, str]
"""The state of an effect after an attempt, when it is due again, and the error."""


class SqlOutbox:
    """Implements `Outbox` in SQL."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def claim(self, now: datetime, lease: timedelta, limit: int, busy: Collection[Destination] = ()) -> list[Delivery]:
        """See `Outbox.claim`."""
        parameters = {"now": micros(now), "busy": list(map(str, busy)), "limit": limit}
        rows: list[AnyRow] = []
        for claimable in _CLAIMABLE_IN_ORDER:
            if len(rows) < limit:
                rows += self._connection.execute(claimable, parameters | {"limit": limit - len(rows)}).all()
        lease_end = now + lease
        if rows:
            self._connection.execute(_TAKE, {"ids": [row.id for row in rows], "lease_end": micros(lease_end)})
        return [
            replace(delivery_of(row), state=DeliveryState.SENDING, attempts=row.attempts + 1, due_at=lease_end)
            for row in rows
        ]

    def renew(self, claims: Collection[Claim], lease_end: datetime) -> set[Claim]:
        """See `Outbox.renew`."""
        held = self._held(claims)
        if held:
            ids = [claim.effect_id for claim in held]
            self._connection.execute(_EXTEND, {"ids": ids, "lease_end": micros(lease_end)})
        return set(held)

    def release(self, claims: Collection[Claim], now: datetime) -> None:
        """See `Outbox.release`."""
        self._renew(list(self._held(claims).values()), now)
        announce(self._connection)

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """See `Outbox.shorten_leases`."""
        bounds = {"longest": micros(now + 2 * lease), "lease_end": micros(now + lease)}
        return self._connection.execute(_SHORTEN, bounds).rowcount

    def hasten(self, now: datetime) -> int:
        """See `Outbox.hasten`."""
        return self._connection.execute(_HASTEN, {"now": micros(now)}).rowcount

    def release_all(self, now: datetime) -> int:
        """See `Outbox.release_all`."""
        rows = self._connection.execute(_CLAIMED).all()
        self._renew(rows, now)
        return len(rows)

    def settle(self, results: Sequence[Settled]) -> set[Claim]:
        """See `Outbox.settle`."""
        held = self._held([result.claim for result in results])
        rows = {claim.effect_id: row for claim, row in held.items()}
        kept: list[Settled] = []
        forgotten: list[Settled] = []
        for result in results:
            if row := held.get(result.claim):
                done_sync = row.kind == EffectKind.SYNC and result.state is DeliveryState.DONE
                (forgotten if done_sync else kept).append(result)
        self._execute(_ADD_ATTEMPT, [_attempt_values(each.effect_id, each.attempt) for each in kept if each.attempt])
        if paused := [result.effect_id for result in kept if result.attempt is None]:
            self._connection.execute(_UNCOUNT, {"ids": paused})
        self._hold(kept, rows)
        again = [rows[result.effect_id] for result in kept if result.state is DeliveryState.PENDING]
        renewed = self._absorb_newer_syncs(again)
        endings = {of.effect_id: self._ending(of, rows[of.effect_id], of.effect_id in renewed) for of in kept}
        self._set(endings)
        if forgotten:
            self._connection.execute(_FORGET, {"ids": [result.effect_id for result in forgotten]})
        return {result.claim for result in results} - set(held)

    def add(self, effects: Sequence[Effect]) -> None:
        """See `Outbox.add`."""
        now = self._clock.now()
        self._execute(ADD_EFFECT, [effect_values(effect, now) for effect in effects])
        announce(self._connection)

    def replay(self, effect_ids: Collection[str], now: datetime) -> int:
        """See `Outbox.replay`. Of several syncs of one plan and destination the newest replaces the others."""
        rows = self._rows(_ENDED, effect_ids)
        chosen = {(row.plan_id, row.destination) if row.kind == EffectKind.SYNC else row.id: row for row in rows}
        self._renew(list(chosen.values()), now)
        announce(self._connection)
        return len(chosen)

    def store_bodies(self, bodies: Mapping[str, bytes]) -> None:
        """See `Outbox.store_bodies`."""
        self._execute(_STORE_BODY, [{"effect_id": of, "body": body} for of, body in bodies.items()])

    def _renew(self, rows: Sequence[AnyRow], now: datetime) -> None:
        """Make effects pending again and due at once."""
        self._absorb_newer_syncs(rows)
        self._set({row.id: (DeliveryState.PENDING, now, row.error) for row in rows})

    def _hold(self, results: Sequence[Settled], rows: Mapping[str, AnyRow]) -> None:
        """Store the holds of syncs, which take the place of a payload, where there are or were any."""
        holds = {result.effect_id: encode_json(_record_of(result.holds)) for result in results}
        syncs = (effect_id for effect_id in holds if rows[effect_id].kind == EffectKind.SYNC)
        changed = [{"of": of, "holds": holds[of]} for of in syncs if holds[of] != rows[of].payload]
        self._execute(_HOLD, changed)

    def _ending(self, result: Settled, row: AnyRow, at_once: bool) -> _Ending:
        """Return the state after an attempt; a `Sync` that a newer one has joined is due `at_once`."""
        due_at = None
        if result.state is DeliveryState.PENDING:
            due_at = self._clock.now() if at_once else result.due_at or self._clock.now()
        return result.state, due_at, result.error_after(Message.from_column(row.error)).to_column()

    def _set(self, endings: Mapping[str, _Ending]) -> None:
        """Store the states of effects, with one statement for all that have the same."""
        settled, alike = micros(self._clock.now()), defaultdict[_Ending, list[str]](list)
        for effect_id, ending in endings.items():
            alike[ending].append(effect_id)
        for (state, due_at, why), ids in alike.items():
            values = {"to": state.value, "due": micros(due_at), "settled": None if due_at else settled, "why": why}
            self._connection.execute(_SET, {"ids": ids, **values})

    def _absorb_newer_syncs(self, rows: Sequence[AnyRow]) -> set[str]:
        """Delete the pending syncs that were added since: these syncs become pending again and replace them.

        Return the ids of the syncs that replace one.
        """
        syncs = sorted((row.plan_id, row.destination, row.id) for row in rows if row.kind == EffectKind.SYNC)
        return {
            effect_id
            for plan, place, effect_id in syncs
            if self._connection.execute(_ABSORB, {"plan": plan, "place": place, "of": effect_id}).rowcount
        }

    def _held(self, claims: Collection[Claim]) -> dict[Claim, AnyRow]:
        """Lock the effects of claims; return the rows of those whose claims are still held."""
        rows = {Claim(row.id, row.attempts): row for row in self._rows(_SENDING, [each.effect_id for each in claims])}
        return {claim: rows[claim] for claim in claims if claim in rows}

    def _rows(self, statement: Select[Any], ids: Collection[str]) -> Sequence[AnyRow]:
        return self._connection.execute(statement, {"ids": list(ids)}).all() if ids else ()

    def _execute(self, statement: Executable, rows: list[Values]) -> None:
        if rows:
            self._connection.execute(statement, rows)


def effect_values(effect: Effect, now: datetime) -> Values:
    """Return the row of a new effect; one without `due_at` is due at once."""
    kind, ref, details = record_of(effect.payload)
    return {
        "id": effect.id,
        "plan_id": effect.plan_id,
        "destination": str(effect.destination),
        "kind": kind.value,
        "ref": ref,
        "payload": encode_json(details),
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "due_at": micros(effect.due_at or now),
        "created_at": micros(now),
        "settled_at": None,
        "error": "",
    }


def delivery_of(row: AnyRow) -> Delivery:
    """Return the delivery of a row."""
    destination = Destination.parse(row.destination)
    kind, details = EffectKind(row.kind), json.loads(row.payload)
    payload = payload_of(PayloadRecord(kind, row.ref, details))
    return Delivery(
        effect=Effect(row.id, row.plan_id, destination, payload, moment(row.due_at)),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=moment(row.due_at),
        created_at=moment(row.created_at),
        settled_at=moment(row.settled_at),
        error=Message.from_column(row.error),
        holds=_holds_of(details) if kind is EffectKind.SYNC else {},
    )


def _record_of(holds: Mapping[str, Hold]) -> dict[str, Any]:
    return {name: [micros(hold.until), hold.attempts, hold.version] for name, hold in holds.items()}


def _holds_of(record: Mapping[str, Any]) -> dict[str, Hold]:
    return {name: Hold(moment(until), attempts, version) for name, (until, attempts, version) in record.items()}


def _attempt_values(effect_id: str, attempt: Attempt) -> Values:
    return {
        "effect_id": effect_id,
        "at": micros(attempt.at),
        "ms": attempt.ms,
        "status": attempt.status,
        "error": attempt.error.to_column(),
        "answer": attempt.answer,
    }
