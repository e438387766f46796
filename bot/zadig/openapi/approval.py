"""Renders approvals for Zadig's OpenAPI. Source: Zadig `models/workflow_v4.go`, `Approval`."""

from __future__ import annotations

from typing import Any

from core.approval import eligible, excluded_voters, votes_needed
from core.people import Directory
from core.plan import Channel, Plan, Stage, Vote
from core.status import PlanStatus

_KINDS = {Channel.FEISHU_INSTANCE: "lark", Channel.DINGTALK_INSTANCE: "dingtalk"}
_STATUS = {
    PlanStatus.WAIT_FOR_APPROVAL: "wait_for_approval",
    PlanStatus.DENIED: "reject",
    PlanStatus.TIMEOUT: "timeout",
    PlanStatus.CANCEL: "cancelled",
}


def render_approval(plan: Plan, directory: Directory) -> dict[str, Any] | None:
    """Return the approval of a plan as JSON, None for a plan without stages.

    A stage whose channel Zadig does not have becomes a native one. Zadig has one native stage only: it is the current
    stage, or the last one when all are complete.
    """
    stages = plan.approval.stages
    if not stages:
        return None
    current = min(plan.approval.current, len(stages) - 1)
    kind = _KINDS.get(stages[current].channel, "native")
    kinds: dict[str, Any] = dict.fromkeys(("native_approval", "lark_approval", "dingtalk_approval", "workwx_approval"))
    kinds[f"{kind}_approval"] = (
        _native(plan, current, directory)
        if kind == "native"
        else {"approval_nodes": [_node(stage, directory) for stage in stages]}
    )
    return {"enabled": True, "status": _status(plan), "type": kind, "description": "", **kinds}


def _status(plan: Plan) -> str:
    return "passed" if plan.approval_at else _STATUS.get(plan.status, "")


def _native(plan: Plan, current: int, directory: Directory) -> dict[str, Any]:
    stage = plan.approval.stages[current]
    approvers = directory.expand(stage.approvers)
    votes = {vote.person: vote for vote in plan.votes_of(current)}
    people = [_approver_with_vote(person, votes.get(person), directory) for person in sorted(approvers)]
    expires = plan.approval.expires_in
    return {
        "timeout": int(expires.total_seconds() // 60) if expires else 0,
        "approve_users": [_approver(name, directory) for name in stage.approvers],
        "flat_approve_users": people,
        "needed_approvers": votes_needed(stage, len(eligible(stage, excluded_voters(plan), directory))),
        "reject_or_approve": {"passed": "approve", "reject": "reject"}.get(_status(plan), ""),
    }


def _approver(name: str, directory: Directory) -> dict[str, Any]:
    if name.startswith("@"):
        return {"type": "group", "group_id": name[1:], "group_name": name[1:]}
    return {"type": "user", "user_id": name, "user_name": directory.name(name)}


def _approver_with_vote(person: str, vote: Vote | None, directory: Directory) -> dict[str, Any]:
    return _approver(person, directory) | {
        "reject_or_approve": vote.decision.value if vote else "",
        "comment": vote.comment if vote else "",
        "operation_time": int(vote.at.timestamp()) if vote else 0,
    }


def _node(stage: Stage, directory: Directory) -> dict[str, Any]:
    """Return a stage as a node, which names people alone: Zadig's groups of a chat are none of Fabu's."""
    users = [{"id": person, "name": person} for person in sorted(directory.expand(stage.approvers))]
    return {"type": "OR" if stage.rule == "any" else "AND", "approve_node_type": "user", "approve_users": users}
