"""The port of replicas, a part of the store: which servers work on it, and that they live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class ReplicaWrites(Protocol):
    """Replicas inside a transaction."""

    def beat(self, replica_id: str, now: datetime) -> None:
        """Record that a replica lives."""
        ...

    def forget(self, before: datetime) -> None:
        """Delete replicas that have not lived since."""
        ...


class ReplicaReads(Protocol):
    """Replicas inside a snapshot."""

    def beats(self) -> Mapping[str, int]:
        """Return by replica how often it has recorded that it lives.

        Who watches this number needs no clock but its own: the clocks of two replicas may differ.
        """
        ...
