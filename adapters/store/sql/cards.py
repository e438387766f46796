"""Posted cards in the database (`core.ports.cards`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from sqlalchemy import Connection, bindparam, delete, insert, select

from adapters.store.sql.rows import AnyRow, Values, micros, moment
from adapters.store.sql.tables import cards
from core.ports.cards import CardRecord

_ADD = insert(cards)
_DROP = delete(cards).where(cards.c.id.in_(bindparam("ids", expanding=True)))
_NAMES = [f.name for f in fields(CardRecord)]


class SqlCardWrites:
    """Implements `CardWrites` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, records: Sequence[CardRecord]) -> None:
        """See `CardWrites.put`."""
        if records:
            self.drop([record.id for record in records])
            self._connection.execute(_ADD, [_card_values(record) for record in records])

    def drop(self, ids: Collection[str]) -> None:
        """See `CardWrites.drop`."""
        if ids:
            self._connection.execute(_DROP, {"ids": list(ids)})


class SqlCardReads:
    """Implements `CardReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_plan(self, plan_id: str, platform: str) -> list[CardRecord]:
        """See `CardReads.of_plan`."""
        statement = select(cards).where(cards.c.plan_id == plan_id, cards.c.platform == platform).order_by(cards.c.id)
        return [_card_of(row) for row in self._connection.execute(statement)]


def _card_values(record: CardRecord) -> Values:
    return {name: getattr(record, name) for name in _NAMES} | {"posted_at": micros(record.posted_at)}


def _card_of(row: AnyRow) -> CardRecord:
    """Return the card of a row."""
    return CardRecord(**{**row._mapping, "posted_at": moment(row.posted_at)})
