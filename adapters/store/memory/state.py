"""The state of the store in memory: dictionaries of immutable values."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime

from core.audit import Head, LogEntry
from core.people import Group, Person
from core.plan import Plan
from core.ports.cards import CardRecord
from core.ports.digests import DigestRecord
from core.ports.outbox import Attempt, Delivery
from core.ports.people import Token
from core.ports.plans import Version
from core.ports.requests import AcceptedRequest
from core.timers import TimerKind


@dataclass(frozen=True, slots=True)
class Timer:
    """When a timer is due, and when it may be claimed next."""

    due_at: datetime
    claim_at: datetime


@dataclass(slots=True)
class State:
    """Everything that is stored. Log entries and deliveries are keyed by a number that counts up."""

    number: int = 0
    plans: dict[str, Plan] = field(default_factory=dict)
    head: Head = field(default_factory=Head)
    log: dict[int, LogEntry] = field(default_factory=dict)
    versions: dict[tuple[str, int], Version] = field(default_factory=dict)
    inbox: dict[str, tuple[AcceptedRequest, datetime]] = field(default_factory=dict)
    answered: dict[str, datetime] = field(default_factory=dict)
    last_seq: int = 0
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    attempts: dict[str, tuple[Attempt, ...]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    timers: dict[tuple[str, TimerKind], Timer] = field(default_factory=dict)
    cards: dict[str, CardRecord] = field(default_factory=dict)
    digests: dict[str, DigestRecord] = field(default_factory=dict)
    seen: dict[tuple[str, str, int], datetime] = field(default_factory=dict)
    replicas: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    digest_parts: dict[tuple[str, str], str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    identities: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)

    def copy(self) -> State:
        """Return a state that can be changed without changing this one."""
        copied = copy(self)
        for name in (f.name for f in fields(self)):
            setattr(copied, name, copy(getattr(self, name)))
        return copied
