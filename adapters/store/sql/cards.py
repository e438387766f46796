"""Posted cards inside a transaction (`core.ports.store.Cards`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from sqlalchemy import Connection, bindparam, delete, insert

from adapters.store.sql.rows import AnyRow, Values, micros, moment
from adapters.store.sql.tables import cards
from core.ports.store import CardRecord

_ADD = insert(cards)
_DROP = delete(cards).where(cards.c.id.in_(bindparam("ids", expanding=True)))
_NAMES = [f.name for f in fields(CardRecord)]


class SqlCards:
    """Implements `Cards` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, records: Sequence[CardRecord]) -> None:
        """See `Cards.put`."""
        if records:
            self.drop([record.id for record in records])
            self._connection.execute(_ADD, [_card_values(record) for record in records])

    def drop(self, ids: Collection[str]) -> None:
        """See `Cards.drop`."""
        if ids:
            self._connection.execute(_DROP, {"ids": list(ids)})


def _card_values(record: CardRecord) -> Values:
    return {name: getattr(record, name) for name in _NAMES} | {"posted_at": micros(record.posted_at)}


def card_of(row: AnyRow) -> CardRecord:
    """Return the card of a row."""
    return CardRecord(**{**row._mapping, "posted_at": moment(row.posted_at)})
