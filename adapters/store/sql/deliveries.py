"""Reads of deliveries in the database (`core.ports.outbox.DeliveryReads`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus

from sqlalchemy import Connection, func, select

from adapters.store.sql.outbox import delivery_of
from adapters.store.sql.paging import page_of
from adapters.store.sql.rows import moment
from adapters.store.sql.tables import OPEN, attempts, effect_bodies, effects
from core.effects import Destination
from core.messages import Message
from core.ports.outbox import Attempt, Delivery, Outage
from core.ports.paging import Page


class SqlDeliveryReads:
    """Implements `DeliveryReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """See `DeliveryReads.page`."""
        statement = select(effects)
        if plan_id:
            statement = statement.where(effects.c.plan_id == plan_id)
        if state:
            statement = statement.where(effects.c.state == state)
        rows, next_cursor = page_of(self._connection, statement, effects.c.seq, cursor, limit)
        return Page([delivery_of(row) for row in rows], next_cursor)

    def by_ids(self, effect_ids: Collection[str]) -> list[Delivery]:
        """See `DeliveryReads.by_ids`."""
        statement = select(effects).where(effects.c.id.in_(list(effect_ids))).order_by(effects.c.seq)
        return [delivery_of(row) for row in self._connection.execute(statement)]

    def attempts(self, effect_id: str) -> list[Attempt]:
        """See `DeliveryReads.attempts`."""
        statement = select(attempts).where(attempts.c.effect_id == effect_id).order_by(attempts.c.id)
        return [
            Attempt(moment(row.at), row.ms, row.status, Message.from_column(row.error), row.answer)
            for row in self._connection.execute(statement)
        ]

    def outage(self, destination: Destination) -> Outage | None:
        """See `DeliveryReads.outage`."""
        joined, here = attempts.join(effects), effects.c.destination == str(destination)
        success = (
            select(func.max(attempts.c.id)).select_from(joined).where(here, attempts.c.error == "").scalar_subquery()
        )
        statement = (
            select(func.min(attempts.c.at), func.count().filter(attempts.c.status == HTTPStatus.GONE))
            .select_from(joined)
            .where(here, attempts.c.id > func.coalesce(success, 0))
        )
        since, gone = self._connection.execute(statement).one()
        return None if since is None else Outage(moment(since), gone > 0)

    def body(self, effect_id: str) -> bytes | None:
        """See `DeliveryReads.body`."""
        statement = select(effect_bodies.c.body).where(effect_bodies.c.effect_id == effect_id)
        body: bytes | None = self._connection.execute(statement).scalar()
        return body

    def counts(self, plan_id: str = "") -> Mapping[str, int]:
        """See `DeliveryReads.counts`."""
        statement = select(effects.c.state, func.count()).group_by(effects.c.state)
        if plan_id:
            statement = statement.where(effects.c.plan_id == plan_id)
        return dict(self._connection.execute(statement).all())

    def failing(self) -> Mapping[Destination, int]:
        """See `DeliveryReads.failing`."""
        failed = (OPEN, effects.c.error != "")
        statement = select(effects.c.destination, func.count()).where(*failed).group_by(effects.c.destination)
        return {Destination.parse(text): number for text, number in self._connection.execute(statement)}
