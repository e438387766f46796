"""The English names of statuses, verbs and other enumerations. `N_` marks texts for the catalogues."""

from __future__ import annotations

from enum import Enum

from core.commands import Verb
from core.errors import Thing
from core.plan import Channel, Decision
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.verbs import VERBS


def N_(text: str) -> str:
    """Mark a text for translation and return it as it is."""
    return text


_NAMES: tuple[tuple[Enum, str], ...] = (
    (PlanStatus.PLANNING, N_("planning")),
    (PlanStatus.FINISH_PLANNING, N_("planning finished")),
    (PlanStatus.WAIT_FOR_APPROVAL, N_("waiting for approval")),
    (PlanStatus.EXECUTING, N_("executing")),
    (PlanStatus.DENIED, N_("rejected")),
    (PlanStatus.TIMEOUT, N_("timed out")),
    (PlanStatus.SUCCESS, N_("successful")),
    (PlanStatus.CANCEL, N_("cancelled")),
    (PlanStatus.FINISH_CHECK, N_("waiting for the external check of the planning")),
    (PlanStatus.EXECUTE_CHECK, N_("waiting for the external check before execution")),
    (PlanStatus.ALL_DONE_CHECK, N_("waiting for the external check of the result")),
    (PlanStatus.FINISH_CHECK_FAILED, N_("external check of the planning failed")),
    (PlanStatus.EXECUTE_CHECK_FAILED, N_("external check before execution failed")),
    (PlanStatus.ALL_DONE_CHECK_FAILED, N_("external check of the result failed")),
    (ItemStatus.TODO, N_("to do")),
    (ItemStatus.RUNNING, N_("running")),
    (ItemStatus.DONE, N_("done")),
    (ItemStatus.SKIPPED, N_("skipped")),
    (ItemStatus.FAILED, N_("failed")),
    (RunStatus.STARTING, N_("starting")),
    (RunStatus.RUNNING, N_("running")),
    (RunStatus.WAITING, N_("waiting for a person")),
    (RunStatus.PASSED, N_("passed")),
    (RunStatus.FAILED, N_("failed")),
    (RunStatus.TIMEOUT, N_("timed out")),
    (RunStatus.CANCELLED, N_("cancelled")),
    (RunStatus.UNKNOWN, N_("unknown: look at the runner, then retry or skip")),
    (HookEvent.FINISH_PLANNING, N_("planning finished")),
    (HookEvent.START_EXECUTE, N_("execution starts")),
    (HookEvent.ALL_JOB_DONE, N_("all items done")),
    (Decision.APPROVE, N_("approved")),
    (Decision.REJECT, N_("rejected")),
    (Thing.PLAN, N_("plan")),
    (Thing.ITEM, N_("item")),
    (Thing.VERSION, N_("version")),
    (Thing.COMMAND, N_("command")),
    (Thing.DELIVERY, N_("delivery")),
    (Thing.RUNNER, N_("runner")),
    (Thing.TOKEN, N_("token")),
    (Channel.NATIVE, N_("the console")),
    (Channel.SLACK, N_("Slack")),
    (Channel.FEISHU, N_("Feishu")),
    (Channel.DINGTALK, N_("DingTalk")),
    (Channel.FEISHU_INSTANCE, N_("Feishu")),
    (Channel.DINGTALK_INSTANCE, N_("DingTalk")),
)
_LABELS = {(type(value), value): name for value, name in _NAMES}
"""The names by type and value: members of different string enumerations are equal when their values are."""


def label(value: Enum) -> str:
    """Return the English name of an enumeration's member, the key of its translation; else its value."""
    if isinstance(value, Verb):
        return VERBS[value].label
    return _LABELS.get((type(value), value), str(value.value))
