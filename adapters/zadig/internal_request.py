"""The body that starts a workflow by Zadig's internal API: a preset, with the values of the plan merged into it.

The preset is the workflow that Zadig stores, with its defaults. It has fields that a plan has not (build settings,
access to repositories), so a value of the plan replaces no object, but only the fields that it sets.
"""

from __future__ import annotations

from typing import Any

from adapters.zadig.client import REF_PARAM, JsonObject
from adapters.zadig.models import options_of
from adapters.zadig.openapi_request import jobs_to_run
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
"""The keys that identify the members of a list. The first set of keys that a member has is used."""

_KEPT = frozenset({"envs", "key_vals", "repos"})
"""Lists whose other members are kept. The other lists have only the members that the plan names."""

_EMPTY_IS_VALUE = frozenset({"value", "content", "val"})
"""Fields in which an empty text is a value. In the others it means that the plan has no value."""


def make_internal_request(workflow: Workflow, preset: JsonObject, ref: str) -> JsonObject:
    """Return the body for `ZadigClient.start_internal`; jobs that the plan does not run are marked as skipped.

    `ref` is passed in `REF_PARAM` if the workflow has that parameter.
    """
    wanted = {job.name: job.dump()["spec"] for job in jobs_to_run(workflow)}
    params = {param.name: param.dump() for param in workflow.params} | {REF_PARAM: {"value": ref}}
    return preset | {
        "params": [_merge(param, params.get(param["name"], {})) for param in preset.get("params") or []],
        "stages": [
            stage | {"jobs": [_job(job, wanted) for job in stage.get("jobs") or []]}
            for stage in preset.get("stages") or []
        ],
        "remark": workflow.remark,
    }


def _job(job: JsonObject, wanted: dict[str, Any]) -> JsonObject:
    if job["name"] not in wanted:
        return job | {"skipped": True}
    return job | {"skipped": False, "spec": _merge(job.get("spec") or {}, wanted[job["name"]] or {})}


def _merge(base: JsonObject, ours: JsonObject) -> JsonObject:
    """Return `base` with the values of `ours`."""
    result = dict(base)
    for key, value in ours.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = _merge(base[key], value)
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            present = base.get(key) or []
            named = [_merge(_find_same(member, [*present, *options_of(base, key)]), member) for member in value]
            result[key] = named + [member for member in present if key in _KEPT and not _find_same(member, value)]
        elif value or (key in _EMPTY_IS_VALUE and value is not None):
            result[key] = value
    return result


def _find_same(member: JsonObject, known: list[JsonObject]) -> JsonObject:
    """Return the object in `known` with the identity of `member`; empty when there is none."""
    keys = next((keys for keys in _IDENTITY if all(key in member for key in keys)), ())
    found = (other for other in known if keys and all(other.get(key) == member[key] for key in keys))
    return next(found, {})
