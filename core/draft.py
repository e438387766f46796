"""The plan as people write it: the body of the REST calls and the content of a YAML file.

Validation is strict: unknown fields are rejected, and every problem is reported with the path of its field.
`core.validate` checks what depends on more than one field (references, times). It also checks that stages have
approvers, so that one error lists all problems of this sort.
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from core.plan import Channel
from core.status import HookEvent
from core.text import Duration, Moment, Visible, remove_invisible
from core.workflow import Workflow, mask_credentials

_SPRINT_FIELDS = {"project_name": str, "project_key": str, "board_id": int, "sprint_id": int, "sprint_name": str}
"""The fields of a sprint, under Zadig's names."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Visible]
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Visible]
Key = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$", max_length=64), Visible]
"""The key of an item. A pattern with `{1,64}` in place of `max_length` would cost 6 MB of memory."""
Time = Annotated[Moment, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A time as it is stored, so that two spellings of one time do not differ."""
Checks = Annotated[frozenset[HookEvent], PlainSerializer(sorted, when_used="json")]
"""Written in one order, so that two equal sets do not differ."""
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Visible]
Labels = Annotated[tuple[Label, ...], Field(max_length=50)]
LongText = Annotated[str, StringConstraints(max_length=100_000), Visible]


def _check_sprint(sprint: dict[str, Any]) -> dict[str, Any]:
    """Reject a sprint that nobody could find in Jira: it needs an id or a name, and has no unknown fields."""
    wrong = [name for name, value in sprint.items() if type(value) is not _SPRINT_FIELDS.get(name)]
    if wrong or not (sprint.get("sprint_id") or remove_invisible(sprint.get("sprint_name", "")).strip()):
        raise ValueError("write sprint_id, a number, or sprint_name; beside it board_id, project_key and project_name")
    return sprint


Sprint = Annotated[dict[str, Any], AfterValidator(_check_sprint)]
"""A sprint in Jira that a plan belongs to."""
Sprints = Annotated[tuple[Sprint, ...], Field(max_length=50)]


class Draft(BaseModel):
    """Base of the models for what people write."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowDraft(Draft):
    """The release window; without `start` or `end` it is unlimited on that side."""

    start: Time | None = None
    end: Time | None = None


class StageDraft(Draft):
    """One stage of the approval."""

    name: Name
    approvers: Annotated[tuple[Id, ...], Field(max_length=200, json_schema_extra={"minItems": 1})]
    rule: Literal["all", "any"] | Annotated[int, Field(ge=1, le=200)] = "all"
    channel: Channel = Channel.NATIVE


class ApprovalDraft(Draft):
    """The stages of the approval in their order, its deadline and its reminders."""

    stages: Annotated[tuple[StageDraft, ...], Field(max_length=20)] = ()
    allow_self_approval: bool = False
    expires_in: Duration | None = None
    remind_every: Duration | None = None


class _ItemDraft(Draft):
    key: Key
    name: Name
    assignee: Id | Literal[""] = ""
    needs: Annotated[tuple[Key, ...], Field(max_length=1000)] = ()
    labels: Labels = ()


class TextItemDraft(_ItemDraft):
    """A step that somebody does by hand; `content` is HTML or Markdown."""

    type: Literal["text"]
    content: LongText = ""


class WorkflowItemDraft(_ItemDraft):
    """A workflow that a runner runs."""

    type: Literal["workflow"]
    runner: Annotated[str, StringConstraints(pattern=r"^[\w-]+$", max_length=64)] = "local"
    project: Annotated[str, StringConstraints(max_length=200)] = ""
    workflow: Annotated[Workflow, PlainSerializer(Workflow.dump_given)]


ItemDraft = Annotated[TextItemDraft | WorkflowItemDraft, Field(discriminator="type")]
Items = Annotated[tuple[ItemDraft, ...], Field(max_length=2000)]


class PlanDraft(Draft):
    """A whole plan as written. `manager` defaults to whoever creates it, `checks` adds to those of the settings."""

    name: Name
    manager: Id | Literal[""] = ""
    collaborators: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    window: WindowDraft = WindowDraft()
    schedule_at: Time | None = None
    description: LongText = ""
    labels: Labels = ()
    jira_sprints: Sprints = ()
    approval: ApprovalDraft = ApprovalDraft()
    checks: Checks | None = None
    items: Items = ()

    def mask_credentials(self) -> PlanDraft:
        """Return the plan with the mask in place of every credential."""
        items = tuple(
            item.model_copy(update={"workflow": mask_credentials(item.workflow)}) if item.type == "workflow" else item
            for item in self.items
        )
        return self.model_copy(update={"items": items})


class PlanPatch(Draft):
    """The fields of a plan that change; those not given stay. Items keep their identity by `key`."""

    name: Name | None = None
    manager: Id | None = None
    collaborators: Annotated[tuple[Id, ...], Field(max_length=100)] | None = None
    window: WindowDraft | None = None
    schedule_at: Time | None = None
    description: LongText | None = None
    labels: Labels | None = None
    jira_sprints: Sprints | None = None
    approval: ApprovalDraft | None = None
    checks: Checks | None = None
    items: Items | None = None

    def apply_to(self, draft: PlanDraft) -> PlanDraft:
        """Return the draft with the given fields replaced; an optional field given as null is cleared.

        So are `start` and `end` of a given window: each stays when it is not given.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if self.window:
            ends = {name: getattr(self.window, name) for name in self.window.model_fields_set}
            given["window"] = draft.window.model_copy(update=ends)
        cleared = {
            name: field.get_default()
            for name, field in PlanDraft.model_fields.items()
            if name in given and given[name] is None and not field.is_required()
        }
        return draft.model_copy(update={name: value for name, value in given.items() if value is not None} | cleared)
