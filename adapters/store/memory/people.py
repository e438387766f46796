"""People, their chat accounts and their tokens in memory (`core.ports.people`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.store.memory.state import State
from core.errors import Conflict
from core.people import Directory, Group, Person
from core.ports.people import Token


class MemoryPeopleWrites:
    """Implements `PeopleWrites`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """See `PeopleWrites.put`."""
        self._state.people.update((person.id, person) for person in people)
        self._state.groups.update((group.id, group) for group in groups)

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """See `PeopleWrites.link`."""
        self._state.identities[platform, user] = (person, now)

    def unlink(self, platform: str, user: str) -> None:
        """See `PeopleWrites.unlink`."""
        self._state.identities.pop((platform, user), None)

    def add_token(self, token: Token) -> None:
        """See `PeopleWrites.add_token`."""
        if token.id in self._state.tokens or self._by_digest(token.digest):
            raise Conflict
        self._state.tokens[token.id] = token

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """See `PeopleWrites.use_token`."""
        token = self._by_digest(digest)
        if token is None or token.revoked_at or (token.single_use and token.used_at):
            return None
        if token.expires_at and token.expires_at <= now:
            return None
        used = self._state.tokens[token.id] = replace(token, used_at=now)
        return used

    def forget_links(self, before: datetime) -> int:
        """See `PeopleWrites.forget_links`."""
        tokens = self._state.tokens
        over = [
            token.id
            for token in tokens.values()
            if token.single_use and any(at and at < before for at in (token.used_at, token.expires_at))
        ]
        for token_id in over:
            del tokens[token_id]
        return len(over)

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """See `PeopleWrites.revoke_token`."""
        token = self._state.tokens.get(token_id)
        if token is None:
            return False
        self._state.tokens[token_id] = replace(token, revoked_at=token.revoked_at or now)
        return True

    def _by_digest(self, digest: str) -> Token | None:
        return next((token for token in self._state.tokens.values() if token.digest == digest), None)


class MemoryPeopleReads:
    """Implements `PeopleReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def directory(self) -> Directory:
        """See `PeopleReads.directory`."""
        return Directory(self._state.people, self._state.groups)

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """See `PeopleReads.identity`."""
        return self._state.identities.get((platform, user))

    def tokens(self, person: str = "") -> list[Token]:
        """See `PeopleReads.tokens`."""
        found = [token for token in self._state.tokens.values() if person in ("", token.person)]
        return sorted(found, key=lambda token: (token.created_at, token.id))
