"""People, their chat accounts and their tokens in the database (`core.ports.people`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, delete, func, insert, or_, select, update

from adapters.store.sql.rows import AnyRow, Values, micros, moment
from adapters.store.sql.tables import groups, identities, people, tokens
from core.encoding import encode_json
from core.people import EVERY_SCOPE, Directory, Group, Person, TokenScope
from core.ports.people import Token

_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_DROP_PEOPLE, _ADD_PERSON = delete(people).where(people.c.id.in_(_ids)), insert(people)
_DROP_GROUPS, _ADD_GROUP = delete(groups).where(groups.c.id.in_(_ids)), insert(groups)
_UNLINK = delete(identities).where(identities.c.platform == bindparam("on"), identities.c.user == bindparam("who"))
_LINK = insert(identities)
_ADD_TOKEN = insert(tokens)
_now = bindparam("now", type_=BigInteger)
_USE = (
    update(tokens)
    .where(
        tokens.c.digest == bindparam("of"),
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > _now),
        or_(~tokens.c.single_use, tokens.c.used_at.is_(None)),
    )
    .values(used_at=_now)
    .returning(tokens)
)
_REVOKE = (
    update(tokens).where(tokens.c.id == bindparam("of")).values(revoked_at=func.coalesce(tokens.c.revoked_at, _now))
)
_FORGET_LINKS = delete(tokens).where(tokens.c.single_use, or_(tokens.c.used_at < _now, tokens.c.expires_at < _now))
_EARLIER_COLUMNS = ("slack", "feishu", "dingtalk")
"""Where servers of the version before revision 0007 write and read accounts; a row of theirs has no `accounts`.

They may run beside this version, so it writes and reads both. The next release drops these columns (a post migration).
"""
_TIMES = ("created_at", "expires_at", "revoked_at", "used_at")


class SqlPeopleWrites:
    """Implements `PeopleWrites` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """See `PeopleWrites.put`."""
        if people:
            self._connection.execute(_DROP_PEOPLE, {"ids": [person.id for person in people]})
            self._connection.execute(_ADD_PERSON, list(map(_person_values, people)))
        if groups:
            self._connection.execute(_DROP_GROUPS, {"ids": [group.id for group in groups]})
            rows = [asdict(group) | {"members": encode_json(group.members)} for group in groups]
            self._connection.execute(_ADD_GROUP, rows)

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """See `PeopleWrites.link`."""
        self.unlink(platform, user)
        row = {"platform": platform, "user": user, "person": person, "at": micros(now)}
        self._connection.execute(_LINK, row)

    def unlink(self, platform: str, user: str) -> None:
        """See `PeopleWrites.unlink`."""
        self._connection.execute(_UNLINK, {"on": platform, "who": user})

    def add_token(self, token: Token) -> None:
        """See `PeopleWrites.add_token`."""
        self._connection.execute(_ADD_TOKEN, _token_values(token))

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """See `PeopleWrites.use_token`."""
        row = self._connection.execute(_USE, {"of": digest, "now": micros(now)}).first()
        return _token_of(row) if row else None

    def forget_links(self, before: datetime) -> int:
        """See `PeopleWrites.forget_links`."""
        return self._connection.execute(_FORGET_LINKS, {"now": micros(before)}).rowcount

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """See `PeopleWrites.revoke_token`."""
        return self._connection.execute(_REVOKE, {"of": token_id, "now": micros(now)}).rowcount > 0


class SqlPeopleReads:
    """Implements `PeopleReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def directory(self) -> Directory:
        """See `PeopleReads.directory`."""
        everybody = [_person_of(row) for row in self._connection.execute(select(people))]
        every_group = [_group_of(row) for row in self._connection.execute(select(groups))]
        return Directory({person.id: person for person in everybody}, {group.id: group for group in every_group})

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """See `PeopleReads.identity`."""
        statement = select(identities).where(identities.c.platform == platform, identities.c.user == user)
        row = self._connection.execute(statement).first()
        return (row.person, moment(row.at)) if row else None

    def tokens(self, person: str = "") -> list[Token]:
        """See `PeopleReads.tokens`."""
        statement = select(tokens).order_by(tokens.c.created_at, tokens.c.id)
        if person:
            statement = statement.where(tokens.c.person == person)
        return [_token_of(row) for row in self._connection.execute(statement)]


def _person_values(person: Person) -> Values:
    earlier = {platform: person.accounts.get(platform, "") for platform in _EARLIER_COLUMNS}
    return asdict(person) | earlier | {"accounts": encode_json(person.accounts)}


def _person_of(row: AnyRow) -> Person:
    """Return the person of a row."""
    values = dict(row._mapping)
    earlier = {platform: user for platform in _EARLIER_COLUMNS if (user := values.pop(platform))}
    return Person(**values | {"accounts": earlier if row.accounts is None else json.loads(row.accounts)})


def _group_of(row: AnyRow) -> Group:
    """Return the group of a row."""
    return Group(row.id, tuple(json.loads(row.members)), row.imported)


def _token_values(token: Token) -> Values:
    values = asdict(token)
    times = {name: micros(values[name]) for name in _TIMES}
    return values | times | {"scopes": encode_json(sorted(token.scopes))}


def _token_of(row: AnyRow) -> Token:
    """Return the token of a row; one of a version without scopes has all."""
    times = {name: moment(row._mapping[name]) for name in _TIMES}
    scopes = EVERY_SCOPE if row.scopes is None else frozenset(map(TokenScope, json.loads(row.scopes)))
    return Token(**{**row._mapping, **times, "scopes": scopes})
