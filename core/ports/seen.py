"""The port of what people were shown, a part of the store: a vote counts for a revision that its voter has seen."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class SeenWrites(Protocol):
    """What people were shown, inside a transaction."""

    def put(self, plan_id: str, person: str, revision: int, at: datetime) -> None:
        """Record that a person was shown a revision of a plan; when it was shown first stays."""
        ...


class SeenReads(Protocol):
    """What people were shown, inside a snapshot."""

    def revisions(self, plan_id: str, person: str) -> tuple[int, ...]:
        """Return the revisions of a plan that a person was shown, the oldest first."""
        ...
