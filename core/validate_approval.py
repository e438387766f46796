"""The problems of an approval: stages that nobody can decide, and what the policies of the installation demand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from core.approval import eligible, lists_without, manager_excluded, votes_needed
from core.context import Context
from core.draft import PlanDraft, StageDraft, WindowDraft
from core.errors import Problem
from core.people import Directory
from core.plan import Channel, Confirmation, Controls, Stage
from core.text import format_duration


def stage_problems(draft: PlanDraft, directory: Directory, manager: str) -> Iterator[Problem]:
    """Yield the problems that prevent the stages of a draft from being saved; without `manager`, everybody counts."""
    excluded = manager_excluded(draft.approval, manager)
    for index, stage in enumerate(draft.approval.stages):
        path = f"approval.stages[{index}]"
        unknown = [i for i, name in enumerate(stage.approvers) if not directory.knows(name)]
        for i in unknown:
            yield unknown_person(f"{path}.approvers[{i}]", stage.approvers[i], directory)
        people = eligible(stage, excluded, directory)
        needed = max(1, votes_needed(stage, len(people)))
        if not stage.approvers:
            yield Problem(f"{path}.approvers", "name at least one person or @group")
        elif not unknown and len(people) < needed:
            yield Problem(
                f"{path}.approvers",
                "{needed} must approve but only {count} can: the plan's manager does not count, groups may be empty",
                {"needed": needed, "count": len(people)},
            )


def unknown_person(path: str, name: str, directory: Directory) -> Problem:
    """Return the problem of a name of nobody. Mentions name people in chats alone, where vendors vouch for them."""
    if name.startswith("@") and directory.active(name[1:]):
        return Problem(path, "@ is for groups; write {name} without it", {"name": name[1:]})
    if name.startswith("<"):
        return Problem(path, "a mention names nobody here; write the id of a person, or @group for approvers")
    return Problem(
        path, "nobody is called {name}; use the id of an active person, or @group for approvers", {"name": name}
    )


def approval_problems(
    draft: PlanDraft, stages: Collection[Stage], controls: Controls | None, context: Context
) -> Iterator[Problem]:
    """Yield the problems that prevent a plan with these stages from being submitted.

    Without `controls`, only the channels of its stages must be those in which they can be decided.
    """
    excluded = controls.excluded if controls else manager_excluded(draft.approval, draft.manager)
    for path, stage in _places(draft, stages):
        yield from _channel_problems(path, stage, excluded, context)
        if controls:
            yield from _too_few(path, stage, excluded, context.directory)
            if controls.confirm is Confirmation.PAGE and stage.channel.is_form:
                yield Problem(
                    f"{path}.channel", "a policy takes votes on the page alone; choose a channel without a form"
                )
    if controls and not stages and context.policy.approval.requires_vote(draft):
        yield Problem(
            "approval.stages",
            "somebody who did not write this plan must approve it; add a stage with at least one approver",
        )
    if controls and controls.max_window is not None:
        yield from _window_problems(draft.window, controls.max_window)
    if controls:
        yield from _execution_problems(draft, stages, controls, context.directory)


def _places(draft: PlanDraft, stages: Collection[Stage]) -> Iterator[tuple[str, Stage | StageDraft]]:
    """Yield each stage with where its mistakes can be mended: in the plan, or in a policy of the settings."""
    for index, own in enumerate(draft.approval.stages):
        yield f"approval.stages[{index}]", own
    for stage in stages:
        if stage.policy:
            yield f"approval.policies[{stage.policy}]", stage


def _channel_problems(
    path: str, stage: Stage | StageDraft, excluded: Collection[str], context: Context
) -> Iterator[Problem]:
    """Yield the problems that prevent a stage from being decided in its channel."""
    directory, enabled, channel = context.directory, context.policy.channels, stage.channel
    if channel not in enabled:
        yield Problem(
            f"{path}.channel",
            "{channel} is not enabled in the settings; fill in its section there, or choose one of: {known}",
            {"channel": channel.value, "known": ", ".join(sorted(enabled))},
        )
    elif channel is not Channel.NATIVE:
        people = eligible(stage, excluded, directory)
        absent = [name for name in sorted(people) if not directory.people[name].may_have_account(channel.platform)]
        if len(people) - len(absent) < votes_needed(stage, len(people)):
            yield Problem(
                f"{path}.approvers",
                "{people}: no account in {chat} is known, nor an e-mail address or phone number to find it by; "
                "add one, or choose the channel native",
                {"people": ", ".join(absent), "chat": channel.platform},
            )


def _too_few(
    path: str, stage: Stage | StageDraft, excluded: Collection[str], directory: Directory
) -> Iterator[Problem]:
    everybody = directory.expand(stage.approvers)
    people = everybody.difference(excluded)
    needed = max(1, votes_needed(stage, len(people)))
    if len(people) >= needed:
        return
    if left_out := ", ".join(sorted(everybody & {*excluded})):
        yield Problem(
            f"{path}.approvers",
            "{needed} must approve but only {count} can: {people} manage or have edited this plan, and their votes do "
            "not count; add other approvers",
            {"needed": needed, "count": len(people), "people": left_out},
        )
    else:
        yield Problem(
            f"{path}.approvers",
            "{needed} must approve but only {count} can; add approvers, groups may be empty",
            {"needed": needed, "count": len(people)},
        )


def policy_problems(context: Context) -> Iterator[Problem]:
    """Yield the problems of policies that no plan can satisfy, whoever wrote it."""
    directory = context.directory
    for policy in context.policy.approval.policies:
        path = f"approval.policies[{policy.name}]"
        for stage in policy.stages:
            yield from _channel_problems(path, stage, (), context)
            yield from _too_few(path, stage, (), directory)
        if policy.executors and not directory.expand(policy.executors):
            yield Problem(f"{path}.executors", "nobody of these is active: {names}", {"names": _join(policy.executors)})


def _execution_problems(
    draft: PlanDraft, stages: Collection[Stage], controls: Controls, directory: Directory
) -> Iterator[Problem]:
    """Yield the problems of a plan that nobody could execute, or its schedule for its manager."""
    limit: dict[str, object] = {"executors": "; ".join(_join(names) for names in controls.executors)}
    runs_by_itself = draft.schedule_at and any(item.type == "workflow" for item in draft.items)
    if runs_by_itself and lists_without(draft.manager, controls, directory):
        yield Problem(
            "schedule_at",
            "policies let only these people execute this plan: {executors}. A schedule starts items in the name of the "
            "manager: choose a manager who is among them, or null to start items by hand",
            limit,
        )
    if all(item.type == "text" and item.assignee for item in draft.items):
        return
    administrators = (person.id for person in directory.people.values() if person.admin)
    lists = controls.executors or ((draft.manager, *(item.assignee for item in draft.items), *administrators),)
    executors = frozenset[str].intersection(*(directory.expand(names) for names in lists))
    if controls.executors and not executors:
        yield Problem(
            "approval.policies",
            "nobody can be found who may execute this plan: policies let only these people do it: {executors}; ask an "
            "administrator to name others",
            limit,
        )
    elif controls.separate_executor and frozenset() < executors <= _bound_to_approve(stages, controls, directory):
        yield Problem(
            "approval.policies",
            "nobody would be left to execute this plan: {people} have to approve it, and whoever approves must not "
            "execute; let fewer approve, or ask an administrator to name other executors",
            {"people": _join(sorted(executors))},
        )


def _bound_to_approve(stages: Collection[Stage], controls: Controls, directory: Directory) -> frozenset[str]:
    """Return the people without whose votes the stages cannot be complete."""
    counting = [(stage, eligible(stage, controls.excluded, directory)) for stage in stages]
    return frozenset[str]().union(
        *(people for stage, people in counting if votes_needed(stage, len(people)) >= len(people))
    )


def _join(names: Collection[str]) -> str:
    return ", ".join(names)


def _window_problems(window: WindowDraft, longest: timedelta) -> Iterator[Problem]:
    limit: dict[str, object] = {"longest": format_duration(longest)}
    if window.start is None or window.end is None:
        yield Problem("window", "a policy limits the window to {longest}; give its start and its end", limit)
    elif window.end - window.start > longest:
        yield Problem("window.end", "a policy limits the window to {longest}; choose an earlier end", limit)
