"""The port of plans, a part of the store: loading, saving and queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.audit import LogEntry
from core.draft import PlanDraft
from core.effects import Effect
from core.plan import Content, Item, Plan
from core.ports.paging import Page
from core.ports.requests import AcceptedRequest
from core.timers import TimerKind


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a plan a command needs beside its head (status, approval, votes, tally).

    `items` are loaded together with the items that they need; `all_items` loads all, without specs; `whole` loads all,
    with specs and content.
    """

    items: frozenset[str] = frozenset()
    all_items: bool = False
    whole: bool = False

    def __or__(self, other: Scope) -> Scope:
        return Scope(self.items | other.items, self.all_items or other.all_items, self.whole or other.whole)


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one batch of commands changes about one plan.

    `before` is None for a new plan. Items and votes that differ between `before` and `after` are saved. `drafts` are
    stored as versions, each with the plan as it was then. `timers` maps each kind that changed to its new time, None
    to delete it. `requests` are stored by their keys, so that repeated requests are recognized.
    """

    before: Plan | None
    after: Plan
    entries: Sequence[LogEntry] = ()
    effects: Sequence[Effect] = ()
    timers: Mapping[TimerKind, datetime | None] = field(default_factory=dict)
    drafts: Sequence[tuple[Plan, PlanDraft]] = ()
    requests: Mapping[str, AcceptedRequest] = field(default_factory=dict)


class PlanWrites(Protocol):
    """Plans inside a transaction."""

    def load(self, scopes: Mapping[str, Scope]) -> Mapping[str, Plan]:
        """Return and lock the plans that exist, in an order that cannot deadlock."""
        ...

    def next_number(self) -> int:
        """Return the number of the next new plan of this installation."""
        ...

    def save(self, changes: Sequence[Change], link_key: bytes) -> None:
        """Save changes, their log entries, effects and timers.

        The log entries are linked, with a key, to those of all plans (`core.audit.link_entries`), in this transaction.

        Raises Conflict when another replica changed one of the plans, or used one of the keys, meanwhile.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """Which plans to list, newest first; `text` is searched in their names."""

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
    """As `PlanReads.waiting` returns them."""


@dataclass(frozen=True, slots=True)
class Version:
    """A revision of a plan: the JSON of its draft, with credentials masked."""

    revision: int
    at: datetime
    by: str
    instance_code: str
    content: Mapping[str, Any]


class PlanReads(Protocol):
    """Plans inside a snapshot. They have all their items, without specs unless `whole`."""

    def id_of(self, ref: str) -> str:
        """Return the id of the plan with an id or a number. Raises NotFound."""
        ...

    def get(self, plan_id: str, *, whole: bool = False) -> Plan:
        """Return a plan with its items. Raises NotFound."""
        ...

    def get_masked(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Return the plans that exist, by id: whole, but with every credential masked."""
        ...

    def with_form(self, form: str) -> Plan | None:
        """Return the plan that has a stage with a vendor's approval form, without its items; None without one."""
        ...

    def last_success(self, plan: Plan) -> Plan | None:
        """Return the plan of the same lineage that succeeded last, without its items; None if no other one has."""
        ...

    def page(self, query: PlanQuery) -> Page[Plan]:
        """Return a page of plans, without their items."""
        ...

    def mine(self, person: str, names: Collection[str], limit: int = 50) -> Mine:
        """Return what concerns a person; `names` are the person and their `@groups`."""
        ...

    def waiting(self, person: str, limit: int = 500) -> list[tuple[Plan, Item]]:
        """Return the incomplete items of executing plans that are assigned to a person, those of new plans first.

        Each plan has these items and those that they need, so that `Plan.blockers` holds for them.
        """
        ...

    def find_items(self, plan_id: str, text: str) -> list[Item]:
        """Return the items of a plan that a text names (`core.plan.find_items`); none of a plan that does not exist."""
        ...

    def open_runs(self, limit: int = 500) -> list[tuple[str, Item]]:
        """Return the plan's id and the item of runs that have not ended, at most `limit`."""
        ...

    def failed_runs(self, limit: int = 100) -> list[tuple[str, Item]]:
        """Return the plan's id and the item of failed runs of executing plans, the last ended first, at most `limit`.

        They are known to their runner, whose system may run them again.
        """
        ...

    def spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """Return the spec of an item, with its credentials. Raises NotFound."""
        ...

    def masked_spec(self, plan_id: str, item_id: str) -> Mapping[str, Any]:
        """Return the spec of an item, its credentials masked. Raises NotFound."""
        ...

    def content(self, plan_id: str) -> Content:
        """Return the descriptive part of a plan. Raises NotFound."""
        ...

    def versions(self, plan_id: str) -> list[Version]:
        """Return the versions of a plan, oldest first."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return the number of plans in each status that has any."""
        ...
