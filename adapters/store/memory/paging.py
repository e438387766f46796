"""Pages of a list in memory: the newest values first, continued by a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from adapters.store import cursors
from core.ports.paging import Page

T = TypeVar("T")


def page_of(found: Mapping[int, T], cursor: str, limit: int) -> Page[T]:
    """Return at most `limit` values, the largest keys first. Raises Invalid for a cursor that no page had."""
    before = cursors.decode(cursor) if cursor else None
    keys = sorted((key for key in found if before is None or key < before), reverse=True)
    page = keys[:limit]
    return Page([found[key] for key in page], cursors.encode(page[-1]) if len(keys) > limit else "")
