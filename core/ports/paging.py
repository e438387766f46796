"""A part of a list, with what continues it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_cursor` continues it, empty at the end."""

    items: Sequence[T]
    next_cursor: str = ""
