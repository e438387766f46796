"""The problems of a draft beyond the format of single fields: all of them at once, each with its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from core.context import Context
from core.draft import PlanDraft, WorkflowItemDraft
from core.errors import Problem
from core.people import Directory
from core.validate_approval import stage_problems, unknown_person
from core.workflow import masked_places

_START, _END, _SCHEDULE = "window.start", "window.end", "schedule_at"
_JUST_NOW = timedelta(minutes=10)
"""How long ago a window may start, or a schedule may be, that is written now: people take some minutes to write a plan.
"""


def problems_of(
    draft: PlanDraft, context: Context, before: PlanDraft | None = None, *, as_in_zadig: bool = False
) -> list[Problem]:
    """Return the problems that prevent a draft from being saved.

    Times unchanged since `before` may have passed. With `as_in_zadig` the start of the window may in any case, and a
    manager counts as an approver.
    """
    return [
        *_check_people(draft, context.directory),
        *_check_order_of_times(draft),
        *_check_new_times(draft, before, context.now, as_in_zadig=as_in_zadig),
        *stage_problems(draft, context.directory, "" if as_in_zadig else draft.manager),
        *_check_items(draft, context.directory),
        *(author_problems(draft, context, context.actor.id) if draft != before else ()),
    ]


def author_problems(draft: PlanDraft, context: Context, author: str) -> Iterator[Problem]:
    """Yield a problem for each workflow of a runner whose workflows the author of a revision may not put into plans.

    Whoever makes a revision answers for all that is in it.
    """
    for index, item in enumerate(draft.items):
        if not isinstance(item, WorkflowItemDraft):
            continue
        allowed = context.policy.authors.get(item.runner)
        if allowed is not None and author not in context.directory.expand(allowed):
            yield Problem(
                f"items[{index}].runner",
                "{person} may not put workflows of the runner {runner} into a plan; let one of {people} do it, or "
                "leave this item out",
                {"person": author, "runner": item.runner, "people": ", ".join(allowed)},
            )


def problems_at_finish(draft: PlanDraft, context: Context) -> list[Problem]:
    """Return the problems that prevent a plan from being finished, among them passed times and what runners cannot run.

    Those of its approval are `core.validate_approval.approval_problems`.
    """
    problems = problems_of(draft, context, before=draft)
    if not draft.items:
        problems.append(Problem("items", "add at least one item"))
    for path, time in _times_of(draft).items():
        if path != _START and time and time < _earliest(path, context.now):
            problems.append(_passed(path))
    for index, item in enumerate(draft.items):
        if isinstance(item, WorkflowItemDraft):
            problems += _check_runner(item, f"items[{index}]", context)
    return problems


def _check_runner(item: WorkflowItemDraft, path: str, context: Context) -> Iterator[Problem]:
    find_problems = context.policy.runners.get(item.runner)
    if find_problems is None:
        known = ", ".join(sorted(context.policy.runners))
        yield Problem(
            f"{path}.runner",
            "there is no runner {runner}; the settings enable: {known}",
            {"runner": item.runner, "known": known},
        )
        return
    for place in masked_places(item.workflow):
        yield Problem(f"{path}.workflow{place}", "the credential is only shown as stars here; write its value")
    if item.workflow.disabled:
        yield Problem(
            f"{path}.workflow.disabled", "a disabled workflow does not run; set this to false, or leave it out"
        )
    for problem in find_problems(item.workflow):
        yield replace(problem, path=f"{path}.workflow.{problem.path}")


def _check_people(draft: PlanDraft, directory: Directory) -> Iterator[Problem]:
    if not directory.active(draft.manager):
        yield unknown_person("manager", draft.manager, directory)
    for index, person in enumerate(draft.collaborators):
        if not directory.active(person):
            yield unknown_person(f"collaborators[{index}]", person, directory)


def _check_order_of_times(draft: PlanDraft) -> Iterator[Problem]:
    window = draft.window
    if window.start and window.end and window.start >= window.end:
        yield Problem(_END, "the window must end after it starts")
    schedule = draft.schedule_at
    if schedule and ((window.start and schedule < window.start) or (window.end and schedule > window.end)):
        yield Problem(_SCHEDULE, "the scheduled time must lie in the window")


def _check_new_times(
    draft: PlanDraft, before: PlanDraft | None, now: datetime, *, as_in_zadig: bool
) -> Iterator[Problem]:
    kept = _times_of(before) if before else {}
    for path, time in _times_of(draft).items():
        allowed = time == kept.get(path) or (path == _START and as_in_zadig)
        if time and time < _earliest(path, now) and not allowed:
            yield _passed(path)


def _earliest(path: str, now: datetime) -> datetime:
    """Return the earliest time that is not past for a field."""
    return now if path == _END else now - _JUST_NOW


def _passed(path: str) -> Problem:
    if path == _SCHEDULE:
        return Problem(path, "the scheduled time has passed; choose a later one, or null to start items by hand")
    return Problem(path, "this time has passed; choose a later one")


def _times_of(draft: PlanDraft) -> dict[str, datetime | None]:
    return {_START: draft.window.start, _END: draft.window.end, _SCHEDULE: draft.schedule_at}


def _check_items(draft: PlanDraft, directory: Directory) -> Iterator[Problem]:
    keys = [item.key for item in draft.items]
    known = set(keys)
    for index, item in enumerate(draft.items):
        if item.key in keys[:index]:
            yield Problem(f"items[{index}].key", "the key {key} is used twice", {"key": item.key})
        if item.assignee and not directory.active(item.assignee):
            yield unknown_person(f"items[{index}].assignee", item.assignee, directory)
        for i, need in enumerate(item.needs):
            if need not in known:
                yield Problem(f"items[{index}].needs[{i}]", "no item has the key {key}", {"key": need})
    try:
        TopologicalSorter({item.key: item.needs for item in draft.items}).prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        first = keys.index(error.args[1][0])
        yield Problem(
            f"items[{first}].needs", "the items wait for each other in a circle: {circle}", {"circle": circle}
        )
