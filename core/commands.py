"""The verbs, and the commands that change plans. The actor and the time are passed beside a command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from core.messages import NO_MESSAGE, Message
from core.status import HookEvent, RunStatus

if TYPE_CHECKING:
    # For annotations only: the command line imports the verbs, and must not load the models of plans for its help.
    from core.draft import PlanDraft, PlanPatch


class Verb(StrEnum):
    """What a person can do to a plan: one word for chats, REST, console and the operation log.

    `core.verbs` has a row for each verb, `bot.verbs` another one with its words.
    """

    CREATE = "create"
    EDIT = "edit"
    FINISH = "finish"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    DELEGATE = "delegate"
    EXECUTE = "execute"
    SKIP = "skip"
    RETRY = "retry"
    REPLAN = "replan"
    CANCEL = "cancel"
    RECHECK = "recheck"
    DELETE = "delete"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Base of all commands. `nonce`, when given, must be the plan's: a click names the revision on its card by it."""

    plan_id: str
    nonce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCommand(Command):
    """Base of the commands by which people act on one item."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Command):
    """Start a plan. `plan_id` is new; `copied_from` names the plan a copy was made from, `lineage` the first.

    `origin` identifies, in the terms of another system, what the plan requests approval for. With `as_in_zadig`
    the window may have begun long ago, and the manager be an approver, which is judged when the planning is finished.
    """

    verb: ClassVar = Verb.CREATE
    draft: PlanDraft
    copied_from: str = ""
    lineage: str = ""
    origin: tuple[str, ...] = ()
    as_in_zadig: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Command):
    """Change the content of a plan.

    `revision`, when given, must be the present one. `as_in_zadig` is as in `Create`, and says that a client of Zadig
    sends the workflows: `workflow_mistakes` does not judge them.
    """

    verb: ClassVar = Verb.EDIT
    patch: PlanPatch
    revision: int | None = None
    as_in_zadig: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Command):
    """Declare the planning complete."""

    verb: ClassVar = Verb.FINISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Command):
    """Request approval, or start the execution when the plan needs none."""

    verb: ClassVar = Verb.SUBMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """Vote for the plan in the current stage. `form`, when given, is the vendor's form in which the vote was cast."""

    verb: ClassVar = Verb.APPROVE
    comment: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Command):
    """Vote against the plan; the reason is required but in a vendor's form. `form` as in `Approve`."""

    verb: ClassVar = Verb.REJECT
    reason: str
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate(Command):
    """Let another person vote in the approver's place in the current stage. `form` as in `Approve`."""

    verb: ClassVar = Verb.DELEGATE
    to: str
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(ItemCommand):
    """Mark a text item as done with a remark, or start the workflow of a workflow item."""

    verb: ClassVar = Verb.EXECUTE
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip(ItemCommand):
    """Leave an item out; the reason is required."""

    verb: ClassVar = Verb.SKIP
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(ItemCommand):
    """Run the workflow of a failed item again."""

    verb: ClassVar = Verb.RETRY


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan(Command):
    """Take the plan back to planning; votes are void and running workflows are cancelled."""

    verb: ClassVar = Verb.REPLAN
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """Cancel the plan for good, and its running workflows. A system gives its reason as a message."""

    verb: ClassVar = Verb.CANCEL
    reason: str | Message = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Command):
    """Hide a plan that is in planning or has ended. Its operation log stays."""

    verb: ClassVar = Verb.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck(Command):
    """Start an external check again after it failed: its hook is sent again."""

    verb: ClassVar = Verb.RECHECK


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback(Command):
    """The answer of an external system. `result` is success, failed, or executing (`description` is the progress)."""

    event: HookEvent
    instance_code: str
    result: str
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun(Command):
    """A runner's report on one attempt."""

    item_id: str
    run_id: str
    status: RunStatus
    external_id: str = ""
    url: str = ""
    message: Message = NO_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRun(Command):
    """End an attempt that was not started, because what is stored is not what was approved.

    `alarms` is whether administrators are notified: not when they know of this plan already.
    """

    item_id: str
    run_id: str
    reason: Message
    alarms: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkForm(Command):
    """Store the id of the vendor's approval form that was started for a stage."""

    stage: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseForm(Command):
    """Deny the plan: the vendor's approval form ended without a decision (withdrawn, deleted, expired)."""

    stage: int
    form: str
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertForm(Command):
    """Void the votes of the vendor's approval form of a stage: it was revoked."""

    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseFormVoter(Command):
    """Say in the vendor's form of the current stage that the vote of a person in it does not count.

    `person` is the id of a person or, of somebody who is not known, the vendor's id.
    """

    form: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Command):
    """Do what a due timer of the plan is for. `due_at` is the time it was set to; it reveals a stale timer."""

    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHookDelivered(Command):
    """Log that a hook, or the answer to a gate, reached an external system. `delivery` is the id of its effect."""

    endpoint: str
    event: HookEvent
    delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHookUndeliverable(Command):
    """Log that a hook, or the answer to a gate, could not be delivered to an external system."""

    endpoint: str
    event: HookEvent
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEndpointDisabled(Command):
    """Log that an endpoint of hooks is disabled, and notify the administrators."""

    endpoint: str
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCardsRefused(Command):
    """Log that a chat refuses the plan's cards to `recipients`, and notify the manager and the administrators."""

    chat: str
    recipients: tuple[str, ...]
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Command):
    """Deliver again what has ended: `deliveries` are those of the plan, `total` counts those of all plans."""

    verb: ClassVar = Verb.REPLAY
    deliveries: tuple[str, ...]
    destinations: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Command):
    """Log a request that was rejected for want of rights, or a callback that was rejected for any reason."""

    refused_verb: str
    code: str


PersonCommand = (
    Create
    | Edit
    | Finish
    | Submit
    | Approve
    | Reject
    | Delegate
    | Execute
    | Skip
    | Retry
    | Replan
    | Cancel
    | Delete
    | Recheck
)
AnyCommand = (
    PersonCommand
    | Callback
    | ReportRun
    | RefuseRun
    | LinkForm
    | CloseForm
    | RevertForm
    | RefuseFormVoter
    | TimerFired
    | NoteHookDelivered
    | NoteHookUndeliverable
    | NoteEndpointDisabled
    | NoteCardsRefused
    | Replay
    | Refuse
)
