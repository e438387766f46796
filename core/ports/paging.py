"""A page of a list, with the cursor of the next page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `next_cursor` is that of the next page, empty at the end."""

    items: Sequence[T]
    next_cursor: str = ""
