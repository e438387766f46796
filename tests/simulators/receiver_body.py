"""The hook body of a release plan, field by field, as Zadig sends it: names, types, and what may be missing or null.

A second, independent reading of the format: it shares no code with `core.workflow`.
"""

from __future__ import annotations

from typing import Any

from tests.simulators.receiver_shapes import ANY, Null, differences

REPO = {
    "source": str,
    "repo_owner": str,
    "repo_namespace": str,
    "repo_name": str,
    "remote_name": str,
    "branch": str,
    "prs": [int],
    "tag": str,
    "commit_id": str,
    "commit_message": str,
    "checkout_path": str,
    "codehost_id": int,
    "address": str,
}
KEY_VAL = {
    "key": str,
    "value": str,
    "type?": str,
    "registry_id": str,
    "choice_option?": [str],
    "choice_value?": [str],
    "script?": str,
    "call_function?": str,
    "function_reference?": [str],
    "file_path?": str,
    "file_name?": str,
    "file_id?": str,
    "is_credential": bool,
    "description": str,
    "required?": bool,
    "source": str,
}
KEY_VALS = [KEY_VAL]
REPOS = [REPO]
MODULE = {"service_name": str, "service_module": str}
BUILD = {
    "source": str,
    "job_name": str,
    "ref_repos": bool,
    "service_and_builds": [
        MODULE
        | {
            "build_name": str,
            "image": str,
            "package": str,
            "image_name": str,
            "key_vals": KEY_VALS,
            "repos": REPOS,
        }
    ],
}
VARIABLE = {
    "key": str,
    "value": ANY,
    "type": str,
    "options": [str],
    "desc": str,
    "use_global_variable": bool,
    "is_reference_variable": bool,
}
DEPLOY = {
    "env": str,
    "production": bool,
    "deploy_type": str,
    "source": str,
    "env_source": str,
    "deploy_contents": [str],
    "job_name": str,
    "version_name": str,
    "services": [
        {
            "service_name": str,
            "modules": [{"service_module": str, "image": str, "image_name": str}],
            "deployed": bool,
            "auto_sync": bool,
            "update_config": bool,
            "updatable": bool,
            "variable_kvs": [VARIABLE],
            "variable_yaml": str,
            "value_merge_strategy": str,
            "override_kvs": str,
        }
    ],
}
VM_DEPLOY = {
    "env": str,
    "production": bool,
    "env_alias": str,
    "env_source": str,
    "ref_repos": bool,
    "service_and_vm_deploys": [
        MODULE
        | {
            "repos": REPOS,
            "deploy_name": str,
            "deploy_artifact_type": str,
            "artifact_url": str,
            "file_name": str,
            "image": str,
            "key_vals": KEY_VALS,
        }
    ],
    "source": str,
    "job_name": str,
}
FREESTYLE = {
    "freestyle_type": str,
    "source": str,
    "job_name": str,
    "ref_repos": bool,
    "repos": REPOS,
    "envs": KEY_VALS,
    "services": [MODULE | {"repos": REPOS, "key_vals": KEY_VALS}],
}
NAMED = {"name": str, "key_vals": KEY_VALS, "repos": REPOS}
TEST = {
    "test_type": str,
    "source": str,
    "job_name": str,
    "ref_repos": bool,
    "service_and_tests": [MODULE | NAMED],
    "test_modules": [NAMED],
}
SCANNING = {
    "scanning_type": str,
    "source": str,
    "job_name": str,
    "ref_repos": bool,
    "scannings": [NAMED],
    "service_and_scannings": [MODULE | NAMED],
}
NACOS = {
    "nacos_id": str,
    "namespace_id": str,
    "source": str,
    "nacos_datas": [
        {
            "data_id": str,
            "group": str,
            "description?": str,
            "format?": str,
            "content?": str,
            "original_content?": str,
            "namespace_id": str,
            "namespace_name": str,
        }
    ],
}
APOLLO_KV = {"key": str, "val": str}
APOLLO = {
    "apolloID": str,
    "namespaceList": [
        {
            "appID": str,
            "clusterID": str,
            "env": str,
            "namespace": str,
            "type": str,
            "original_config?": [APOLLO_KV],
            "kv": [APOLLO_KV],
        }
    ],
}
SQL = {"id": str, "type": str, "sql": str, "source": str}
DISTRIBUTE = {
    "source": str,
    "job_name": str,
    "distribute_method": str,
    "targets": [
        MODULE
        | {
            "source_tag?": str,
            "target_tag?": str,
            "image_name?": str,
            "source_image?": str,
            "target_image?": str,
            "update_tag": bool,
        }
    ],
    "enable_target_image_tag_rule": bool,
    "target_image_tag_rule": str,
}
SPECS: dict[str, Any] = {
    "zadig-build": BUILD,
    "zadig-deploy": DEPLOY,
    "zadig-vm-deploy": VM_DEPLOY,
    "freestyle": FREESTYLE,
    "zadig-test": TEST,
    "zadig-scanning": SCANNING,
    "nacos": NACOS,
    "apollo": APOLLO,
    "sql": SQL,
    "zadig-distribute-image": DISTRIBUTE,
}
PARAM = {
    "name": str,
    "description": str,
    "type": str,
    "value": str,
    "repo": Null(REPO),
    "choice_option": [str],
    "choice_value": [str],
    "default": str,
    "is_credential": bool,
    "source": str,
}
WORKFLOW_JOB = {"name": str, "type": str, "spec": ANY, "run_policy": str}
WORKFLOW = {
    "name": str,
    "display_name": str,
    "disabled": bool,
    "params": [PARAM],
    "stages": [{"name": str, "jobs": [WORKFLOW_JOB]}],
    "project": str,
    "description": str,
    "created_by": str,
    "create_time": int,
    "updated_by": str,
    "update_time": int,
    "remark": str,
    "enable_approval_ticket": bool,
    "approval_ticket_id": str,
}
JOB_SPECS: dict[str, Any] = {
    "text": {"content": str, "remark": str},
    "workflow": {"workflow": WORKFLOW, "status": str, "task_id": int},
}
JOB = {
    "id": str,
    "name": str,
    "manager": str,
    "manager_id": str,
    "type": str,
    "spec": ANY,
    "status": str,
    "executed_by": str,
    "executed_time": int,
}
PLAN = {
    "id": str,
    "index": int,
    "event_name": str,
    "name": str,
    "manager": str,
    "manager_id": str,
    "start_time": int,
    "end_time": int,
    "schedule_execute_time": int,
    "description": str,
    "created_by": str,
    "create_time": int,
    "updated_by": str,
    "update_time": int,
    "instance_code": str,
    "jobs": [JOB],
    "status": str,
    "planning_time": int,
    "approval_time": int,
    "executing_time": int,
    "success_time": int,
}
ENVELOPE = {"object_kind": str, "event": str, "workflow": Null(ANY), "release_plan": PLAN}

STATUSES = {
    "finish_planning": {"finish_planning", "wait_for_finish_planning_external_check"},
    "start_execute": {"executing", "wait_for_execute_external_check"},
    "all_job_done": {"success", "wait_for_all_done_external_check"},
}
"""The plan status that belongs to each event, without and with a callback."""


def problems(body: Any) -> list[str]:
    """Return what is wrong with a hook body; empty when it is as Zadig would send it. Unknown keys are not wrong."""
    found = differences(body, ENVELOPE, "$")
    if found:
        return found
    plan = body["release_plan"]
    if body["object_kind"] != "release_plan":
        found.append(f"$.object_kind: {body['object_kind']}")
    if body["event"] != plan["event_name"]:
        found.append(f"$.event: {body['event']} is not event_name {plan['event_name']}")
    if plan["status"] not in STATUSES.get(plan["event_name"], ()):
        found.append(f"$.release_plan.status: {plan['status']} in a hook {plan['event_name']}")
    if not plan["instance_code"]:
        found.append("$.release_plan.instance_code: empty, nobody can call back")
    for number, job in enumerate(plan["jobs"]):
        found += _job_problems(job, f"$.release_plan.jobs[{number}]")
    return found


def _job_problems(job: Any, path: str) -> list[str]:
    shape = JOB_SPECS.get(job["type"])
    if shape is None:
        return [f"{path}.type: {job['type']}"]
    found = differences(job["spec"], shape, f"{path}.spec")
    if found or job["type"] == "text":
        return found
    for stage in job["spec"]["workflow"]["stages"]:
        if not stage["jobs"]:
            found.append(f"{path}: stage {stage['name']} has no jobs; Zadig drops it")
        for inner in stage["jobs"]:
            expected = SPECS.get(inner["type"], Null(ANY))
            found += differences(inner["spec"], expected, f"{path}…{inner['name']}.spec")
    return found
