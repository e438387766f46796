"""Accepted requests in memory (`core.ports.requests`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from adapters.store.memory.state import State
from core.ports.requests import AcceptedRequest


class MemoryRequestReads:
    """Implements `RequestReads`."""

    def __init__(self, state: State) -> None:
        self._inbox, self._answered = state.inbox, state.answered

    def find(self, keys: Collection[str]) -> Mapping[str, AcceptedRequest]:
        """See `RequestReads.find`."""
        return {key: self._inbox[key][0] for key in keys if key in self._inbox}


class MemoryRequestWrites(MemoryRequestReads):
    """Implements `RequestWrites`."""

    def claim(self, key: str, now: datetime) -> bool:
        """See `RequestWrites.claim`."""
        is_new = key not in self._answered
        self._answered.setdefault(key, now)
        return is_new

    def disclaim(self, key: str) -> None:
        """See `RequestWrites.disclaim`."""
        self._answered.pop(key, None)

    def forget(self, before: datetime) -> int:
        """See `RequestWrites.forget`."""
        old = [key for key, (_, at) in self._inbox.items() if at < before]
        for key in old:
            del self._inbox[key]
        read = [key for key, at in self._answered.items() if at < before]
        for key in read:
            del self._answered[key]
        return len(old) + len(read)
