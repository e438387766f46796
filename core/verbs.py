"""The table of the verbs: how a plan accepts each. The words of each verb are in `bot.verbs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from core import commands as c
from core.commands import Verb
from core.people import TokenScope
from core.status import ENDED, FAILED_CHECK, PlanStatus


class Target(Enum):
    """What a verb acts on."""

    PLAN = "plan"
    ITEM = "item"


class Argument(Enum):
    """The text that a verb takes: the field of its command for it, and whether it is required."""

    COMMENT = ("comment", False)
    REASON = ("reason", True)
    OPTIONAL_REASON = ("reason", False)
    REMARK = ("remark", False)
    PERSON = ("to", True)

    def __init__(self, field: str, required: bool) -> None:
        self.field, self.required = field, required


@dataclass(frozen=True, slots=True)
class VerbSpec:
    """The English name of a verb, which is the key of its translation, and how a plan accepts it.

    A token or session needs the `scope` to use the verb.
    `statuses` are those in which a plan accepts the verb, empty where the status of a plan does not matter; which
    status follows is decided in `core.decide`. `target` is None for a verb that acts on no plan in particular.
    `command` makes the command from `plan_id`, `nonce`, `item_id` for an item's verb, and the field of the argument. It
    is None for a verb whose command needs more than one text: that command is made where its input is parsed.
    """

    label: str
    scope: TokenScope
    statuses: frozenset[PlanStatus] = frozenset()
    command: Callable[..., c.PersonCommand] | None = None
    argument: Argument | None = None
    target: Target | None = Target.PLAN


_PLANNING = frozenset({PlanStatus.PLANNING})
_WAITING = frozenset({PlanStatus.WAIT_FOR_APPROVAL})
_EXECUTING = frozenset({PlanStatus.EXECUTING})
_UNENDED = frozenset(PlanStatus) - ENDED

VERBS: Mapping[Verb, VerbSpec] = {
    Verb.CREATE: VerbSpec("Create", TokenScope.PLAN, target=None),
    Verb.EDIT: VerbSpec("Edit", TokenScope.PLAN, _PLANNING),
    Verb.FINISH: VerbSpec("Finish planning", TokenScope.PLAN, _PLANNING, c.Finish),
    Verb.SUBMIT: VerbSpec("Submit", TokenScope.PLAN, _PLANNING | {PlanStatus.FINISH_PLANNING}, c.Submit),
    Verb.APPROVE: VerbSpec("Approve", TokenScope.DECIDE, _WAITING, c.Approve, Argument.COMMENT),
    Verb.REJECT: VerbSpec("Reject", TokenScope.DECIDE, _WAITING, c.Reject, Argument.REASON),
    Verb.DELEGATE: VerbSpec("Delegate", TokenScope.DECIDE, _WAITING, c.Delegate, Argument.PERSON),
    Verb.EXECUTE: VerbSpec("Run", TokenScope.EXECUTE, _EXECUTING, c.Execute, Argument.REMARK, Target.ITEM),
    Verb.SKIP: VerbSpec("Skip", TokenScope.EXECUTE, _EXECUTING, c.Skip, Argument.REASON, Target.ITEM),
    Verb.RETRY: VerbSpec("Retry", TokenScope.EXECUTE, _EXECUTING, c.Retry, target=Target.ITEM),
    Verb.REPLAN: VerbSpec("Replan", TokenScope.PLAN, _UNENDED - _PLANNING, c.Replan, Argument.OPTIONAL_REASON),
    Verb.CANCEL: VerbSpec("Cancel plan", TokenScope.PLAN, _UNENDED, c.Cancel, Argument.OPTIONAL_REASON),
    Verb.RECHECK: VerbSpec("Check again", TokenScope.PLAN, frozenset(FAILED_CHECK.values()), c.Recheck),
    Verb.DELETE: VerbSpec("Delete", TokenScope.PLAN, _PLANNING | ENDED, c.Delete),
    Verb.REPLAY: VerbSpec("Deliver again", TokenScope.EXECUTE, target=None),
}
