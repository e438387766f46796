"""The port of the store: one durable write at a time, and reads that never change a plan.

`Store.write` runs a function in one transaction and returns when it is durable; everything that a `Writing` offers
takes part in that transaction. `Store.read` runs a function on a snapshot. Both run the function on a thread of the
store, so it must not touch the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from core.audit import LogEntry
from core.draft import PlanDraft
from core.effects import Effect
from core.people import Directory, Group, Person
from core.plan import Item, Plan
from core.ports.outbox import Attempt, Delivery, Failing, Outbox
from core.timers import TimerKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a plan a command needs beside its head (status, approval, votes, tally).

    `items` are loaded together with the items they need; `all_items` without, `whole` with specs and content.
    """

    items: frozenset[str] = frozenset()
    all_items: bool = False
    whole: bool = False

    def __or__(self, other: Scope) -> Scope:
        return Scope(self.items | other.items, self.all_items or other.all_items, self.whole or other.whole)


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one batch of commands changes about one plan.

    `before` is None for a new plan. Items and votes that differ between the two are saved; `drafts` are kept as
    versions, each with the plan as it was then; `timers` maps each kind that changed to its new moment, None for none;
    `keys` are remembered so that a repeated request is known for one.
    """

    before: Plan | None
    after: Plan
    entries: Sequence[LogEntry] = ()
    effects: Sequence[Effect] = ()
    timers: Mapping[TimerKind, datetime | None] = field(default_factory=dict)
    drafts: Sequence[tuple[Plan, PlanDraft]] = ()
    keys: Sequence[str] = ()


class PlanWrites(Protocol):
    """Plans inside a transaction."""

    def seen(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return the plan that each known request key changed."""
        ...

    def load(self, scopes: Mapping[str, Scope]) -> Mapping[str, Plan]:
        """Return and lock the plans that exist, in an order that cannot deadlock."""
        ...

    def next_number(self) -> int:
        """Return the number of the next new plan of this installation."""
        ...

    def save(self, changes: Sequence[Change]) -> None:
        """Save changes, their log entries, effects and timers.

        Raises Conflict when another replica changed one of the plans, or used one of the keys, meanwhile.
        """
        ...

    def forget_keys(self, before: datetime) -> int:
        """Forget request keys that are older than a moment; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose moment has come."""

    plan_id: str
    kind: TimerKind
    due_at: datetime


class Timers(Protocol):
    """Timers inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """Take due timers; one that is still there after the lease comes again."""
        ...

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """Remove timers that turned out stale, unless they were set anew."""
        ...


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card that was posted. `audience` is a channel or a person's id; `purpose` is plan, approval or item.

    `version` and `log_seq` say which state of the plan and of its log the card and its thread show. A record without
    `message` is an intent: the post was begun.
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


class Cards(Protocol):
    """Posted cards inside a transaction."""

    def put(self, records: Sequence[CardRecord]) -> None:
        """Insert or replace records by id."""
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Forget records."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """A key to the API, or a one-time sign-in link (`single_use`); only its SHA-256 is kept."""

    id: str
    digest: str
    person: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    single_use: bool = False


class PeopleWrites(Protocol):
    """People and their keys inside a transaction."""

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """Insert or replace people and groups by id."""
        ...

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """Remember which person a chat user is."""
        ...

    def unlink(self, platform: str, user: str) -> None:
        """Forget which person a chat user is."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep a token's digest."""
        ...

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """Return a valid token and mark its use; a single-use token is valid once."""
        ...

    def forget_links(self, before: datetime) -> int:
        """Forget single-use tokens that were used, or expired, before a moment; return how many."""
        ...

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """Revoke a token; False when there is none."""
        ...


class Writing(Protocol):
    """One transaction."""

    plans: PlanWrites
    outbox: Outbox
    timers: Timers
    cards: Cards
    people: PeopleWrites


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_cursor` continues it, empty at the end."""

    items: Sequence[T]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """Which plans to list, newest first. `text` is looked for in names; `names` are a person and their `@groups`."""

    status: str = ""
    manager: str = ""
    text: str = ""
    cursor: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Mine:
    """What concerns a person now: plans they manage, plans that wait for their vote, items assigned to them."""

    managed: Sequence[Plan]
    approvals: Sequence[Plan]
    items: Sequence[tuple[Plan, Item]]


@dataclass(frozen=True, slots=True)
class Version:
    """What a revision of a plan said, as the JSON of its draft with credentials masked."""

    revision: int
    at: datetime
    by: str
    instance_code: str
    content: Mapping[str, Any]


class Reading(Protocol):
    """A consistent view of the store. Plans come with all their items, without specs unless `whole`."""

    def plan_id(self, ref: str) -> str:
        """Return the id of a plan that is named by id or number. Raises NotFound."""
        ...

    def plan(self, plan_id: str, *, whole: bool = False) -> Plan:
        """Return a plan with its items. Raises NotFound."""
        ...

    def masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Return those plans that exist, by id: whole, but with every credential masked."""
        ...

    def plans(self, query: PlanQuery) -> Page[Plan]:
        """List plans without their items."""
        ...

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """Return what concerns a person; `names` are the person and their `@groups`."""
        ...

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """Return the items that a person may mean: by position, else by key, else by a part of the name."""
        ...

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """Return plan id and item of every run that has not ended."""
        ...

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """Return the spec of an item, with its credentials. Raises NotFound."""
        ...

    def log(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """Return a plan's log entries that follow a sequence number, in order."""
        ...

    def log_since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """Return log entries of all plans that follow an entry's id, in order."""
        ...

    def versions(self, plan_id: str) -> list[Version]:
        """Return the versions of a plan, oldest first."""
        ...

    def deliveries(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """List deliveries, newest first."""
        ...

    def named_deliveries(self, effect_ids: Collection[str]) -> list[Delivery]:
        """Return those deliveries that exist, oldest first."""
        ...

    def attempts(self, effect_id: str) -> list[Attempt]:
        """Return the tries of a delivery, oldest first."""
        ...

    def failing(self, destination: str) -> Failing | None:
        """Return since when every try of a destination has failed; None when the newest one went well or none was."""
        ...

    def cards(self, plan_id: str, platform: str) -> list[CardRecord]:
        """Return the cards of a plan on a platform."""
        ...

    def directory(self) -> Directory:
        """Return all people and groups."""
        ...

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """Return the person that a chat user was found to be, and when."""
        ...

    def tokens(self, person: str = "") -> list[Token]:
        """List tokens."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return figures for monitoring: `plans.<status>` and `deliveries.<state>`."""
        ...


class Store(Protocol):
    """Where plans live."""

    async def write(self, work: Callable[[Writing], T]) -> T:
        """Run a function in one transaction; durable when this returns.

        Raises Conflict when the transaction lost a race, Unavailable when the database cannot be written.
        """
        ...

    async def read(self, query: Callable[[Reading], T]) -> T:
        """Run a function on a snapshot."""
        ...

    def listen(self, heard: Callable[[], None]) -> None:
        """Call a function, on this event loop, when another replica may have added something to do."""
        ...

    async def close(self) -> None:
        """Finish what was begun and give up the database."""
        ...
