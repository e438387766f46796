"""The release plan and its parts: stages, votes, items, runs and checks.

All values are immutable. A `Plan` in memory has only those items that a command needs (`core.ports.plans.Scope`);
`tally` counts all items, so that a click costs the same on a plan of one item and of a thousand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from core.messages import NO_MESSAGE, Message
from core.people import GATE
from core.status import CHECK_BEFORE, HookEvent, ItemStatus, PlanStatus, RunStatus
from core.text import normalize_name
from core.workflow import drop_empty

Rule = Literal["all", "any"] | int
"""How many approvers of a stage must approve: all of them, any one, or a number."""


class Channel(StrEnum):
    """Where the approvers of a stage vote."""

    NATIVE = "native"
    SLACK = "slack"
    FEISHU = "feishu"
    DINGTALK = "dingtalk"
    FEISHU_INSTANCE = "feishu_instance"
    DINGTALK_INSTANCE = "dingtalk_instance"

    @property
    def is_form(self) -> bool:
        """Whether the approvers vote in the vendor's own approval form."""
        return self in (Channel.FEISHU_INSTANCE, Channel.DINGTALK_INSTANCE)

    @property
    def platform(self) -> str:
        """The platform on which the approvers have their accounts: that of a form is its vendor's chat."""
        return self.value.removesuffix("_instance")


class Confirmation(StrEnum):
    """How a vote is confirmed, the most lenient way first: by a click or command, or on a signed-in page alone."""

    CHAT = "chat"
    PAGE = "page"


class Decision(StrEnum):
    """The vote of an approver."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Window:
    """When a plan may be executed; without `start` or `end` it is unlimited on that side."""

    start: datetime | None = None
    end: datetime | None = None

    def contains(self, moment: datetime) -> bool:
        """Return whether the window is open at a time; it includes both ends."""
        return (self.start is None or self.start <= moment) and not self.has_ended(moment)

    def has_ended(self, moment: datetime) -> bool:
        """Return whether the window has closed for good."""
        return self.end is not None and moment > self.end


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the approval. `approvers` are written as in the draft: people and `@groups`.

    `form` is the identifier of the vendor's own approval instance, for the channels that use one; `void_forms` counts
    those of this revision that do not count any more, since they or one of a stage before were revoked. `policy` is the
    policy that added the stage, for a `reason`; both are empty for a stage of the plan's author.
    """

    name: str
    approvers: tuple[str, ...]
    rule: Rule = "all"
    channel: Channel = Channel.NATIVE
    form: str = ""
    policy: str = ""
    reason: str = ""
    void_forms: int = 0

    def without_form(self) -> Stage:
        """Return the stage after its form, if its channel uses one, does not count any more."""
        return replace(self, form="", void_forms=self.void_forms + 1) if self.channel.is_form else self


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision in one stage of one revision. `delegate` voted in the name of `person`."""

    stage: int
    person: str
    decision: Decision
    comment: str
    at: datetime
    delegate: str = ""


@dataclass(frozen=True, slots=True)
class AppliedPolicy:
    """A policy that fits a plan, why, and the names of the stages that come of it."""

    name: str
    reason: str
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Controls:
    """What the installation demands of a revision: found when it is finished, and frozen with it.

    The votes of `excluded` people do not count. Who executes must be in every list of `executors` (people and
    `@groups`), and with `separate_executor` has not approved. `max_window` is the longest window allowed.
    """

    policies: tuple[AppliedPolicy, ...] = ()
    excluded: tuple[str, ...] = ()
    executors: tuple[tuple[str, ...], ...] = ()
    separate_executor: bool = False
    confirm: Confirmation = Confirmation.CHAT
    max_window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """The stages in their order, and how far the approval has come.

    `current` is the index of the stage that is being decided, and `asked_at` when its approval was requested.
    `delegates` maps an approver to the person who votes instead.
    """

    stages: tuple[Stage, ...] = ()
    allow_self_approval: bool = False
    expires_in: timedelta | None = None
    remind_every: timedelta | None = None
    current: int = 0
    asked_at: datetime | None = None
    reminders: int = 0
    delegates: Mapping[str, str] = field(default_factory=dict)

    @property
    def deadline(self) -> datetime | None:
        """Until when the current stage has to be decided; None for no deadline, and while nobody is asked."""
        return self.asked_at + self.expires_in if self.asked_at and self.expires_in else None

    @property
    def stage(self) -> Stage | None:
        """The stage that is being decided, or None when all are complete."""
        return self.stages[self.current] if self.current < len(self.stages) else None


@dataclass(frozen=True, slots=True)
class Check:
    """A wait for an external system: its start, its deadline, and what the system has reported so far.

    `reminders` counts how often people were reminded of it.
    """

    event: HookEvent
    since: datetime
    deadline: datetime
    progress: str = ""
    reason: Message = NO_MESSAGE
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt of a workflow. `external_id` and `url` are the runner's own."""

    id: str
    attempt: int
    status: RunStatus
    external_id: str = ""
    url: str = ""
    message: Message = NO_MESSAGE
    started_at: datetime | None = None
    ended_at: datetime | None = None


class StoredSpec(Mapping[str, Any]):
    """A spec as it is stored; its JSON is parsed on first access.

    `text` is the compact JSON of all fields. Its values are those of `given`, the JSON of the fields that were given. A
    spec without it was stored by a version for which an empty field was one that was not given.
    """

    __slots__ = ("_given", "_parsed", "text")

    def __init__(self, text: str, given: str | None = None) -> None:
        self.text, self._given = text, given
        self._parsed: dict[str, Any] = {}

    def _object(self) -> dict[str, Any]:
        if not self._parsed:
            self._parsed = json.loads(self._given) if self._given else drop_empty(json.loads(self.text))
        return self._parsed

    def __getitem__(self, key: str) -> Any:
        return self._object()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._object())

    def __len__(self) -> int:
        return len(self._object())


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do in a release: a text to follow by hand, or a workflow to run.

    `spec` is the text (`{"content": …}`) or the workflow (`Workflow.dump_given`); it is None when it was not loaded.
    `needs` are identifiers of items that must be complete first. `sha256` is the digest of what the item says
    (`core.digest`), empty for an item of a version without digests.
    """

    id: str
    key: str
    position: int
    name: str
    type: Literal["text", "workflow"]
    status: ItemStatus = ItemStatus.TODO
    assignee: str = ""
    needs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    runner: str = ""
    project: str = ""
    workflow: str = ""
    executed_by: str = ""
    executed_at: datetime | None = None
    remark: str = ""
    run: Run | None = None
    spec: Mapping[str, Any] | None = None
    sha256: str = ""

    @property
    def complete(self) -> bool:
        """Whether the item no longer holds up the plan or the items that need it."""
        return self.status.complete

    @property
    def waits(self) -> bool:
        """Whether its run waits for a person."""
        return self.status is ItemStatus.RUNNING and self.run is not None and self.run.status is RunStatus.WAITING


def find_items(items: Collection[Item], text: str) -> list[Item]:
    """Return the items with a position, else with a key, else with a name, else those whose names contain the text.

    A name as it is written is found before names that differ in case or width alone.
    """
    written, wanted = text.strip(), normalize_name(text)
    if not wanted:
        return []
    ways: tuple[Callable[[Item], bool], ...] = (
        lambda item: str(item.position) == wanted,
        lambda item: item.key == written,
        lambda item: item.name == written,
        lambda item: normalize_name(item.name) == wanted,
        lambda item: wanted in normalize_name(item.name),
    )
    found = ([item for item in items if fits(item)] for fits in ways)
    return next(filter(None, found), [])


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of the whole plan are in each status."""

    todo: int = 0
    running: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """The number of items."""
        return self.todo + self.running + self.done + self.skipped + self.failed

    @property
    def complete(self) -> bool:
        """Whether every item is done or skipped. A failed item is not complete."""
        return self.total > 0 and self.todo == self.running == self.failed == 0


@dataclass(frozen=True, slots=True)
class Content:
    """The descriptive part of a plan, on which no decision depends; loaded only with the whole plan."""

    description: str = ""
    jira_sprints: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)  # without slots: `core.replacing`
class Plan:
    """A release plan as far as a command needs it.

    `nonce` changes with every revision and is part of the references on cards, so that a click on an outdated card is
    recognized. `version` counts saves and prevents lost updates. `instance_code` is what an external system sends back
    with its answer; it changes with every edit. `origin` identifies, in the terms of the system that opened a gate,
    what the plan requests approval for; empty for people's plans. `lineage` is the id of the plan from which a copy
    descends, through all copies in between; empty for a plan that is no copy. `editors` are all who made a revision,
    last who made the present one. `controls` is None while the plan is in planning, and for the plans of gates and of
    versions that had no policies.
    `content_sha256` is the digest of what the revision says (`core.digest`), empty for a plan of a version without
    digests.
    """

    id: str
    number: int
    name: str
    status: PlanStatus
    manager: str
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    origin: tuple[str, ...] = ()
    lineage: str = ""
    revision: int = 1
    instance_code: str = ""
    nonce: str = ""
    window: Window = Window()
    schedule_at: datetime | None = None
    next_schedule: datetime | None = None
    approval: Approval = Approval()
    votes: tuple[Vote, ...] = ()
    items: Mapping[str, Item] = field(default_factory=dict)
    tally: Tally = Tally()
    collaborators: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    controls: Controls | None = None
    check_events: frozenset[HookEvent] | None = None
    check: Check | None = None
    answers: Mapping[HookEvent, str] = field(default_factory=dict)
    submitting: bool = False
    window_open: bool = False
    reason: Message = NO_MESSAGE
    planning_at: datetime | None = None
    approval_at: datetime | None = None
    executing_at: datetime | None = None
    success_at: datetime | None = None
    content: Content | None = None
    content_sha256: str = ""
    version: int = 0
    log_seq: int = 0
    log_head: str = ""
    deleted: bool = False

    @property
    def gate(self) -> str:
        """The id of the system that requests approval by this plan and gets the decision; empty for people's plans."""
        return self.created_by if self.created_by.startswith(GATE) else ""

    @property
    def maker(self) -> str:
        """Who made the present revision, and answers for all that is in it."""
        return self.editors[-1] if self.editors else self.created_by

    @property
    def passed_check(self) -> HookEvent | None:
        """The external check that the plan has passed just before its present status; None when there was none."""
        event = CHECK_BEFORE.get(self.status)
        return event if event and self.answers.get(event) == "success" else None

    @property
    def ref(self) -> str:
        """The reference to this revision that a card's buttons have. It grants no right."""
        return f"{self.id}.{self.nonce}"

    def item_ref(self, item_id: str) -> str:
        """Return the reference to an item of this revision that the item's buttons have."""
        return f"{self.ref}.{item_id}"

    @property
    def reverted_stages(self) -> tuple[Stage, ...]:
        """The stages that were passed, and whose form was revoked when it was too late to open them again.

        While there is one, the schedule starts nothing.
        """
        passed = self.approval.stages[: self.approval.current]
        return tuple(stage for stage in passed if stage.void_forms and not stage.form)

    @property
    def line(self) -> str:
        """The id of the first plan of its lineage."""
        return self.lineage or self.id

    @property
    def items_in_order(self) -> list[Item]:
        """The loaded items in the order of the plan."""
        return sorted(self.items.values(), key=lambda item: item.position)

    def blockers(self, item: Item) -> list[Item]:
        """Return the incomplete items that an item needs.

        Only loaded items are considered: a command loads those that its item needs, a list of plans loads none.
        """
        needed = (self.items[need] for need in item.needs if need in self.items)
        return [other for other in needed if not other.complete]

    def waiting_for(self, item: Item) -> list[Item]:
        """Return the incomplete items that need an item, in the order of the plan; only loaded items are considered."""
        return [other for other in self.items_in_order if item.id in other.needs and not other.complete]

    def votes_of(self, stage: int) -> tuple[Vote, ...]:
        """Return the votes of one stage, in the order they were given."""
        return tuple(vote for vote in self.votes if vote.stage == stage)
