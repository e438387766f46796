"""The jobs of Zadig beyond the document's in Zadig's OpenAPI: their inputs, and how these are laid over what is stored.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` (`UpdateJobSpec` of each job type).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

KV_INPUT = {
    "key": str,
    "value": str,
    "type?": str,
    "is_credential?": bool,
    "file_id?": str,
    "file_name?": str,
    "file_path?": str,
}
_WORKLOAD_NAMES = ("workload_type", "workload_name", "container_name")
_WORKLOADS = {"target_list": [dict.fromkeys(_WORKLOAD_NAMES, str) | {"image_name": str}]}
_SERVICES = {"service_list": [{"service_name": str, "image_name": str}]}
_RESOURCE_NAMES = ("resource_name", "resource_kind", "resource_group", "resource_version")
MORE_INPUTS: dict[str, Any] = {
    "plugin": {"kv": [KV_INPUT]},
    "custom-deploy": _WORKLOADS,
    "k8s-blue-green-deploy": _SERVICES,
    "k8s-canary-deploy": _SERVICES,
    "k8s-gray-release": _WORKLOADS,
    "k8s-gray-rollback": _WORKLOADS,
    "k8s-resource-patch": {"target_list": [dict.fromkeys(_RESOURCE_NAMES, str) | {"inputs": [KV_INPUT]}]},
    "tapd": {"project_id": str, "project_name": str, "status": str, "iteration_ids": [str]},
    "ai-task": {},
}


def _set_params(stored: list[Json], given: list[Json]) -> None:
    values = {item["key"]: item["value"] for item in given}
    for param in stored:
        param["value"] = values.get(param["name"], param["value"])


def _set_plugin(spec: Json, given: Json) -> None:
    _set_params(spec["plugin"]["inputs"], given["kv"])


def _set_custom_deploy(spec: Json, given: Json) -> None:
    spec["targets"] = [
        {"target": "/".join(one[name] for name in _WORKLOAD_NAMES), "image": one["image_name"]}
        for one in given["target_list"]
    ]


def _set_services(spec: Json, given: Json) -> None:
    images = {one["service_name"]: one["image_name"] for one in given["service_list"]}
    for target in spec["targets"]:
        target["image"] = images.get(target["k8s_service_name"], target["image"])


def _set_gray_release(spec: Json, given: Json) -> None:
    images = {one["workload_name"]: one["image_name"] for one in given["target_list"]}
    _set_gray_rollback(spec, given)
    for target in spec["targets"]:
        target["image"] = images[target["workload_name"]]


def _set_gray_rollback(spec: Json, given: Json) -> None:
    names = [one["workload_name"] for one in given["target_list"]]
    spec["targets"] = [one for one in spec["targets"] if one["workload_name"] in names]


def _set_patch(spec: Json, given: Json) -> None:
    inputs = {tuple(one[name] for name in _RESOURCE_NAMES): one["inputs"] for one in given["target_list"]}
    found = [(one, inputs.get(tuple(one[name] for name in _RESOURCE_NAMES))) for one in spec["patch_items"]]
    spec["patch_items"] = [one for one, values in found if values is not None]
    for one, values in found:
        _set_params(one["params"], values or [])


def _set_tapd(spec: Json, given: Json) -> None:
    spec |= {name: given[name] for name in ("project_id", "project_name", "status")}
    spec["iterations"] += [{"iteration_id": number} for number in given["iteration_ids"]]


MORE_JOBS: dict[str, Callable[[Json, Json], None]] = {
    "plugin": _set_plugin,
    "custom-deploy": _set_custom_deploy,
    "k8s-blue-green-deploy": _set_services,
    "k8s-canary-deploy": _set_services,
    "k8s-gray-release": _set_gray_release,
    "k8s-gray-rollback": _set_gray_rollback,
    "k8s-resource-patch": _set_patch,
    "tapd": _set_tapd,
}
