"""The bodies of Zadig's release-plan OpenAPI, and the fields of drafts that are made from them.

Source: Zadig `aslan/core/release_plan/service/openapi.go`, and `models/workflow_v4.go` for the approval. As in Zadig,
unknown fields are ignored, and `null` is the zero value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from adapters.zadig.openapi_inputs import WorkflowInput, parse_workflow
from bot.api.routing import validate
from core.errors import Invalid, Problem
from core.people import Directory
from core.plan import Channel, Item
from core.text import parse_unix_time, remove_invisible
from core.workflow import AnyJson
from core.workflow.base import Flag, Int64, Many, Text, aliased_field

_FORMS = {"lark": Channel.FEISHU_INSTANCE, "dingtalk": Channel.DINGTALK_INSTANCE}
_RULES = {"AND": "all", "OR": "any"}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class Approver(_Body):
    """A person or a group; in the approval form of a chat, `id` is the id of the chat's user."""

    type: Text = ""
    id: Text = aliased_field("user_id", "id", default="")
    name: Text = aliased_field("user_name", "name", default="")
    group_id: Text = ""
    group_name: Text = ""


class NativeApproval(_Body):
    """An approval inside Zadig; `timeout` is in minutes, 0 for none."""

    timeout: Int64 = 0
    approve_users: Many[Approver] = ()
    needed_approvers: Int64 = 0


class ApprovalNode(_Body):
    """One step of a chat's approval form: START, AND, OR, SEQUENTIAL or END."""

    type: Text = ""
    approve_node_type: Text = ""
    approve_users: Many[Approver] = ()
    approve_groups: Many[AnyJson] = ()
    cc_users: Many[AnyJson] = ()
    cc_groups: Many[AnyJson] = ()


class FormApproval(_Body):
    """An approval by a form of Lark or DingTalk."""

    approval_nodes: Many[ApprovalNode] = ()


class ApprovalBody(_Body):
    """Zadig's approval; `type` names the one kind that counts."""

    enabled: Flag = False
    type: Text = ""
    native_approval: NativeApproval | None = None
    lark_approval: FormApproval | None = None
    dingtalk_approval: FormApproval | None = None


class PlanBody(_Body):
    """A plan without its items. Times are unix seconds, 0 for none; `manager` is the account of a person."""

    name: Text
    manager: Text
    start_time: Int64 = 0
    end_time: Int64 = 0
    schedule_execute_time: Int64 = 0
    description: Text = ""
    approval: ApprovalBody | None = None


class JobBody(_Body):
    """One item. The fields of its `spec` depend on its type; its name is compared with those of stored items."""

    name: Annotated[Text, AfterValidator(remove_invisible)]
    type: Literal["text", "workflow"]
    spec: dict[str, AnyJson]


class FullBody(PlanBody):
    """A whole plan, which replaces the content of the stored one."""

    jobs: Many[JobBody] = ()


class _Text(_Body):
    content: Text = ""


def fields_of(body: PlanBody, directory: Directory) -> dict[str, Any]:
    """Return the fields of a draft for a body. Raises Invalid."""
    return {
        "name": body.name,
        "manager": _person(body.manager, directory, "manager"),
        "window": {"start": time_of(body.start_time, "start_time"), "end": time_of(body.end_time, "end_time")},
        "schedule_at": time_of(body.schedule_execute_time, "schedule_execute_time"),
        "description": body.description,
        "approval": approval_of(body.approval, directory),
    }


def items_of(jobs: Iterable[JobBody], stored: Mapping[str, Item]) -> list[dict[str, Any]]:
    """Return the items of a draft for jobs, which have no ids: the n-th of a type and name is the n-th stored one.

    Such an item keeps the key, assignee, labels and needs that are stored, for which Zadig has no fields.
    """
    before = sorted(stored.values(), key=lambda item: item.position)
    taken = {item.key for item in before}
    fresh = (key for key in map("job{}".format, count(1)) if key not in taken)
    pairs = []
    for job in jobs:
        same = next((item for item in before if (item.type, item.name) == (job.type, job.name)), None)
        if same:
            before.remove(same)
        pairs.append((job, same))
    left = {same.id: same.key for _, same in pairs if same}
    return [
        {"key": same.key if same else next(fresh), "name": job.name, "type": job.type}
        | (_kept(same, left) if same else {})
        | _content(job, index)
        for index, (job, same) in enumerate(pairs)
    ]


def _kept(item: Item, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a stored item that Zadig does not have; `keys` are those of the items that are left."""
    return {
        "assignee": item.assignee,
        "labels": item.labels,
        "needs": [keys[need] for need in item.needs if need in keys],
    }


def _content(job: JobBody, index: int) -> dict[str, Any]:
    """Return the fields of an item that depend on its type. Raises Invalid."""
    try:
        if job.type == "text":
            return {"content": validate(lambda: _Text.model_validate(job.spec), job.spec).content}
        given = validate(lambda: WorkflowInput.model_validate(job.spec), job.spec)
        return {"runner": "zadig", "project": given.project_key, "workflow": parse_workflow(given)}
    except Invalid as error:
        path = f"jobs[{index}].spec."
        raise Invalid(*(replace(problem, path=path + problem.path) for problem in error.problems)) from None


def approval_of(body: ApprovalBody | None, directory: Directory) -> dict[str, Any]:
    """Return the fields of a draft's approval. Raises Invalid for a kind that Fabu does not have."""
    if body is None or not body.enabled:
        return {}
    if body.type == "native" and body.native_approval:
        return _native(body.native_approval, directory)
    form = {"lark": body.lark_approval, "dingtalk": body.dingtalk_approval}.get(body.type)
    if form is None:
        raise Invalid(Problem("approval.type", "write one of: {expected}", {"expected": "native, lark, dingtalk"}))
    channel = _FORMS[body.type]
    _check_groups_and_copies(form, f"approval.{body.type}_approval")
    nodes = [(index, node) for index, node in enumerate(form.approval_nodes) if node.type not in ("START", "END")]
    return {"stages": [_node(node, index, channel, directory, body.type) for index, node in nodes]}


def _check_groups_and_copies(form: FormApproval, path: str) -> None:
    """Raise Invalid when a node has groups of the chat, or people who get a copy: they would be lost."""
    for index, node in enumerate(form.approval_nodes):
        for name in ("approve_groups", "cc_users", "cc_groups"):
            if getattr(node, name):
                place = f"{path}.approval_nodes[{index}].{name}"
                raise Invalid(
                    Problem(place, "groups of a chat, and copies to others, cannot be had here; leave it empty")
                )


def _native(native: NativeApproval, directory: Directory) -> dict[str, Any]:
    """Return a native approval. Raises Invalid when it needs nobody: in Zadig, the first vote decides then."""
    path = "approval.native_approval"
    approvers = [
        _approver(approver, directory, f"{path}.approve_users[{index}]")
        for index, approver in enumerate(native.approve_users)
    ]
    if not approvers or native.needed_approvers < 1:
        raise Invalid(Problem(f"{path}.needed_approvers", "name approvers, and how many of them must approve"))
    stage = {"name": "native", "approvers": approvers, "rule": native.needed_approvers}
    return {"stages": [stage], "expires_in": f"{native.timeout}m" if native.timeout > 0 else None}


def _approver(approver: Approver, directory: Directory, path: str) -> str:
    match approver.type:
        case "" | "user":
            return _person(approver.name or approver.id, directory, path)
        case "group" | "user_group":
            return _group(approver, directory, path)
        case _:
            raise Invalid(Problem(f"{path}.type", "write one of: {expected}", {"expected": "user, group"}))


def _node(node: ApprovalNode, index: int, channel: Channel, directory: Directory, kind: str) -> dict[str, Any]:
    path = f"approval.{kind}_approval.approval_nodes[{index}]"
    if node.type not in _RULES or node.approve_node_type == "user_group":
        raise Invalid(Problem(f"{path}.type", "write AND or OR, and approvers by name: other nodes cannot be had here"))
    approvers = [
        known.id
        if (known := directory.accounts.get((channel.platform, user.id)))
        else _person(user.name, directory, f"{path}.approve_users[{number}]")
        for number, user in enumerate(node.approve_users)
    ]
    return {"name": f"{kind} {index}", "approvers": approvers, "rule": _RULES[node.type], "channel": channel}


def _person(account: str, directory: Directory, path: str) -> str:
    """Return the active person with this id, else the only one with this name. Raises Invalid."""
    if directory.active(account):
        return account
    found = [person.id for person in directory.people.values() if person.active and person.name == account]
    if len(found) != 1:
        raise Invalid(Problem(path, "no one active person has the id or name {account}", {"account": account}))
    return found[0]


def _group(approver: Approver, directory: Directory, path: str) -> str:
    found = next((name for name in (approver.group_id, approver.group_name) if name in directory.groups), None)
    if found is None:
        raise Invalid(Problem(path, "there is no group {group}", {"group": approver.group_name or approver.group_id}))
    return f"@{found}"


def time_of(seconds: int, path: str) -> datetime | None:
    """Return unix seconds as a time, None for 0. Raises Invalid for the field at a path."""
    try:
        return parse_unix_time(seconds)
    except ValueError:
        raise Invalid(Problem(path, "write times in unix seconds")) from None
