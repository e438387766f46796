"""What has happened to a plan. Events are facts: `core.apply` folds them, the operation log keeps them.

`name` is what the log stores; the other fields are the entry's details. A new event is a class here, a part of
`AnyEvent`, a case in `core.apply` and a sentence in `bot.cards.sentences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, get_args

from core.draft import PlanDraft
from core.plan import Check, Decision, Item, Run
from core.status import HookEvent, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; `name` is stable, for it is stored.

    `changes_cards` says whether cards and threads are brought up to date after it, and `in_thread` whether the thread
    of the plan then reports it. Without `changes_closed_cards` it leaves cards alone that ask for nothing any more:
    updating them would cost a call for each. Without `has_actor` its sentence names nobody.
    """

    name: ClassVar[str]
    changes_cards: ClassVar[bool] = True
    changes_closed_cards: ClassVar[bool] = True
    in_thread: ClassVar[bool] = True
    has_actor: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence(Event):
    """Base of the events that nobody causes directly: they follow from what somebody did."""

    has_actor = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOnly(Event):
    """Base of the events that change nothing and are kept in the operation log alone."""

    changes_cards = False
    changes_closed_cards = False
    in_thread = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Created(Event):
    """A plan was started. `items` are the draft's items with their identifiers; `origin` becomes the plan's."""

    name = "created"
    draft: PlanDraft
    items: tuple[Item, ...]
    instance_code: str
    nonce: str
    copied_from: str = ""
    origin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Event):
    """The content changed; `changed` names the fields, `differences` tells the log what they were and are (masked)."""

    name = "edited"
    draft: PlanDraft
    items: tuple[Item, ...]
    changed: tuple[str, ...]
    instance_code: str
    nonce: str
    differences: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """The planning was declared complete."""

    name = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(Event):
    """Approval was asked for."""

    name = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitDeferred(Event):
    """A submit waits for the check of the finished planning and goes on by itself."""

    name = "submit_deferred"
    in_thread = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted(Event):
    """An approver, or the delegate in the approver's name, decided."""

    name = "voted"
    stage: int
    person: str
    decision: Decision
    comment: str
    delegate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated(Event):
    """An approver named somebody to decide instead."""

    name = "delegated"
    stage: int
    person: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePassed(Consequence):
    """A stage of the approval is complete."""

    name = "stage_passed"
    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Consequence):
    """All stages are complete."""

    name = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Consequence):
    """An approver rejected the plan, or the vendor's form ended without a decision."""

    name = "denied"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExpired(Consequence):
    """Nobody decided before the deadline of the approval."""

    name = "approval_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded(Event):
    """The approvers who have not decided were reminded."""

    name = "reminded"
    changes_closed_cards = False
    in_thread = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLinked(Event):
    """The vendor's approval form of a stage exists."""

    name = "form_linked"
    in_thread = False
    stage: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted(Consequence):
    """The plan may be executed now."""

    name = "execution_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOpened(Consequence):
    """The release window has opened."""

    name = "window_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDone(Event):
    """A text item was carried out."""

    name = "item_done"
    changes_closed_cards = False
    item_id: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSkipped(Event):
    """An item was left out."""

    name = "item_skipped"
    changes_closed_cards = False
    item_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequested(Event):
    """A workflow is to be started; the runner is called after this is durable."""

    name = "run_requested"
    changes_closed_cards = False
    item_id: str
    run: Run
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged(Event):
    """A runner reported on an attempt that goes on."""

    name = "run_changed"
    changes_closed_cards = False
    in_thread = False
    item_id: str
    run_id: str
    status: RunStatus
    external_id: str
    url: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """An attempt ended."""

    name = "run_ended"
    changes_closed_cards = False
    item_id: str
    run_id: str
    status: RunStatus
    external_id: str
    url: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """An approver lets an attempt go on that waits for a person; the runner is told after this is durable."""

    name = "run_resumed"
    item_id: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired(Event):
    """The scheduled execution started what was due; it looks again when an item completes."""

    name = "schedule_fired"
    in_thread = False
    started: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted(Consequence):
    """The plan waits for an external system."""

    name = "check_started"
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProgressed(Consequence):
    """The external system is still working and said what on."""

    name = "check_progressed"
    event: HookEvent
    progress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReminded(Event):
    """People were told that the external system has not answered yet."""

    name = "check_reminded"
    event: HookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPassed(Consequence):
    """The external system agreed."""

    name = "check_passed"
    event: HookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed(Consequence):
    """The external system refused, or did not answer in time."""

    name = "check_failed"
    event: HookEvent
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRepeated(LogOnly):
    """The external system said again what it had said; nothing followed from it."""

    name = "check_repeated"
    event: HookEvent
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivered(LogOnly):
    """An external system took notice of a moment."""

    name = "told"
    endpoint: str
    event: HookEvent
    delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookUndeliverable(Event):
    """An external system could not be told of a moment, and will not be unless somebody replays the delivery."""

    name = "untold"
    endpoint: str
    event: HookEvent
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDisabled(Consequence):
    """An external system is told nothing any more, of this plan and of others, until a replay succeeds."""

    name = "endpoint_disabled"
    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Event):
    """Somebody had deliveries begin again that had ended: these of the plan, `total` over all plans at once."""

    name = "replayed"
    deliveries: tuple[str, ...]
    destinations: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded(Consequence):
    """Every item is done or skipped, and nobody has anything against it."""

    name = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(Consequence):
    """The release window closed before the plan was complete."""

    name = "timed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned(Event):
    """The plan went back to planning. `cancelled` are the items whose runs were going."""

    name = "replanned"
    reason: str
    cancelled: tuple[str, ...]
    instance_code: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Event):
    """The plan was given up. `cancelled` are the items whose runs were going."""

    name = "cancelled"
    reason: str
    cancelled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(Event):
    """The plan was hidden from lists."""

    name = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(LogOnly):
    """Somebody asked for something without having the right."""

    name = "refused"
    verb: str
    code: str


AnyEvent = (
    Edited | Finished | Submitted | SubmitDeferred | Voted | Delegated | StagePassed | Approved | Denied
    | ApprovalExpired | Reminded | FormLinked | ExecutionStarted | WindowOpened | ItemDone | ItemSkipped
    | RunRequested | RunChanged | RunEnded | RunResumed | ScheduleFired | CheckStarted | CheckProgressed
    | CheckReminded | CheckPassed | CheckFailed | Succeeded | TimedOut | Replanned | Cancelled | Deleted
    | CheckRepeated | HookDelivered | HookUndeliverable | EndpointDisabled | Replayed | Refused
)  # fmt: skip
"""Every event but `Created`, which has no plan to be applied to."""

EVENTS: Mapping[str, type[Event]] = MappingProxyType({event.name: event for event in (Created, *get_args(AnyEvent))})
"""Every event by the name under which the log stores it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who and when: what `apply` needs beside the event."""

    actor: str
    at: datetime
