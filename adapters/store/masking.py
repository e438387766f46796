"""What a version of a plan keeps: the draft without its credentials."""

from __future__ import annotations

from typing import Any

from core.draft import PlanDraft, WorkflowItemDraft
from core.workflow import mask_credentials


def masked_content(draft: PlanDraft) -> dict[str, Any]:
    """Return the JSON of a draft with every credential masked."""
    items = tuple(
        item.model_copy(update={"workflow": mask_credentials(item.workflow)})
        if isinstance(item, WorkflowItemDraft)
        else item
        for item in draft.items
    )
    return draft.model_copy(update={"items": items}).model_dump(mode="json")
