"""Digests in memory (`core.ports.digests`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf

from adapters.store.memory.state import State
from core.ports.digests import DigestRecord


class MemoryDigestWrites:
    """Implements `DigestWrites`."""

    def __init__(self, state: State) -> None:
        self._digests, self._parts = state.digests, state.digest_parts

    def put(self, record: DigestRecord) -> None:
        """See `DigestWrites.put`."""
        self._digests[record.id] = record

    def drop(self, ids: Collection[str]) -> None:
        """See `DigestWrites.drop`."""
        for digest_id in ids:
            self._digests.pop(digest_id, None)

    def set_parts(self, plan_id: str, parts: Mapping[str, str]) -> None:
        """See `DigestWrites.set_parts`."""
        for key in [key for key in self._parts if key[0] == plan_id]:
            del self._parts[key]
        self._parts.update({(plan_id, person): content for person, content in parts.items()})

    def forget_parts(self, person: str) -> None:
        """See `DigestWrites.forget_parts`."""
        for key in [key for key in self._parts if key[1] == person]:
            del self._parts[key]


class MemoryDigestReads:
    """Implements `DigestReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of_person(self, person: str) -> list[DigestRecord]:
        """See `DigestReads.of_person`."""
        found = [record for record in self._state.digests.values() if record.person == person]
        return sorted(found, key=_order)

    def people(self) -> frozenset[str]:
        """See `DigestReads.people`."""
        return frozenset(record.person for record in self._state.digests.values())

    def parts(self, plan_id: str) -> Mapping[str, str]:
        """See `DigestReads.parts`."""
        return {person: content for (plan, person), content in self._state.digest_parts.items() if plan == plan_id}


def _order(record: DigestRecord) -> tuple[float, str]:
    return record.posted_at.timestamp() if record.posted_at else inf, record.id
