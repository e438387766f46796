"""The answers of the API. Times are RFC 3339 in UTC; durations are written as requests write them (`1h30m`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from core.audit import LogEntry
from core.card import Card, Form, Tone
from core.chat import Reply
from core.differences import Difference
from core.effects import EffectKind, record_of
from core.people import Directory, Person, TokenScope
from core.plan import Channel, Confirmation, Decision, Item, Plan, Rule, Stage
from core.ports.outbox import Attempt, Delivery, DeliveryState
from core.ports.paging import Page
from core.ports.people import Token
from core.ports.plans import Version
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.text import format_duration
from core.workflow import Workflow, mask_credentials

T = TypeVar("T")
S = TypeVar("S")


DurationText = Annotated[timedelta, PlainSerializer(format_duration, return_type=str)]
EnglishText = Annotated[str, BeforeValidator(str)]
"""A message as programs get it, whatever language people read it in."""
WHERE_LOADED: Any = Field(None, exclude_if=lambda value: value is None)
"""A field that is left out where its value was not loaded: in lists, and in answers to commands."""


class Answer(BaseModel):
    """Base of all answers. Most have the fields of a value of the core, and are made from it."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ErrorAnswer(Answer):
    """An error: its stable code, a message for people, and the parameters of the message."""

    code: str
    message: str
    params: dict[str, Any] = Field(
        description="For `invalid`, `problems` lists every field that is wrong: its path, message and params."
    )


class Listed(Answer, Generic[T]):
    """A page of a list; `next_cursor` is that of the next page, empty at the end."""

    items: list[T]
    next_cursor: str = ""

    @classmethod
    def of(cls, page: Page[S], answer: Callable[[S], T]) -> Self:
        """Return a page with each entry as its answer."""
        return cls(items=[answer(entry) for entry in page.items], next_cursor=page.next_cursor)


class WindowAnswer(Answer):
    """The release window; null where it is open."""

    start: datetime | None
    end: datetime | None


class VoteAnswer(Answer):
    """One decision; `delegate` gave it in the name of `person`."""

    person: str
    decision: Decision
    comment: str
    at: datetime
    delegate: str


class StageAnswer(Answer):
    """One stage of the approval with its votes. A stage that a policy added has its name and the reason.

    The votes are void when it is `revoked`: in the vendor's form, too late to open the stage again.
    """

    name: str
    channel: Channel
    rule: Rule
    approvers: tuple[str, ...]
    policy: str
    reason: str
    votes: list[VoteAnswer]
    revoked: bool


class ApprovalAnswer(Answer):
    """The approval. `current` counts the complete stages, `asked_at` is when the current stage began."""

    stages: list[StageAnswer]
    allow_self_approval: bool
    expires_in: DurationText | None
    remind_every: DurationText | None
    current: int
    asked_at: datetime | None
    delegates: dict[str, str]


class AppliedPolicyAnswer(Answer):
    """A policy that fits the plan, the reason that people read, and the names of its stages."""

    name: str
    reason: str
    stages: tuple[str, ...]


class ControlsAnswer(Answer):
    """What the policies demand of this revision. Votes of `excluded` people do not count."""

    policies: list[AppliedPolicyAnswer]
    excluded: tuple[str, ...]
    executors: tuple[tuple[str, ...], ...]
    separate_executor: bool
    confirm: Confirmation
    max_window: DurationText | None


class CheckAnswer(Answer):
    """An external check: its event and times, and the latest progress and reason from the external system."""

    event: HookEvent
    since: datetime
    deadline: datetime
    progress: str
    reason: EnglishText


class TallyAnswer(Answer):
    """The number of items in each status."""

    todo: int
    running: int
    done: int
    skipped: int
    failed: int
    total: int


class RunAnswer(Answer):
    """The latest attempt of a workflow."""

    id: str
    attempt: int
    status: RunStatus
    url: str
    message: EnglishText
    started_at: datetime | None
    ended_at: datetime | None


class ItemAnswer(Answer):
    """One item. `needs` are keys; `content` and `workflow` (credentials masked) come with a single plan."""

    id: str
    key: str
    position: int
    name: str
    type: Literal["text", "workflow"]
    status: ItemStatus
    assignee: str
    needs: list[str]
    labels: tuple[str, ...]
    runner: str
    project: str
    executed_by: str
    executed_at: datetime | None
    remark: str
    run: RunAnswer | None
    content: str | None = WHERE_LOADED
    workflow: dict[str, Any] | None = WHERE_LOADED


class PlanAnswer(Answer):
    """A release plan. Lists leave `items` out; `description` and `jira_sprints` come with a single plan.

    `controls` is null until the plan is finished. `instance_code` is empty for all but administrators: whoever has it
    may answer for the external systems that hooks tell it to.
    """

    id: str
    number: int
    name: str
    status: PlanStatus
    revision: int
    instance_code: str
    manager: str
    collaborators: tuple[str, ...]
    editors: tuple[str, ...]
    labels: tuple[str, ...]
    window: WindowAnswer
    schedule_at: datetime | None
    approval: ApprovalAnswer
    controls: ControlsAnswer | None
    checks: list[HookEvent] | None
    check: CheckAnswer | None
    tally: TallyAnswer
    reason: EnglishText
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    url: str
    description: str | None = WHERE_LOADED
    jira_sprints: list[dict[str, Any]] | None = WHERE_LOADED
    items: list[ItemAnswer] | None = WHERE_LOADED

    @classmethod
    def of(cls, plan: Plan, public_url: str, *, with_code: bool, items: bool = True) -> Self:
        """Return the loaded parts of a plan; without its items unless `items`, without its code unless `with_code`."""
        approval, content = plan.approval, plan.content
        stages = [_stage(stage, plan, index) for index, stage in enumerate(approval.stages)]
        derived = {
            "approval": {**_fields(approval, ApprovalAnswer), "stages": stages, "delegates": dict(approval.delegates)},
            "checks": None if plan.check_events is None else sorted(plan.check_events),
            "url": f"{public_url}/plans/{plan.number}",
            "instance_code": plan.instance_code if with_code else "",
            "description": content.description if content else None,
            "jira_sprints": [dict(sprint) for sprint in content.jira_sprints] if content else None,
            "items": _items(plan.items) if items else None,
        }
        return cls.model_validate(_fields(plan, cls) | derived)


def _fields(value: object, answer: type[Answer]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in answer.model_fields if hasattr(value, name)}


def _stage(stage: Stage, plan: Plan, index: int) -> dict[str, Any]:
    derived = {"votes": list(plan.votes_of(index)), "revoked": stage in plan.reverted_stages}
    return _fields(stage, StageAnswer) | derived


def _items(items: Mapping[str, Item]) -> list[dict[str, Any]]:
    keys = {item.id: item.key for item in items.values()}
    return [_item(item, keys) for item in sorted(items.values(), key=lambda item: item.position)]


def _item(item: Item, keys: Mapping[str, str]) -> dict[str, Any]:
    fields = {**_fields(item, ItemAnswer), "needs": [keys[need] for need in item.needs], "workflow": None}
    if item.spec is None:
        return fields
    if item.type == "text":
        return fields | {"content": str(item.spec.get("content", ""))}
    return fields | {"workflow": mask_credentials(Workflow.model_validate(item.spec)).dump_given()}


class LogAnswer(Answer):
    """One line of the operation log: `seq` counts in the plan, `id` over all plans."""

    id: int
    plan_id: str
    seq: int
    at: datetime
    actor: str
    actor_kind: str
    via: str
    event: str
    details: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        """Return an entry."""
        return cls.model_validate(entry)


class VersionAnswer(Answer):
    """One revision of a plan; `instance_code` as in a plan."""

    revision: int
    at: datetime
    by: str
    instance_code: str

    @classmethod
    def of(cls, version: Version, *, with_code: bool) -> Self:
        """Return a version without its content; without its code unless `with_code`."""
        return cls.model_validate(version if with_code else replace(version, instance_code=""))


class DiffAnswer(Answer):
    """What a revision changed since another one."""

    revision: int
    against: int
    differences: list[Difference]


class AttemptAnswer(Answer):
    """One attempt of a delivery: how long it took (milliseconds), and the receiver's shortened answer, or the error."""

    at: datetime
    ms: int
    status: int
    error: EnglishText
    answer: str


class DeliveryAnswer(Answer):
    """A delivery to an outside system. `tries` are its attempts, the oldest first; lists leave them out."""

    id: str
    plan_id: str
    destination: str
    kind: EffectKind
    ref: str
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    created_at: datetime | None
    settled_at: datetime | None
    error: EnglishText
    tries: list[AttemptAnswer] | None = WHERE_LOADED

    @classmethod
    def of(cls, delivery: Delivery, attempts: Sequence[Attempt] | None = None) -> Self:
        """Return a delivery without its payload."""
        effect, record = delivery.effect, record_of(delivery.effect.payload)
        derived = {
            "destination": str(effect.destination),
            "kind": record.kind,
            "ref": record.ref,
            "tries": None if attempts is None else list(attempts),
        }
        return cls.model_validate(_fields(effect, cls) | _fields(delivery, cls) | derived)


class ReplayAnswer(Answer):
    """The number of deliveries that are sent again."""

    replayed: int


class PersonAnswer(Answer):
    """Somebody who uses Fabu."""

    id: str
    name: str
    active: bool
    admin: bool
    groups: list[str]

    @classmethod
    def of(cls, person: Person, directory: Directory) -> Self:
        """Return a person with the groups they belong to."""
        groups = sorted(group.id for group in directory.groups.values() if person.id in group.members)
        return cls.model_validate(_fields(person, cls) | {"groups": groups})


class TokenAnswer(Answer):
    """A token. Only the answer to its request has the `secret`."""

    id: str
    person: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    scopes: list[TokenScope]
    secret: str | None = WHERE_LOADED

    @classmethod
    def of(cls, token: Token, secret: str | None = None) -> Self:
        """Return a token."""
        return cls.model_validate(_fields(token, cls) | {"scopes": sorted(token.scopes), "secret": secret})


class ReplyAnswer(Answer):
    """The reply of the chat: a sentence, a card, a form to fill in, or the errors in the fields of a form."""

    text: str
    tone: Tone
    card: Card | None
    form: Form | None
    errors: dict[str, str]

    @classmethod
    def of(cls, reply: Reply) -> Self:
        """Return a reply."""
        return cls.model_validate(_fields(reply, cls) | {"errors": dict(reply.errors)})
