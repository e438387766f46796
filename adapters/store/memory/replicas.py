"""The servers that work on this store, in memory (`core.ports.replicas`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters.store.memory.state import State


class MemoryReplicaWrites:
    """Implements `ReplicaWrites`."""

    def __init__(self, state: State) -> None:
        self._replicas = state.replicas

    def beat(self, replica_id: str, now: datetime) -> None:
        """See `ReplicaWrites.beat`."""
        beats, _ = self._replicas.get(replica_id, (0, now))
        self._replicas[replica_id] = (beats + 1, now)

    def forget(self, before: datetime) -> None:
        """See `ReplicaWrites.forget`."""
        for replica_id in [each for each, (_, seen_at) in self._replicas.items() if seen_at < before]:
            del self._replicas[replica_id]


class MemoryReplicaReads:
    """Implements `ReplicaReads`."""

    def __init__(self, state: State) -> None:
        self._replicas = state.replicas

    def beats(self) -> Mapping[str, int]:
        """See `ReplicaReads.beats`."""
        return {replica_id: beats for replica_id, (beats, _) in self._replicas.items()}
