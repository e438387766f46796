"""Checks, before a workflow is handed to a runner, that what is stored is what was approved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core import events as e
from core.audit import LogEntry
from core.decide.planning import draft_of
from core.digest import digest_approval, digest_header, digest_item, digest_plan, mask_spec, needs_of
from core.messages import Message
from core.plan import Item, Plan
from core.ports.store import Reading
from core.workflow import Workflow, masked_places

Written = Callable[[LogEntry, str], bool]
"""Tells whether Fabu wrote a log entry, after one with a hash (`Engine.has_written`)."""

_CHANGES = (e.Created.name, e.Edited.name, e.Replanned.name, e.ExecutionStarted.name)
_APPROVED = (e.Finished.name, e.PoliciesApplied.name)
_KNOWN = (e.Finished.name, e.ContentMismatch.name)


def find_mismatch(reading: Reading, plan: Plan, item: Item, written: Written) -> Message | None:
    """Return why an item of an executing plan must not run, or None.

    Its stored spec, the plan's stored content and the stages of the approval are compared with the log entry of the
    last finish. What a version without digests finished cannot be compared.
    """
    finished = _latest(reading, plan, (e.Finished.name,), written)
    if finished is None:
        return _explain(Message("the log entry that says what was approved"))
    if "content_sha256" not in finished.details:
        return None
    started, approved = (_latest(reading, plan, events, written) for events in (_CHANGES, _APPROVED))
    if started is None or started.event != e.ExecutionStarted.name or approved is None:
        return _explain(Message("the log entry that says what was approved"))
    if digest_approval(plan.approval.stages, plan.controls) != approved.details["approval_sha256"]:
        return _explain(Message("the stages of the approval"))
    if _digest_content(reading, plan) != finished.details["content_sha256"]:
        return _explain(Message("the plan"))
    return None if _is_unchanged(reading, plan, item) else _explain(Message("the workflow of this item"))


def is_reported(reading: Reading, plan_id: str) -> bool:
    """Return whether a mismatch of this plan was found before, since it was finished: administrators know of it."""
    latest = reading.log.latest(plan_id, _KNOWN)
    return latest is not None and latest.event == e.ContentMismatch.name


def _latest(reading: Reading, plan: Plan, events: tuple[str, ...], written: Written) -> LogEntry | None:
    """Return the newest entry of some events; None if there is none, or if it was changed after it was written."""
    entry = reading.log.latest(plan.id, events)
    if entry is None:
        return None
    before = reading.log.of_plan(plan.id, entry.seq - 2, 1) if entry.seq > 1 else []
    previous = before[0].hash if before and before[0].seq == entry.seq - 1 else ""
    return entry if written(entry, previous) else None


def _digest_content(reading: Reading, plan: Plan) -> str:
    header = digest_header(draft_of(replace(plan, items={}, content=reading.plans.content(plan.id))))
    return digest_plan(header, [item.sha256 for item in plan.items_in_order])


def _is_unchanged(reading: Reading, plan: Plan, item: Item) -> bool:
    """Return whether the stored item has its digest, and all of its credentials."""

    def fits(spec: Mapping[str, Any]) -> bool:
        return digest_item(replace(item, spec=spec), needs_of(item, plan)) == item.sha256

    whole = reading.plans.spec(plan.id, item.id)
    # As it is stored, or as this version writes it: the digest was made of the latter when the plan was finished.
    stored = fits(reading.plans.masked_spec(plan.id, item.id)) or fits(mask_spec(replace(item, spec=whole)).spec or {})
    return stored and not masked_places(Workflow.model_validate(whole))


def _explain(changed: Message) -> Message:
    return Message(
        "Nothing was started: {changed} is stored differently from what was approved. Ask an administrator to run "
        "`fabu audit verify`. Then replan, check what the plan says, and have it approved again.",
        {"changed": changed},
    )
