"""What can be asked of a plan: the verbs, and the commands. Who asks and when comes beside a command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from core.status import HookEvent, RunStatus

if TYPE_CHECKING:
    # Only to name them: the command line knows the verbs, and must not load the models of plans to print its help.
    from core.draft import PlanDraft, PlanPatch


class Verb(StrEnum):
    """What a person can ask of a plan: one word for chats, REST, console and the operation log.

    `core.verbs` has a row for each, `bot.verbs` another one with the words that go with it.
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
    """Base of all commands. `nonce`, when given, must be the plan's: the sender saw this revision (a card click)."""

    plan_id: str
    nonce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCommand(Command):
    """Base of what a person asks of one item."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Command):
    """Start a plan. `plan_id` is new; `copied_from` names the plan a copy was made from.

    `origin` says, in the terms of another system, what the plan asks approval for.
    """

    verb: ClassVar = Verb.CREATE
    draft: PlanDraft
    copied_from: str = ""
    origin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Command):
    """Change what is planned. `revision`, when given, must be the present one."""

    verb: ClassVar = Verb.EDIT
    patch: PlanPatch
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Command):
    """Declare the planning complete."""

    verb: ClassVar = Verb.FINISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Command):
    """Ask for approval, or start executing when the plan needs none."""

    verb: ClassVar = Verb.SUBMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """Vote for the plan in the current stage. `form`, when given, is the vendor's form in which it was decided."""

    verb: ClassVar = Verb.APPROVE
    comment: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Command):
    """Vote against the plan; the reason is required. `form` as in `Approve`."""

    verb: ClassVar = Verb.REJECT
    reason: str
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate(Command):
    """Let somebody else decide in one's place in the current stage."""

    verb: ClassVar = Verb.DELEGATE
    to: str


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
    """Give the plan up for good; running workflows are cancelled."""

    verb: ClassVar = Verb.CANCEL
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Command):
    """Hide a plan that is being drafted or is over. Its operation log stays."""

    verb: ClassVar = Verb.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck(Command):
    """Ask an external system again after its check failed."""

    verb: ClassVar = Verb.RECHECK


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback(Command):
    """What an external system answers: success, failed, or executing (not yet, with a progress text)."""

    event: HookEvent
    instance_code: str
    result: str
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun(Command):
    """What a runner says about one attempt."""

    item_id: str
    run_id: str
    status: RunStatus
    external_id: str = ""
    url: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkForm(Command):
    """The vendor's own approval form for a stage was started."""

    stage: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseForm(Command):
    """The vendor's own approval form ended without a decision (withdrawn, deleted, expired)."""

    stage: int
    form: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Command):
    """A timer of the plan has become due. `due_at` is what the timer said, to tell a stale one."""

    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHookDelivered(Command):
    """Put into the operation log that an external system took notice of a moment, by which delivery."""

    endpoint: str
    event: HookEvent
    delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHookUndeliverable(Command):
    """Put into the operation log that an external system could not be told of a moment."""

    endpoint: str
    event: HookEvent
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEndpointDisabled(Command):
    """Put into the operation log that an external system is told nothing any more; administrators are told so."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Command):
    """Begin deliveries of the plan again that have ended; `total` is how many the request names over all plans."""

    verb: ClassVar = Verb.REPLAY
    deliveries: tuple[str, ...]
    destinations: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Command):
    """Put into the operation log that somebody without the right asked for something."""

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
    | LinkForm
    | CloseForm
    | TimerFired
    | NoteHookDelivered
    | NoteHookUndeliverable
    | NoteEndpointDisabled
    | Replay
    | Refuse
)
