"""The mistakes in workflows that people write: fields that do not exist, and values without a meaning.

What Zadig and its clients send is not judged by this: fields that no model has are kept as they came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from pydantic import AliasChoices

from core.draft import PlanDraft, WorkflowItemDraft
from core.errors import Problem
from core.workflow import (
    MASK,
    OTHER_TYPES,
    BuildSpec,
    DeployService,
    DeploySpec,
    DeployVariable,
    DistributeImageSpec,
    FreestyleSpec,
    Job,
    JobType,
    KeyVal,
    NacosSpec,
    Param,
    Repo,
    RunTestsSpec,
    ScanningSpec,
    ServiceAndVmDeploy,
    SqlSpec,
    UnknownJob,
    VmDeploySpec,
    Wire,
    Workflow,
)

_MORE_FIELDS: Mapping[type[Wire], frozenset[str]] = {
    Workflow: frozenset({"category"}),
    Param: frozenset({"is_sensitive", "script", "call_function", "file_id", "file_name", "file_path", "required"}),
    KeyVal: frozenset({"is_sensitive"}),
    BuildSpec: frozenset({"registry"}),
    SqlSpec: frozenset({"database_name"}),
    Repo: frozenset(
        {"codehost_name", "pr", "enable_commit", "submodules", "stream", "view_mapping", "changelist_id", "shelve_id"}
    ),
}
"""Fields that no model has: of Zadig's OpenAPI, of the example in the document, and marks of credentials."""
_FROM_JOB: tuple[type[Wire], ...] = (
    BuildSpec, DeploySpec, VmDeploySpec, FreestyleSpec, RunTestsSpec, ScanningSpec, DistributeImageSpec
)  # fmt: skip
_RUNTIME = ("runtime", "fixed", "reference")
"""Where a value comes from: `ParamSourceType` of Zadig."""
_UPSTREAM = ("runtime", "fixed", "fromjob")
"""Where services come from: `DeploySourceType` of Zadig."""
_VALUES: Mapping[tuple[type[Wire], str], tuple[str, ...]] = {
    (Job, "run_policy"): ("default_not_run", "force_run", "skip"),
    (Param, "type"): ("string", "text", "choice", "repo", "multi-select", "file"),
    (Param, "source"): _RUNTIME,
    (KeyVal, "source"): _RUNTIME,
    (Repo, "source"): ("github", "gitlab", "gerrit", "gitee", "gitee-enterprise", "perforce", "codehub", "other"),
    **{(spec, "source"): _UPSTREAM for spec in _FROM_JOB},
    (DeploySpec, "env_source"): (*_RUNTIME, "fromjob"),
    (VmDeploySpec, "env_source"): (*_RUNTIME, "fromjob"),
    (NacosSpec, "source"): _RUNTIME,
    (SqlSpec, "source"): _RUNTIME,
    (SqlSpec, "type"): ("mysql", "mariadb"),
    (KeyVal, "type"): ("string", "text", "choice", "multi-select", "image", "script", "file", "external"),
    (FreestyleSpec, "freestyle_type"): ("service_freestyle",),
    (DeploySpec, "deploy_contents"): ("image", "vars", "config"),
    (DeployService, "value_merge_strategy"): ("override", "reuse-values"),
    (DeployVariable, "type"): ("string", "bool", "enum", "yaml"),
    (ServiceAndVmDeploy, "deploy_artifact_type"): ("image", "file", "other"),
    (DistributeImageSpec, "distribute_method"): ("image_push", "cloud_sync"),
}
"""The values of fields that have a fixed set of them; all may be empty as well."""
_LOCAL_FIELDS: Mapping[type[Wire], tuple[str, ...]] = {
    FreestyleSpec: ("script", "timeout"),
    SqlSpec: ("timeout", "transaction"),
}
"""Fields that the local runner alone reads."""
_NO_FIELD = Problem("", "there is no such field")
"""The mistake of a field that is like none that exist."""
_TYPING_ERROR = 0.85
"""How similar to a known job type an unknown one is that must be a typing error."""


def workflow_mistakes(draft: PlanDraft, before: PlanDraft | None = None) -> Iterator[Problem]:
    """Yield the mistakes in the workflows of a draft. Those that its workflows had `before` are left alone."""
    old = {item.key: item.workflow for item in before.items if item.type == "workflow"} if before else {}
    for index, item in enumerate(draft.items):
        if isinstance(item, WorkflowItemDraft) and item.workflow != (stored := old.get(item.key, Workflow())):
            known = list(find_mistakes(stored, item.runner))
            for problem in find_mistakes(item.workflow, item.runner):
                if problem not in known:
                    yield replace(problem, path=f"items[{index}].workflow.{problem.path}")


def mistakes_at_finish(draft: PlanDraft) -> Iterator[Problem]:
    """Yield the mistakes in the workflows of a stored draft, which was not judged if an earlier version stored it.

    Fields that are like none that exist are left alone: clients of Zadig may send those, and nobody expects an effect.
    """
    for index, item in enumerate(draft.items):
        if isinstance(item, WorkflowItemDraft):
            for problem in find_mistakes(item.workflow, item.runner):
                if problem.message != _NO_FIELD.message:
                    yield replace(problem, path=f"items[{index}].workflow.{problem.path}")


def find_mistakes(workflow: Workflow, runner: str) -> Iterator[Problem]:
    """Yield the mistakes in a workflow for a runner, with paths inside it, but none in specs of unknown job types."""
    if workflow.disabled:
        yield Problem("disabled", "a disabled workflow does not run; set this to false, or leave it out")
    yield from _in_object(workflow, "")
    if runner != "local":
        yield from _local_fields(workflow)


def _local_fields(workflow: Workflow) -> Iterator[Problem]:
    for number, stage in enumerate(workflow.stages):
        for index, job in enumerate(stage.jobs):
            if not isinstance(spec := job.spec, FreestyleSpec | SqlSpec):
                continue
            for name in _LOCAL_FIELDS[type(spec)]:
                if getattr(spec, name) != type(spec).model_fields[name].default:
                    place = f"stages[{number}].jobs[{index}].spec.{name}"
                    yield Problem(place, "only the runner local reads this field; leave it out")


def _in_object(value: Wire, path: str) -> Iterator[Problem]:
    yield from _unknown_fields(value, path)
    if isinstance(value, UnknownJob):
        yield from _misspelt_type(value, path)
    if isinstance(value, Param | KeyVal):
        yield from _choices(value, path)
    for name, field in type(value).model_fields.items():
        place = f"{path}{field.serialization_alias or name}"
        yield from _in_member(getattr(value, name), place)
        yield from _fixed_values(value, name, place)


def _in_member(member: object, place: str) -> Iterator[Problem]:
    if isinstance(member, Wire):
        yield from _in_object(member, f"{place}.")
    elif isinstance(member, tuple):
        for index, each in enumerate(member):
            yield from _in_member(each, f"{place}[{index}]")


def _unknown_fields(value: Wire, path: str) -> Iterator[Problem]:
    more = _MORE_FIELDS.get(type(value), frozenset())
    for name in value.__pydantic_extra__.keys() - more:
        if nearest := get_close_matches(name, [*_field_names(value), *more], 1):
            yield Problem(f"{path}{name}", "there is no such field; did you mean {nearest}?", {"nearest": nearest[0]})
        else:
            yield replace(_NO_FIELD, path=f"{path}{name}")


def _field_names(value: Wire) -> Iterator[str]:
    for name, field in type(value).model_fields.items():
        aliases = field.validation_alias
        yield from map(str, aliases.choices) if isinstance(aliases, AliasChoices) else (name,)


def _misspelt_type(job: UnknownJob, path: str) -> Iterator[Problem]:
    if job.type in OTHER_TYPES:
        return
    if nearest := get_close_matches(job.type, [*JobType, *sorted(OTHER_TYPES)], 1, _TYPING_ERROR):
        yield Problem(f"{path}type", "there is no such job type; did you mean {nearest}?", {"nearest": nearest[0]})


def _fixed_values(value: Wire, name: str, place: str) -> Iterator[Problem]:
    given = getattr(value, name)
    for (model, field), allowed in _VALUES.items():
        if field == name and isinstance(value, model):
            wrong = {*((given,) if isinstance(given, str) else given)} - {"", *allowed}
            if wrong:
                yield Problem(place, "write one of: {expected}", {"expected": ", ".join(allowed)})


def _choices(variable: Param | KeyVal, path: str) -> Iterator[Problem]:
    """Yield what is chosen although it is none of the options, which are not named: they may be credentials."""
    options = variable.choice_option
    if variable.type not in ("choice", "multi-select") or not options or MASK in options:
        return
    chosen = {"value": variable.value.split(",") if variable.type == "multi-select" else [variable.value]}
    chosen["choice_value"] = list(variable.choice_value)
    if isinstance(variable, Param):
        chosen["default"] = [variable.default]
    for name, values in chosen.items():
        if not {"", MASK, *options}.issuperset(values):
            yield Problem(f"{path}{name}", "choose one of the values in choice_option")
