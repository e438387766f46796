"""Accepted requests in memory (`core.ports.requests`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from adapters.store.memory.state import State
from core.ports.requests import AcceptedRequest


class MemoryRequestReads:
    """Implements `RequestReads`."""

    def __init__(self, state: State) -> None:
        self._inbox = state.inbox

    def find(self, keys: Collection[str]) -> Mapping[str, AcceptedRequest]:
        """See `RequestReads.find`."""
        return {key: self._inbox[key][0] for key in keys if key in self._inbox}


class MemoryRequestWrites(MemoryRequestReads):
    """Implements `RequestWrites`."""

    def forget(self, before: datetime) -> int:
        """See `RequestWrites.forget`."""
        old = [key for key, (_, at) in self._inbox.items() if at < before]
        for key in old:
            del self._inbox[key]
        return len(old)
