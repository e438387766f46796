"""The whole-workflow body of Zadig's internal API: a preset with the plan's values laid over it.

The preset is Zadig's own workflow with its defaults. It holds fields that a plan does not (build settings, access to
repositories), so a value of the plan never replaces an object; it changes the fields that it sets.
"""

from __future__ import annotations

from typing import Any

from adapters.zadig.client import REF_PARAM, JsonObject
from adapters.zadig.inputs import jobs_to_run
from adapters.zadig.models import options_of
from core.workflow import Workflow

_IDENTITY = (
    ("service_name", "service_module"),
    ("data_id", "group", "namespace_id"),
    ("appID", "clusterID", "env", "namespace"),
    ("repo_namespace", "repo_name"),
    ("service_module",),
    ("key",),
    ("name",),
)
"""What tells the members of a list apart; the first set whose keys a member has is used."""

_KEPT = frozenset({"envs", "key_vals", "repos"})
"""Lists whose members stay as they are when the plan does not name them; of other lists the plan makes a choice."""

_TAKEN_EMPTY = frozenset({"value", "content", "val"})
"""Fields of which an empty text is a value; elsewhere it means that the plan does not say."""


def full_request(workflow: Workflow, preset: JsonObject, ref: str) -> JsonObject:
    """Return the body for `ZadigClient.start_full`; jobs that the plan does not run are marked as skipped.

    `ref` is passed in `REF_PARAM` if the workflow has such a parameter.
    """
    wanted = {job.name: job.dump()["spec"] for job in jobs_to_run(workflow)}
    params = {param.name: param.dump() for param in workflow.params} | {REF_PARAM: {"value": ref}}
    return preset | {
        "params": [_merged(param, params.get(param["name"], {})) for param in preset.get("params") or []],
        "stages": [
            stage | {"jobs": [_job(job, wanted) for job in stage.get("jobs") or []]}
            for stage in preset.get("stages") or []
        ],
        "remark": workflow.remark,
    }


def _job(job: JsonObject, wanted: dict[str, Any]) -> JsonObject:
    if job["name"] not in wanted:
        return job | {"skipped": True}
    return job | {"skipped": False, "spec": _merged(job.get("spec") or {}, wanted[job["name"]] or {})}


def _merged(base: JsonObject, ours: JsonObject) -> JsonObject:
    """Return `base` with what `ours` says."""
    result = dict(base)
    for key, value in ours.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = _merged(base[key], value)
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            present = base.get(key) or []
            named = [_merged(_same(member, [*present, *options_of(base, key)]), member) for member in value]
            result[key] = named + [member for member in present if key in _KEPT and not _same(member, value)]
        elif value or (key in _TAKEN_EMPTY and value is not None):
            result[key] = value
    return result


def _same(member: JsonObject, known: list[JsonObject]) -> JsonObject:
    """Return the object among `known` that is the same thing as `member`, empty when there is none."""
    keys = next((keys for keys in _IDENTITY if all(key in member for key in keys)), ())
    found = (other for other in known if keys and all(other.get(key) == member[key] for key in keys))
    return next(found, {})
