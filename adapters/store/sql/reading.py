"""A consistent view of the store (`core.ports.store.Reading`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from adapters.store import cursors
from adapters.store.sql.cards import card_of
from adapters.store.sql.loading import WHOLE, WITH_ITEMS, Loader
from adapters.store.sql.outbox import delivery_of
from adapters.store.sql.people import group_of, person_of, token_of
from adapters.store.sql.reading_mine import MineQueries
from adapters.store.sql.rows import AnyRow, item_of, log_of, moment
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.tables import (
    RUN_OPEN,
    attempts,
    cards,
    effects,
    groups,
    identities,
    item_specs,
    items,
    log,
    people,
    plans,
    tokens,
    versions,
)
from core.audit import LogEntry
from core.errors import NotFound
from core.people import Directory
from core.plan import Item, Plan
from core.ports.outbox import Attempt, Delivery, Failing
from core.ports.store import CardRecord, Mine, Page, PlanQuery, Token, Version

_LONGEST_NUMBER = 9
"""Digits of the largest plan number; what has more of them is an id that happens to have no letter."""
_ID = select(plans.c.id).where(~plans.c.deleted)
_NUMBERED, _NAMED = (_ID.where(column == bindparam("ref")) for column in (plans.c.number, plans.c.id))
"""Made once: to make them takes longer than the database needs to answer."""


class SqlReading:
    """Implements `Reading` in SQL."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection = connection
        self._loader = Loader(connection, sealing)

    def plan_id(self, ref: str) -> str:
        """See `Reading.plan_id`. A deleted plan is not found."""
        by_number = ref.isascii() and ref.isdecimal() and len(ref) <= _LONGEST_NUMBER
        statement, named = (_NUMBERED, int(ref)) if by_number else (_NAMED, ref)
        plan_id = self._connection.execute(statement, {"ref": named}).scalar()
        if plan_id is None:
            raise NotFound(what="plan", ref=ref)
        return str(plan_id)

    def plan(self, plan_id: str, *, whole: bool = False) -> Plan:
        """See `Reading.plan`. A deleted plan is returned as such, so that its cards can say so."""
        found = self._loader.load({plan_id: WHOLE if whole else WITH_ITEMS})
        if plan_id not in found:
            raise NotFound(what="plan", ref=plan_id)
        return found[plan_id]

    def masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """See `Reading.masked`. Specs are stored masked, so that nothing is unsealed."""
        return Loader(self._connection, None).load(dict.fromkeys(plan_ids, WHOLE))

    def plans(self, query: PlanQuery) -> Page[Plan]:
        """See `Reading.plans`."""
        statement = select(plans).where(~plans.c.deleted)
        if query.status:
            statement = statement.where(plans.c.status == query.status)
        if query.manager:
            statement = statement.where(plans.c.manager == query.manager)
        if query.text:
            statement = statement.where(plans.c.name.icontains(query.text, autoescape=True))
        rows, next_cursor = self._page(statement, plans.c.number, query.cursor, query.limit)
        return Page(self._loader.assemble(rows), next_cursor)

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """See `Reading.mine`."""
        return MineQueries(self._connection, self._loader, self.directory()).mine(person, names, limit)

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """See `Reading.find_items`."""
        wanted = text.strip()
        conditions = [items.c.key == wanted, items.c.name.icontains(wanted, autoescape=True)]
        if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _LONGEST_NUMBER:
            conditions.insert(0, items.c.position == int(wanted))
        for condition in conditions if wanted else ():
            statement = select(items).where(items.c.plan_id == plan_id, condition).order_by(items.c.position)
            if rows := self._connection.execute(statement).all():
                return [item_of(row) for row in rows]
        return []

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """See `Reading.open_runs`."""
        rows = self._connection.execute(select(items).where(RUN_OPEN).order_by(items.c.id).limit(limit))
        return [(row.plan_id, item_of(row)) for row in rows]

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """See `Reading.spec`."""
        statement = select(item_specs).join(items).where(items.c.id == item_id, items.c.plan_id == plan_id)
        row = self._connection.execute(statement).first()
        if row is None:
            raise NotFound(what="item", ref=item_id)
        return self._loader.spec(row)

    def log(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """See `Reading.log`."""
        statement = select(log).where(log.c.plan_id == plan_id, log.c.seq > after).order_by(log.c.seq)
        return [log_of(row) for row in self._connection.execute(statement.limit(limit))]

    def log_since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """See `Reading.log_since`."""
        statement = select(log).where(log.c.id > entry_id).order_by(log.c.id).limit(limit)
        return [log_of(row) for row in self._connection.execute(statement)]

    def versions(self, plan_id: str) -> list[Version]:
        """See `Reading.versions`."""
        statement = select(versions).where(versions.c.plan_id == plan_id).order_by(versions.c.revision)
        return [
            Version(row.revision, moment(row.at), row.by, row.instance_code, json.loads(row.content))
            for row in self._connection.execute(statement)
        ]

    def deliveries(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """See `Reading.deliveries`."""
        statement = select(effects)
        if plan_id:
            statement = statement.where(effects.c.plan_id == plan_id)
        if state:
            statement = statement.where(effects.c.state == state)
        rows, next_cursor = self._page(statement, effects.c.seq, cursor, limit)
        return Page([delivery_of(row) for row in rows], next_cursor)

    def named_deliveries(self, effect_ids: Collection[str]) -> list[Delivery]:
        """See `Reading.named_deliveries`."""
        statement = select(effects).where(effects.c.id.in_(list(effect_ids))).order_by(effects.c.seq)
        return [delivery_of(row) for row in self._connection.execute(statement)]

    def attempts(self, effect_id: str) -> list[Attempt]:
        """See `Reading.attempts`."""
        statement = select(attempts).where(attempts.c.effect_id == effect_id).order_by(attempts.c.id)
        return [
            Attempt(moment(row.at), row.ms, row.status, row.error, row.answer)
            for row in self._connection.execute(statement)
        ]

    def failing(self, destination: str) -> Failing | None:
        """See `Reading.failing`."""
        tried, here = attempts.join(effects), effects.c.destination == destination
        taken = select(func.max(attempts.c.id)).select_from(tried).where(here, attempts.c.error == "").scalar_subquery()
        statement = (
            select(func.min(attempts.c.at), func.count().filter(attempts.c.status == HTTPStatus.GONE))
            .select_from(tried)
            .where(here, attempts.c.id > func.coalesce(taken, 0))
        )
        since, gone = self._connection.execute(statement).one()
        return None if since is None else Failing(moment(since), gone > 0)

    def cards(self, plan_id: str, platform: str) -> list[CardRecord]:
        """See `Reading.cards`."""
        statement = select(cards).where(cards.c.plan_id == plan_id, cards.c.platform == platform).order_by(cards.c.id)
        return [card_of(row) for row in self._connection.execute(statement)]

    def directory(self) -> Directory:
        """See `Reading.directory`."""
        everybody = [person_of(row) for row in self._connection.execute(select(people))]
        every_group = [group_of(row) for row in self._connection.execute(select(groups))]
        return Directory({person.id: person for person in everybody}, {group.id: group for group in every_group})

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """See `Reading.identity`."""
        statement = select(identities).where(identities.c.platform == platform, identities.c.user == user)
        row = self._connection.execute(statement).first()
        return (row.person, moment(row.at)) if row else None

    def tokens(self, person: str = "") -> list[Token]:
        """See `Reading.tokens`."""
        statement = select(tokens).order_by(tokens.c.created_at, tokens.c.id)
        if person:
            statement = statement.where(tokens.c.person == person)
        return [token_of(row) for row in self._connection.execute(statement)]

    def counts(self) -> Mapping[str, int]:
        """See `Reading.counts`."""
        by_status = select(plans.c.status, func.count()).where(~plans.c.deleted).group_by(plans.c.status)
        by_state = select(effects.c.state, func.count()).group_by(effects.c.state)
        counted = {f"plans.{status}": count for status, count in self._connection.execute(by_status)}
        return counted | {f"deliveries.{state}": count for state, count in self._connection.execute(by_state)}

    def _page(self, statement: Select[Any], key: Any, cursor: str, limit: int) -> tuple[Sequence[AnyRow], str]:
        """Return at most `limit` rows, the largest keys first, and the cursor that goes on after them."""
        if cursor:
            statement = statement.where(key < cursors.decode(cursor))
        rows = self._connection.execute(statement.order_by(key.desc()).limit(limit + 1)).all()
        more = len(rows) > limit
        return rows[:limit], cursors.encode(rows[limit - 1]._mapping[key]) if more else ""
