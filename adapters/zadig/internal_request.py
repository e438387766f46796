"""The body that starts a workflow by Zadig's internal API: a preset, with the values of the plan merged into it.

The preset is the workflow that Zadig stores, with its defaults.
"""

from __future__ import annotations

from typing import Any

from adapters.zadig.client import REF_PARAM, JsonObject
from adapters.zadig.merging import merge
from adapters.zadig.openapi_request import jobs_to_run
from core.workflow import Workflow


def make_internal_request(workflow: Workflow, preset: JsonObject, ref: str) -> JsonObject:
    """Return the body for `ZadigClient.start_internal`; jobs that the plan does not run are marked as skipped.

    `ref` is passed in `REF_PARAM` if the workflow has that parameter.
    """
    wanted = {job.name: job.dump_given().get("spec") for job in jobs_to_run(workflow)}
    params = {param.name: param.dump_given() for param in workflow.params} | {REF_PARAM: {"value": ref}}
    return preset | {
        "params": [merge(param, params.get(param["name"], {})) for param in preset.get("params") or []],
        "stages": [
            stage | {"jobs": [_job(job, wanted) for job in stage.get("jobs") or []]}
            for stage in preset.get("stages") or []
        ],
        "remark": workflow.remark,
    }


def _job(job: JsonObject, wanted: dict[str, Any]) -> JsonObject:
    if job["name"] not in wanted:
        return job | {"skipped": True}
    return job | {"skipped": False, "spec": merge(job.get("spec") or {}, wanted[job["name"]] or {})}
