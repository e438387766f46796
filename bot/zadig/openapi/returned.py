"""What a client of Zadig's OpenAPI sends back of the approval that it was shown, in which policies have their stages.

Zadig's shape does not say of a stage whose it is. Sent back, a stage of a policy must not become one of the author's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.zadig.openapi.approval import render_approval
from bot.zadig.openapi.bodies import ApprovalBody, approval_of
from core.approval import eligible, excluded_voters, votes_needed
from core.errors import Invalid
from core.people import Directory
from core.plan import Plan, Stage


def own_approval(given: Mapping[str, Any], plan: Plan, added: Iterable[Stage], directory: Directory) -> dict[str, Any]:
    """Return the fields of a change for an approval that a client sends: none if it is the one that it was shown.

    `given` are the fields as they were parsed; each of the stages that policies have `added` is left out of them once.
    """
    if given == _shown(plan, directory):
        return {}
    stages = list(given.get("stages", ()))
    for stage in added:
        same = next((one for one in stages if _is_same(one, stage, plan, directory)), None)
        if same:
            stages.remove(same)
    return {"approval": {**given, "stages": stages}}


def _shown(plan: Plan, directory: Directory) -> dict[str, Any] | None:
    """Return the approval that clients are shown, parsed as if they sent it; None if it cannot be taken back."""
    shown = render_approval(plan, directory)
    try:
        return approval_of(ApprovalBody.model_validate(shown), directory) if shown else {}
    except Invalid:
        return None


def _is_same(given: Mapping[str, Any], stage: Stage, plan: Plan, directory: Directory) -> bool:
    """Return whether a parsed stage is what comes back of a stage: Zadig's shape may have no name and no rule of it."""
    people = directory.expand(stage.approvers)
    needed = votes_needed(stage, len(eligible(stage, excluded_voters(plan), directory)))
    rules = (stage.rule, needed, "any" if stage.rule == "any" else "all")
    return directory.expand(given["approvers"]) == people and given["rule"] in rules
