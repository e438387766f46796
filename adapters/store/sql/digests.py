"""Digests in the database (`core.ports.digests`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from adapters.store.sql.rows import AnyRow, Values, micros, moment
from adapters.store.sql.tables import digest_parts, digests
from core.encoding import encode_json
from core.ports.digests import DigestRecord

_ADD = insert(digests)
_DROP = delete(digests).where(digests.c.id.in_(bindparam("ids", expanding=True)))
_ADD_PART = insert(digest_parts)
_DROP_PARTS = delete(digest_parts).where(digest_parts.c.plan_id == bindparam("of"))
_FORGET_PARTS = delete(digest_parts).where(digest_parts.c.person == bindparam("who"))
_OF_PERSON = (
    select(digests)
    .where(digests.c.person == bindparam("who"))
    .order_by(digests.c.posted_at.is_(None), digests.c.posted_at, digests.c.id)
)
_PEOPLE = select(digests.c.person).distinct()
_PARTS = select(digest_parts.c.person, digest_parts.c.content).where(digest_parts.c.plan_id == bindparam("of"))


class SqlDigestWrites:
    """Implements `DigestWrites` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, record: DigestRecord) -> None:
        """See `DigestWrites.put`."""
        self.drop([record.id])
        self._connection.execute(_ADD, _digest_values(record))

    def drop(self, ids: Collection[str]) -> None:
        """See `DigestWrites.drop`."""
        if ids:
            self._connection.execute(_DROP, {"ids": list(ids)})

    def set_parts(self, plan_id: str, parts: Mapping[str, str]) -> None:
        """See `DigestWrites.set_parts`."""
        self._connection.execute(_DROP_PARTS, {"of": plan_id})
        if parts:
            rows = [{"plan_id": plan_id, "person": person, "content": content} for person, content in parts.items()]
            self._connection.execute(_ADD_PART, rows)

    def forget_parts(self, person: str) -> None:
        """See `DigestWrites.forget_parts`."""
        self._connection.execute(_FORGET_PARTS, {"who": person})


class SqlDigestReads:
    """Implements `DigestReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_person(self, person: str) -> list[DigestRecord]:
        """See `DigestReads.of_person`."""
        return [_digest_of(row) for row in self._connection.execute(_OF_PERSON, {"who": person})]

    def people(self) -> frozenset[str]:
        """See `DigestReads.people`."""
        return frozenset(self._connection.execute(_PEOPLE).scalars())

    def parts(self, plan_id: str) -> Mapping[str, str]:
        """See `DigestReads.parts`."""
        return {row.person: row.content for row in self._connection.execute(_PARTS, {"of": plan_id})}


def _digest_values(record: DigestRecord) -> Values:
    return {
        "id": record.id,
        "person": record.person,
        "platform": record.platform,
        "channel": record.channel,
        "message": record.message,
        "content": record.content,
        "shown": encode_json(sorted(record.shown)),
        "posted_at": micros(record.posted_at),
        "moved": record.moved,
        "refused": record.refused,
    }


def _digest_of(row: AnyRow) -> DigestRecord:
    """Return the digest of a row."""
    known = {**row._mapping, "shown": frozenset(json.loads(row.shown)), "posted_at": moment(row.posted_at)}
    return DigestRecord(**known)
