"""Decisions on the planning: create, edit, finish, submit and delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from core import commands as c
from core import events as e
from core.apply import create
from core.context import Context
from core.decide import flow
from core.decide.decision import PendingDecision
from core.differences import differences_of_drafts, for_log
from core.digest import (
    digest_approval,
    digest_header,
    digest_item,
    digest_plan,
    mask_spec,
    needs_of,
)
from core.draft import (
    ApprovalDraft,
    ItemDraft,
    PlanDraft,
    PlanPatch,
    StageDraft,
    TextItemDraft,
    WindowDraft,
    WorkflowItemDraft,
)
from core.errors import Invalid, Problem, StaleRevision
from core.people import TokenScope
from core.plan import Controls, Item, Plan, Stage
from core.preview import problems_to_finish
from core.status import HookEvent, ItemStatus, PlanStatus
from core.validate import author_problems, problems_of
from core.validate_approval import approval_problems
from core.validate_workflow import workflow_mistakes
from core.workflow import Workflow, restore_masked


def start(command: c.Create, context: Context) -> PendingDecision:
    """Return the new plan. Whoever creates it for another manager becomes a collaborator, and may edit it.

    Raises Invalid with every problem of the draft.
    """
    actor = context.actor.id
    draft = command.draft.model_copy(update={"manager": command.draft.manager or actor})
    problems = problems_of(draft, context, as_in_zadig=command.as_in_zadig)
    if problems := [*problems, *workflow_mistakes(draft)]:
        raise Invalid(*problems)
    if actor not in (draft.manager, *draft.collaborators) and context.directory.active(actor):
        draft = draft.model_copy(update={"collaborators": (*draft.collaborators, actor)})
    items = _make_items(draft, {}, context)
    event = e.Created(
        draft=draft,
        items=items,
        content_sha256=_digest_draft(draft, items),
        instance_code=context.ids.token(),
        nonce=context.ids.token(8),
        copied_from=command.copied_from,
        lineage=command.lineage,
        origin=command.origin,
    )
    return PendingDecision(create(command.plan_id, event, context.stamp), context, event)


def decide(pending: PendingDecision, command: c.Edit | c.Finish | c.Submit | c.Delete) -> None:
    """Decide a command on the planning."""
    match command:
        case c.Edit():
            _edit(pending, command)
        case c.Finish():
            _finish(pending)
        case c.Submit():
            _submit(pending)
        case c.Delete():
            pending.add(e.Deleted())
        case _:
            assert_never(command)


def _edit(pending: PendingDecision, command: c.Edit) -> None:
    plan, context = pending.plan, pending.context
    if command.revision is not None and command.revision != plan.revision:
        raise StaleRevision(seen=command.revision, revision=plan.revision)
    before, draft = draft_of(plan), draft_after(command.patch, plan)
    differences = differences_of_drafts(before, draft)
    changed = tuple(dict.fromkeys(difference.field for difference in differences))
    problems = problems_of(draft, context, before, as_in_zadig=command.as_in_zadig)
    if problems := [*problems, *(() if command.as_in_zadig else workflow_mistakes(draft, before))]:
        raise Invalid(*problems)
    if changed:
        items = _make_items(draft, {item.key: item for item in plan.items.values()}, context)
        token, nonce = context.ids.token(), context.ids.token(8)
        pending.add(
            e.Edited(
                draft=draft,
                items=items,
                content_sha256=_digest_draft(draft, items),
                changed=changed,
                instance_code=token,
                nonce=nonce,
                differences=for_log(differences),
                revision=plan.revision + 1,
            )
        )


def draft_after(patch: PlanPatch, plan: Plan) -> PlanDraft:
    """Return the draft of a plan after a change; the stored credentials replace masks that were sent back unchanged."""
    draft = patch.apply_to(draft_of(plan))
    stored = {item.key: Workflow.model_validate(item.spec) for item in plan.items.values() if item.type == "workflow"}
    items = tuple(
        item.model_copy(update={"workflow": restore_masked(item.workflow, stored[item.key])})
        if isinstance(item, WorkflowItemDraft) and item.key in stored
        else item
        for item in draft.items
    )
    return draft.model_copy(update={"items": items})


def problems_of_plan(plan: Plan, context: Context) -> list[Problem]:
    """Return what has to be mended in a plan before its planning can be finished."""
    draft = draft_of(plan)
    return problems_to_finish(draft, *_demands(plan, draft, context), plan.maker, context)


def _demands(plan: Plan, draft: PlanDraft, context: Context) -> tuple[tuple[Stage, ...], Controls | None]:
    """Return the stages of a plan, and what policies demand besides; a gate's are those of its system."""
    rules = context.policy.approval
    return (plan.approval.stages, None) if plan.gate else (rules.stages(draft), rules.controls(draft, plan.editors))


def _finish(pending: PendingDecision) -> None:
    plan, context = pending.plan, pending.context
    draft = draft_of(plan)
    stages, controls = _demands(plan, draft, context)
    if problems := problems_to_finish(draft, stages, controls, plan.maker, context):
        raise Invalid(*problems)
    items = {item.id: digest_item(mask_spec(item), needs_of(item, plan)) for item in plan.items_in_order}
    pending.add(
        e.Finished(
            stages=stages,
            controls=controls,
            content_sha256=digest_plan(digest_header(draft), list(items.values())),
            approval_sha256=digest_approval(stages, controls),
            item_digests=tuple(items.items()),
        )
    )
    if pending.context.policy.waits_at(HookEvent.FINISH_PLANNING, pending.plan):
        flow.start_check(pending, HookEvent.FINISH_PLANNING)


def _submit(pending: PendingDecision) -> None:
    if pending.plan.schedule_at:  # it starts items in the manager's name, without anybody asking
        pending.context.actor.require(TokenScope.EXECUTE)
    if pending.plan.status is PlanStatus.PLANNING:
        _finish(pending)
    else:
        _apply_policies_again(pending)
    if pending.plan.status is not PlanStatus.FINISH_PLANNING:
        pending.add(e.SubmitDeferred())
        return
    flow.request_approval_or_start(pending)


def _apply_policies_again(pending: PendingDecision) -> None:
    """Apply the policies to a finished plan: the settings or the people may have changed since.

    A plan that a version without policies finished keeps the approval that it had.
    """
    plan, context = pending.plan, pending.context
    draft, stages, controls = draft_of(plan), plan.approval.stages, plan.controls
    if controls is not None:
        stages = context.policy.approval.stages(draft)
        controls = context.policy.approval.controls(draft, plan.editors)
    problems = [*author_problems(draft, context, plan.maker), *approval_problems(draft, stages, controls, context)]
    if problems:
        raise Invalid(*problems)
    if controls is not None and (stages, controls) != (plan.approval.stages, plan.controls):
        digest = digest_approval(stages, controls)
        pending.add(e.PoliciesApplied(stages=stages, controls=controls, approval_sha256=digest))


def _digest_draft(draft: PlanDraft, items: tuple[Item, ...]) -> str:
    return digest_plan(digest_header(draft), [item.sha256 for item in items])


def _make_items(draft: PlanDraft, before: Mapping[str, Item], context: Context) -> tuple[Item, ...]:
    """Return the items of a draft. An item with a known key keeps its id, and its state while its task is the same."""
    ids = {item.key: before[item.key].id if item.key in before else context.ids.new() for item in draft.items}
    return tuple(_make_item(item, position, ids, before.get(item.key)) for position, item in enumerate(draft.items, 1))


def _make_item(draft: ItemDraft, position: int, ids: Mapping[str, str], before: Item | None) -> Item:
    item = Item(
        id=ids[draft.key],
        key=draft.key,
        position=position,
        name=draft.name,
        type=draft.type,
        assignee=draft.assignee,
        needs=tuple(ids[key] for key in draft.needs),
        labels=draft.labels,
        spec={"content": draft.content} if isinstance(draft, TextItemDraft) else draft.workflow.dump_given(),
    )
    if isinstance(draft, WorkflowItemDraft):
        workflow = draft.workflow
        item = replace(
            item,
            runner=draft.runner,
            project=draft.project or workflow.project,
            workflow=workflow.display_name or workflow.name,
        )
    item = replace(item, sha256=digest_item(mask_spec(item), draft.needs))
    if before is None:
        return item
    same_task = (before.type, before.runner, before.project, before.spec) == (
        item.type,
        item.runner,
        item.project,
        item.spec,
    )
    kept = before if same_task else replace(before, status=ItemStatus.TODO, executed_by="", executed_at=None, remark="")
    return replace(
        item,
        status=kept.status,
        executed_by=kept.executed_by,
        executed_at=kept.executed_at,
        remark=kept.remark,
        run=kept.run,
    )


def draft_of(plan: Plan) -> PlanDraft:
    """Return the draft that describes a plan, which must be loaded whole.

    Its values are not validated again: what an earlier version accepted can be read and changed.
    """
    keys = {item.id: item.key for item in plan.items.values()}
    content = plan.content
    approval = plan.approval
    return PlanDraft.model_construct(
        name=plan.name,
        manager=plan.manager,
        collaborators=plan.collaborators,
        window=WindowDraft.model_construct(start=plan.window.start, end=plan.window.end),
        schedule_at=plan.schedule_at,
        description=content.description if content else "",
        labels=plan.labels,
        jira_sprints=tuple(dict(sprint) for sprint in content.jira_sprints) if content else (),
        approval=ApprovalDraft.model_construct(
            stages=tuple(
                StageDraft.model_construct(name=s.name, approvers=s.approvers, rule=s.rule, channel=s.channel)
                for s in approval.stages
                if not s.policy
            ),
            allow_self_approval=approval.allow_self_approval,
            expires_in=approval.expires_in,
            remind_every=approval.remind_every,
        ),
        checks=plan.check_events,
        items=tuple(_draft_of_item(item, keys) for item in plan.items_in_order),
    )


def _draft_of_item(item: Item, keys: Mapping[str, str]) -> TextItemDraft | WorkflowItemDraft:
    needs = tuple(keys[need] for need in item.needs)
    spec = item.spec or {}
    if item.type == "text":
        content = spec.get("content", "")
        return TextItemDraft.model_construct(
            key=item.key, name=item.name, type="text", assignee=item.assignee, needs=needs, labels=item.labels,
            content=content,
        )  # fmt: skip
    return WorkflowItemDraft.model_construct(
        key=item.key, name=item.name, type="workflow", assignee=item.assignee, needs=needs, labels=item.labels,
        runner=item.runner, project=item.project, workflow=Workflow.model_validate(spec),
    )  # fmt: skip
