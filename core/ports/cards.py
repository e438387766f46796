"""The port of posted cards, a part of the store: where the cards of a plan are, and what they show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card that was posted. `audience` is a channel or a person's id.

    `purpose` is plan, approval, or that of a notice (`bot.outbox.notices`).

    `version` is that of the plan that the card shows, and `log_seq` the last log entry that its thread has. A record
    without `message` is an intent: posting the card has started.
    """

    id: str
    plan_id: str
    platform: str
    purpose: str
    audience: str
    revision: int = 0
    stage: int = 0
    item_id: str = ""
    channel: str = ""
    message: str = ""
    version: int = 0
    log_seq: int = 0
    posted_at: datetime | None = None


class CardWrites(Protocol):
    """Posted cards inside a transaction."""

    def put(self, records: Sequence[CardRecord]) -> None:
        """Insert or replace records by id."""
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Delete records by id."""
        ...


class CardReads(Protocol):
    """Posted cards inside a snapshot."""

    def of_plan(self, plan_id: str, platform: str) -> list[CardRecord]:
        """Return the cards of a plan on a platform."""
        ...
