"""Effects: what has to be done outside after a plan has changed. They are stored with the change, delivered after it.

An effect names what to update, not the text of it: that is rendered from the newest state when it is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar, assert_never

from core.messages import Message
from core.plan import Channel
from core.status import HookEvent, PlanStatus

P = TypeVar("P", bound="Payload")

_FORMS = frozenset(channel.value for channel in Channel if channel.is_form)


class DestinationKind(StrEnum):
    """What sort of party an effect is delivered to."""

    CHAT = "chat"
    APPROVAL_FORM = "approval_form"
    RUNNER = "runner"
    HOOK = "hook"
    GATE = "gate"
    ADMINS = "admins"
    DIGESTS = "digests"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an effect is delivered.

    `name` is that of the chat, the runner, the endpoint of hooks or the system with a gate; for approval forms it is
    their channel; for administrators it is empty, or the id of the one person whom an alarm is for; for digests it is
    the id of the person, or empty for those of all people who have something to do in a plan. `str` returns the text
    form for the database, the API and people: `slack`, `feishu_instance`, `runner:local`, `hook:ci`, `gate:zadig`,
    `admins`, `admins:bob`, `digests`, `digests:bob`.
    """

    kind: DestinationKind
    name: str = ""

    def __str__(self) -> str:
        match self.kind:
            case DestinationKind.CHAT | DestinationKind.APPROVAL_FORM:
                return self.name
            case DestinationKind.RUNNER | DestinationKind.HOOK | DestinationKind.GATE:
                return f"{self.kind}:{self.name}"
            case DestinationKind.ADMINS | DestinationKind.DIGESTS:
                return f"{self.kind}:{self.name}" if self.name else self.kind.value
            case _:
                assert_never(self.kind)

    @classmethod
    def parse(cls, text: str) -> Destination:
        """Return the destination of a text form. Raises ValueError when what precedes a colon is no kind."""
        kind, colon, name = text.partition(":")
        if colon:
            return cls(DestinationKind(kind), name)
        if text in (DestinationKind.ADMINS, DestinationKind.DIGESTS):
            return cls(DestinationKind(text))
        return cls(DestinationKind.APPROVAL_FORM if text in _FORMS else DestinationKind.CHAT, text)


@dataclass(frozen=True, slots=True)
class Sync:
    """Update a plan's cards and its thread in a chat, or digests. The digest of one person belongs to no plan."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """Have a runner start an attempt of an item."""

    run_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class RunResume:
    """Have a runner resume an attempt that waits for a person; `by` is the person who agreed."""

    run_id: str
    item_id: str
    comment: str
    by: str


@dataclass(frozen=True, slots=True)
class RunCancel:
    """Have a runner stop an attempt; `external_id` is the runner's id of it, empty when unknown."""

    run_id: str
    item_id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Hook:
    """Send a plan to an external system, with the status and the code that it had at the event."""

    event: HookEvent
    status: PlanStatus
    instance_code: str


@dataclass(frozen=True, slots=True)
class FormStart:
    """Submit a vendor's approval form for a stage of a revision; `key` is the same in all attempts."""

    stage: int
    revision: int
    key: str


@dataclass(frozen=True, slots=True)
class FormCancel:
    """Withdraw a vendor's approval form."""

    stage: int
    form: str


@dataclass(frozen=True, slots=True)
class FormComment:
    """Say in a vendor's approval form that the vote of a person in it does not count."""

    form: str
    person: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Send the decision to the system that requested the approval."""


@dataclass(frozen=True, slots=True)
class Ungated:
    """Let another system go on at an event of one of its own plans, which no gate fits. The effect has its plan id."""

    event: HookEvent
    instance_code: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Notify administrators that an endpoint of hooks is disabled."""

    endpoint: str
    reason: Message


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Notify a plan's manager and the administrators that a chat refuses the plan's cards to `recipients`."""

    chat: str
    recipients: tuple[str, ...]
    manager: str
    reason: Message


@dataclass(frozen=True, slots=True)
class FormReverted:
    """Notify a plan's manager and the administrators that the form of a stage was revoked after the approval."""

    stage: int
    revision: int
    manager: str


@dataclass(frozen=True, slots=True)
class ContentMismatch:
    """Notify administrators that a run was not started: what is stored is not what was approved."""

    item_id: str


Payload = (
    Sync | RunStart | RunResume | RunCancel | Hook | FormStart | FormCancel | FormComment | Answer | Ungated
    | Alarm | Undelivered | FormReverted | ContentMismatch
)  # fmt: skip
"""What to do at a destination, with the values for it."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do. Effects of the same plan and destination are delivered in the order in which they were added.

    `id` is the same in all attempts and serves as idempotency key; pending `Sync` effects coalesce.
    """

    id: str
    plan_id: str
    destination: Destination
    payload: Payload
    due_at: datetime | None = None

    def payload_as(self, kind: type[P]) -> P:
        """Return the payload as the type that its destination takes. Raises TypeError when it is of another type."""
        if not isinstance(self.payload, kind):
            raise TypeError(f"{self.destination} does not take {self.payload}")
        return self.payload


class EffectKind(StrEnum):
    """The names of the payload types in the database and the API."""

    SYNC = "sync"
    RUN_START = "run_start"
    RUN_CANCEL = "run_cancel"
    RUN_RESUME = "run_resume"
    HOOK = "hook"
    FORM_START = "form_start"
    FORM_CANCEL = "form_cancel"
    FORM_COMMENT = "form_comment"
    FORM_REVERTED = "form_reverted"
    ANSWER = "answer"
    UNGATED = "ungated"
    ALARM = "alarm"
    UNDELIVERED = "undelivered"
    CONTENT_MISMATCH = "content_mismatch"


class PayloadRecord(NamedTuple):
    """A payload as it is stored: `ref` identifies its subject, `details` are the rest as JSON values."""

    kind: EffectKind
    ref: str = ""
    details: Mapping[str, Any] = {}


def record_of(payload: Payload) -> PayloadRecord:  # noqa: C901 - one flat list of cases
    """Return the stored form of a payload. Other versions read it, so its names change with a migration only."""
    match payload:
        case Sync():
            return PayloadRecord(EffectKind.SYNC)
        case RunStart(run_id, item_id):
            return PayloadRecord(EffectKind.RUN_START, run_id, {"item": item_id})
        case RunResume(run_id, item_id, comment, by):
            return PayloadRecord(EffectKind.RUN_RESUME, run_id, {"item": item_id, "comment": comment, "by": by})
        case RunCancel(run_id, item_id, external_id):
            return PayloadRecord(EffectKind.RUN_CANCEL, run_id, {"item": item_id, "run": external_id})
        case Hook(event, status, code):
            return PayloadRecord(EffectKind.HOOK, event.value, {"status": status.value, "instance_code": code})
        case FormStart(stage, revision, key):
            return PayloadRecord(EffectKind.FORM_START, key, {"stage": stage, "revision": revision})
        case FormCancel(stage, form):
            return PayloadRecord(EffectKind.FORM_CANCEL, form, {"stage": stage, "form": form})
        case FormComment(form, person):
            return PayloadRecord(EffectKind.FORM_COMMENT, form, {"person": person})
        case FormReverted(stage, revision, manager):
            return PayloadRecord(EffectKind.FORM_REVERTED, manager, {"stage": stage, "revision": revision})
        case Answer():
            return PayloadRecord(EffectKind.ANSWER)
        case Ungated(event, code):
            return PayloadRecord(EffectKind.UNGATED, event.value, {"instance_code": code})
        case Alarm(endpoint, reason):
            return PayloadRecord(EffectKind.ALARM, endpoint, {"reason": reason.to_json()})
        case Undelivered(chat, recipients, manager, reason):
            details = {"recipients": list(recipients), "manager": manager, "reason": reason.to_json()}
            return PayloadRecord(EffectKind.UNDELIVERED, chat, details)
        case ContentMismatch(item_id):
            return PayloadRecord(EffectKind.CONTENT_MISMATCH, item_id)
        case _:
            assert_never(payload)


def payload_of(record: PayloadRecord) -> Payload:  # noqa: C901 - one flat list of cases
    """Return the payload that `record_of` made a record of. Raises KeyError when a detail is missing."""
    kind, ref, details = record
    match kind:
        case EffectKind.SYNC:
            return Sync()
        case EffectKind.RUN_START:
            return RunStart(ref, details["item"])
        case EffectKind.RUN_RESUME:
            return RunResume(ref, details["item"], details["comment"], details["by"])
        case EffectKind.RUN_CANCEL:
            return RunCancel(ref, details["item"], details.get("run", ""))
        case EffectKind.HOOK:
            return Hook(HookEvent(ref), PlanStatus(details["status"]), details["instance_code"])
        case EffectKind.FORM_START:
            return FormStart(details["stage"], details["revision"], ref)
        case EffectKind.FORM_CANCEL:
            return FormCancel(details["stage"], ref)
        case EffectKind.FORM_COMMENT:
            return FormComment(ref, details["person"])
        case EffectKind.FORM_REVERTED:
            return FormReverted(details["stage"], details["revision"], ref)
        case EffectKind.ANSWER:
            return Answer()
        case EffectKind.UNGATED:
            return Ungated(HookEvent(ref), details["instance_code"])
        case EffectKind.ALARM:
            return Alarm(ref, Message.from_json(details["reason"]))
        case EffectKind.UNDELIVERED:
            reason = Message.from_json(details["reason"])
            return Undelivered(ref, tuple(details["recipients"]), details["manager"], reason)
        case EffectKind.CONTENT_MISMATCH:
            return ContentMismatch(ref)
        case _:
            assert_never(kind)
