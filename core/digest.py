"""Digests of what a plan says, credentials masked: by them, what runs is compared with what was approved.

The digest of a plan is made of that of its header and those of its items, so that one item can be compared alone.
Fields with their default value are left out: a field that a later version adds does not change a digest. Credentials
are no part of it: their encryption reveals changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft, WindowDraft, WorkflowItemDraft
from core.encoding import encode_canonical_json
from core.plan import Controls, Item, Plan, Stage
from core.workflow import Workflow, mask_credentials

_ITEMS: Mapping[str, type[BaseModel]] = {"text": TextItemDraft, "workflow": WorkflowItemDraft}


def digest_header(draft: PlanDraft) -> str:
    """Return the digest of a plan without its items."""
    return digest_stored_header(draft.model_copy(update={"items": ()}).model_dump(mode="json"))


def digest_stored_header(content: Mapping[str, Any]) -> str:
    """Return the digest of the header of a stored version, the JSON of a draft."""
    header = _drop_defaults(content, PlanDraft)
    header.pop("items", None)
    if window := _drop_defaults(content.get("window") or {}, WindowDraft):
        header["window"] = window
    else:
        header.pop("window", None)
    approval = _drop_defaults(content.get("approval") or {}, ApprovalDraft)
    if "stages" in approval:
        approval["stages"] = [_drop_defaults(stage, StageDraft) for stage in approval["stages"]]
    if approval:
        header["approval"] = approval
    else:
        header.pop("approval", None)
    return _digest(header)


def digest_item(item: Item, needs: Iterable[str]) -> str:
    """Return the digest of an item whose spec is masked; `needs` are the keys of the items that it needs."""
    content: dict[str, Any] = {name: getattr(item, name) for name in ("key", "name", "type", "assignee", "labels")}
    spec = dict(item.spec or {})
    if item.type == "text":
        content["content"] = spec.get("content", "")
    else:
        content |= {"runner": item.runner, "project": item.project, "workflow": spec}
    return digest_stored_item(content | {"needs": list(needs), "labels": list(item.labels)})


def digest_stored_item(content: Mapping[str, Any]) -> str:
    """Return the digest of an item of a stored version, the JSON of its draft.

    The project may be written at the item or in its workflow, which is the same.
    """
    item = _drop_defaults(content, _ITEMS[content["type"]])
    if item.get("project") == content.get("workflow", {}).get("project"):
        item.pop("project", None)
    return _digest(item)


def digest_plan(header: str, items: Sequence[str]) -> str:
    """Return the digest of a plan by those of its header and of its items in their order."""
    return _digest([header, *items])


def digest_version(content: Mapping[str, Any]) -> str:
    """Return the digest of a plan by its stored version."""
    return digest_plan(digest_stored_header(content), [digest_stored_item(item) for item in content["items"]])


def digest_approval(stages: Iterable[Stage], controls: Controls | None) -> str:
    """Return the digest of the stages of an approval and of what the policies demand of the plan."""
    chosen = [[s.name, s.approvers, s.rule, s.channel.value, s.policy, s.reason] for s in stages]
    if controls is None:
        return _digest([chosen])
    window = controls.max_window and controls.max_window.total_seconds()
    policies = [[policy.name, policy.reason] for policy in controls.policies]
    demanded = [policies, controls.excluded, controls.executors, controls.separate_executor]
    return _digest([chosen, *demanded, controls.confirm.value, window])


def mask_spec(item: Item) -> Item:
    """Return an item with its credentials masked, as they are stored."""
    if item.type == "text" or item.spec is None:
        return item
    return replace(item, spec=mask_credentials(Workflow.model_validate(item.spec)).dump_given())


def needs_of(item: Item, plan: Plan) -> list[str]:
    """Return the keys of the items that an item of a plan needs; of one that is missing, its id."""
    return [plan.items[need].key if need in plan.items else need for need in item.needs]


def _digest(content: object) -> str:
    return hashlib.sha256(encode_canonical_json(content).encode()).hexdigest()


def _drop_defaults(content: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    defaults = _defaults(model)
    return {name: value for name, value in content.items() if name not in defaults or defaults[name] != value}


@cache
def _defaults(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the JSON of the default of each field that has one."""
    fields = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    filled = model.model_construct(**{name: field.get_default() for name, field in fields.items()})
    return filled.model_dump(mode="json", include=set(fields))
