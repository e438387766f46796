"""What all events have: a stored name, flags for what they show, and the stamp with which they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. The operation log stores `name`, so it never changes, and the fields as details."""

    name: ClassVar[str]
    changes_cards: ClassVar[bool] = True
    """Whether cards and threads are updated after it."""
    changes_closed_cards: ClassVar[bool] = True
    """Whether this includes cards that request nothing any more: each update costs a call to the vendor."""
    changes_digests: ClassVar[bool] = False
    """Whether other things may wait for people after it."""
    in_thread: ClassVar[bool] = True
    """Whether the thread of the plan reports it."""
    has_actor: ClassVar[bool] = True
    """Whether its sentence names the actor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence(Event):
    """Base of the events that nobody causes directly: they follow from what somebody did."""

    has_actor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """Base of the events by which people and runners bring an execution forward, or end it."""

    changes_digests = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOnly(Event):
    """Base of the events that change nothing and appear only in the operation log."""

    changes_cards = False
    changes_closed_cards = False
    in_thread = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The actor and the time of an event, which `core.apply` stores in the plan."""

    actor: str
    at: datetime
