"""The events: what has happened to a plan. `core.apply` applies them, the operation log stores them.

A new event is a class here, a part of `AnyEvent`, a case in `core.apply` and a sentence in `bot.cards.sentences`. What
all events have is in `core.event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_args

from core.draft import PlanDraft
from core.event import Consequence, Event, LogOnly, Progress
from core.messages import Message
from core.plan import Check, Controls, Decision, Item, Run, Stage
from core.status import HookEvent, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Created(Event):
    """A plan was started. `items` are those of the draft, with ids; `origin` and `lineage` become the plan's."""

    name = "created"
    draft: PlanDraft
    items: tuple[Item, ...]
    instance_code: str
    nonce: str
    copied_from: str = ""
    lineage: str = ""
    origin: tuple[str, ...] = ()
    content_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Event):
    """The content changed; `changed` names the fields, `differences` are their changes for the log (masked).

    `revision` is the number of the new revision, 0 in a log that an earlier version wrote.
    """

    name = "edited"
    draft: PlanDraft
    items: tuple[Item, ...]
    changed: tuple[str, ...]
    instance_code: str
    nonce: str
    differences: tuple[dict[str, Any], ...] = ()
    content_sha256: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """The planning was declared complete. `controls` and all `stages` are those of the policies that fit.

    `content_sha256` and `approval_sha256` are the digests of what is stored now: only that may run. `item_digests` are
    those of the items, each with its id.
    """

    name = "finished"
    stages: tuple[Stage, ...] = ()
    controls: Controls | None = None
    content_sha256: str = ""
    approval_sha256: str = ""
    item_digests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesApplied(Consequence):
    """The policies were applied again, because the settings or the people have changed since the plan was finished."""

    name = "policies_applied"
    in_thread = False
    stages: tuple[Stage, ...]
    controls: Controls
    approval_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(Event):
    """Approval was requested."""

    name = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitDeferred(Event):
    """A submit waits for the external check of the planning, and continues when that passes."""

    name = "submit_deferred"
    in_thread = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted(Event):
    """An approver voted, or the delegate in the approver's name."""

    name = "voted"
    stage: int
    person: str
    decision: Decision
    comment: str
    delegate: str = ""
    revision: int = 0
    content_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated(Event):
    """An approver named a person to vote instead."""

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
    reason: Message


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
    """The vendor's approval form of a stage was started."""

    name = "form_linked"
    in_thread = False
    stage: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormReverted(Consequence):
    """The vendor's approval form of a stage was revoked, so that its votes are void.

    Before the execution the stage is open again; afterwards the schedule starts nothing more.
    """

    name = "form_reverted"
    stage: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormVoterRefused(Consequence):
    """The vendor's approval form lets somebody decide whose vote does not count."""

    name = "form_voter_refused"
    changes_closed_cards = False
    stage: int
    form: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted(Consequence):
    """The plan may be executed now."""

    name = "execution_started"
    changes_digests = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOpened(Consequence):
    """The release window has opened."""

    name = "window_opened"
    changes_digests = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDone(Progress):
    """A text item was done."""

    name = "item_done"
    changes_closed_cards = False
    item_id: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSkipped(Progress):
    """An item was skipped."""

    name = "item_skipped"
    changes_closed_cards = False
    item_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequested(Progress):
    """A run of a workflow was requested; the runner is called after the commit."""

    name = "run_requested"
    changes_closed_cards = False
    item_id: str
    run: Run
    remark: str = ""
    content_sha256: str = ""
    item_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentMismatch(Consequence):
    """A run was not started: what is stored is not what was approved. With `alarms`, administrators are notified."""

    name = "content_mismatch"
    changes_closed_cards = False
    item_id: str
    run_id: str
    alarms: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged(Progress):
    """A runner reported on an attempt that has not ended."""

    name = "run_changed"
    changes_closed_cards = False
    in_thread = False
    item_id: str
    run_id: str
    status: RunStatus
    external_id: str
    url: str
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Progress):
    """An attempt ended."""

    name = "run_ended"
    changes_closed_cards = False
    item_id: str
    run_id: str
    status: RunStatus
    external_id: str
    url: str
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Progress):
    """An approver resumed an attempt that waited for a person; the runner is called after the commit."""

    name = "run_resumed"
    item_id: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired(Event):
    """The schedule started the items that could start; it fires again when an item completes."""

    name = "schedule_fired"
    in_thread = False
    started: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStopped(Consequence):
    """The schedule was due, and started nothing."""

    name = "schedule_stopped"
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted(Consequence):
    """The plan waits for an external system."""

    name = "check_started"
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProgressed(Consequence):
    """The external system reported progress; it is still working."""

    name = "check_progressed"
    event: HookEvent
    progress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReminded(Event):
    """People were reminded that the external system has not answered yet."""

    name = "check_reminded"
    event: HookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPassed(Consequence):
    """The external system agreed."""

    name = "check_passed"
    event: HookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed(Consequence):
    """The external system rejected the plan, or did not answer in time."""

    name = "check_failed"
    event: HookEvent
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRepeated(LogOnly):
    """The external system repeated its answer; nothing changed."""

    name = "check_repeated"
    event: HookEvent
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivered(LogOnly):
    """A hook, or the answer to a gate, reached an external system; `delivery` is the id of its effect."""

    name = "told"
    endpoint: str
    event: HookEvent
    delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookUndeliverable(Event):
    """A hook, or the answer to a gate, could not be delivered; it is sent again only when somebody replays it."""

    name = "untold"
    endpoint: str
    event: HookEvent
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDisabled(Consequence):
    """An endpoint of hooks is disabled, for this plan and all others, until a replay succeeds."""

    name = "endpoint_disabled"
    endpoint: str
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsRefused(Consequence):
    """A chat refuses the plan's cards to `recipients`: ids of people, or of a channel. They are sent again later."""

    name = "cards_refused"
    changes_cards = False
    changes_closed_cards = False
    in_thread = False
    chat: str
    recipients: tuple[str, ...]
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Event):
    """Somebody replayed deliveries that had ended: `deliveries` are those of the plan, `total` counts all plans."""

    name = "replayed"
    deliveries: tuple[str, ...]
    destinations: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded(Consequence):
    """Every item is done or skipped, and the external check, if there is one, has passed."""

    name = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(Consequence):
    """The release window closed before the plan was complete."""

    name = "timed_out"
    changes_digests = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned(Progress):
    """The plan returned to planning. `cancelled` are the items whose runs were cancelled."""

    name = "replanned"
    reason: Message
    cancelled: tuple[str, ...]
    instance_code: str
    nonce: str
    content_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Progress):
    """The plan was cancelled. `cancelled` are the items whose runs were cancelled."""

    name = "cancelled"
    reason: Message
    cancelled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(Event):
    """The plan was hidden from lists."""

    name = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(LogOnly):
    """A request was rejected for want of rights, or a callback was rejected for any reason."""

    name = "refused"
    verb: str
    code: str


AnyEvent = (
    Edited | Finished | PoliciesApplied | Submitted | SubmitDeferred | Voted | Delegated | StagePassed | Approved
    | Denied | ApprovalExpired | Reminded | FormLinked | FormReverted | FormVoterRefused | ExecutionStarted
    | WindowOpened | ItemDone | ItemSkipped | RunRequested | ContentMismatch | RunChanged | RunEnded | RunResumed
    | ScheduleFired | ScheduleStopped | CheckStarted | CheckProgressed | CheckReminded | CheckPassed | CheckFailed
    | Succeeded | TimedOut | Replanned | Cancelled | Deleted | CheckRepeated | HookDelivered | HookUndeliverable
    | EndpointDisabled | CardsRefused | Replayed | Refused
)  # fmt: skip
"""Every event but `Created`, which has no plan to be applied to."""

EVENTS: Mapping[str, type[Event]] = MappingProxyType({event.name: event for event in (Created, *get_args(AnyEvent))})
"""Every event by the name under which the log stores it."""
