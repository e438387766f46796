"""A workflow: parameters, stages and jobs.

Source: Zadig v4.0 document, `Workflow`, `WorkflowParam`, `WorkflowStage`, `WorkflowJobType`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from core.workflow.base import Flag, Int64, Many, Text, Wire, aliased_field
from core.workflow.job import JobType, UnknownJob
from core.workflow.jobs_build import BuildJob, DistributeImageJob
from core.workflow.jobs_check import RunTestsJob, ScanningJob
from core.workflow.jobs_config import ApolloJob, NacosJob, SqlJob
from core.workflow.jobs_deploy import DeployJob, VmDeployJob
from core.workflow.jobs_script import FreestyleJob
from core.workflow.values import Repo

KnownJob = Annotated[
    BuildJob
    | DeployJob
    | VmDeployJob
    | FreestyleJob
    | RunTestsJob
    | ScanningJob
    | ApolloJob
    | NacosJob
    | SqlJob
    | DistributeImageJob,
    Field(discriminator="type"),
]

_KINDS = frozenset(JobType)


def _tag_of(job: Any) -> Literal["known", "unknown"]:
    """Return the tag of a job. A type that is missing or no text is tagged as known, so the error lists known types."""
    kind = job.get("type") if isinstance(job, Mapping) else getattr(job, "type", None)
    return "unknown" if isinstance(kind, str) and kind not in _KINDS else "known"


WorkflowJob = Annotated[
    Annotated[KnownJob, Tag("known")] | Annotated[UnknownJob, Tag("unknown")], Discriminator(_tag_of)
]


class Param(Wire):
    """A parameter of the whole workflow; `type` is `string`, `text`, `choice` or `repo`."""

    name: Text = ""
    description: Text = ""
    type: Text = ""
    value: Text = ""
    repo: Repo | None = None
    choice_option: Many[Text] = aliased_field("choice_option", "choice_options", default=())
    choice_value: Many[Text] = ()
    default: Text = ""
    is_credential: Flag = False
    source: Text = ""


class WorkflowStage(Wire):
    """Jobs that belong together."""

    name: Text = ""
    jobs: Many[WorkflowJob] = ()


class Workflow(Wire):
    """A workflow as it is to be run; times are unix seconds, 0 when unknown."""

    name: Text = ""
    display_name: Text = ""
    disabled: Flag = False
    params: Many[Param] = ()
    stages: Many[WorkflowStage] = ()
    project: Text = ""
    description: Text = ""
    created_by: Text = ""
    create_time: Int64 = 0
    updated_by: Text = ""
    update_time: Int64 = 0
    remark: Text = ""
    enable_approval_ticket: Flag = False
    approval_ticket_id: Text = ""
