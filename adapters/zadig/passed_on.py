"""Jobs of types that the document does not describe, whose values are passed on to Zadig.

A plan has them as Zadig stores them: what can be set is a list in the spec. The inputs of Zadig's OpenAPI are another
form of this list, whose members have other names. Whatever else they have is kept.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` and `common/repository/models/workflow_v4.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.zadig.merging import find_same, merge
from adapters.zadig.models import options_of
from adapters.zadig.openapi_values import NotExpressible, require_inputs

Json = dict[str, Any]
Names = Mapping[str, str]

_VARIABLE: Names = {
    "key": "name",
    "value": "value",
    "type": "type",
    "is_credential": "is_credential",
    "file_id": "file_id",
    "file_name": "file_name",
    "file_path": "file_path",
}
_TARGET = ("workload_type", "workload_name", "container_name")
"""The inputs that are one value in a target of `custom-deploy`, joined by slashes."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """One job type: its list in the spec, at a place, and in the inputs; the names in the spec by those in inputs."""

    place: tuple[str, ...]
    inputs: str
    names: Names
    ignores_others: bool = True
    """Whether Zadig ignores members that it does not store."""

    def members(self, spec: Json) -> list[Json]:
        """Return the list in a spec, empty when it has none; Zadig's options for it count where it is not stored."""
        *outer, last = self.place
        for key in outer:
            spec = _object(spec.get(key))
        return [*_objects(spec.get(last)), *_objects(options_of(spec, last))]

    def parse(self, given: Json) -> Json:
        """Return the spec for inputs. Raises TypeError, KeyError or AttributeError for inputs of another job type."""
        spec: Any = [self._parse_member(member) for member in given[self.inputs] or []]
        for key in reversed(self.place):
            spec = {key: spec}
        return dict(spec)

    def make_inputs(self, given: Json, stored: Json) -> Json:
        """Return the inputs for a spec. Raises NotExpressible when they cannot have all that it changes."""
        *outer, last = self.place
        for key in outer:
            require_inputs(given, stored, key)
            given, stored = _object(given.get(key)), _object(stored.get(key))
        require_inputs(given, stored, last)
        members, known = _objects(given.get(last)), _objects(stored.get(last))
        if members != given.get(last):
            raise NotExpressible
        return {self.inputs: [self._make_member(member, find_same(member, known)) for member in members]}

    def _parse_member(self, member: Json) -> Json:
        renamed = {self.names.get(key, key): _rename_variables(value, _VARIABLE) for key, value in member.items()}
        if "target" in self.names.values():
            renamed["target"] = "/".join(str(renamed.pop(name, "")) for name in _TARGET)
        return renamed

    def _make_member(self, member: Json, stored: Json) -> Json:
        if self.ignores_others and not stored:
            raise NotExpressible
        require_inputs(member, stored, *self.names.values())
        back = {ours: theirs for theirs, ours in self.names.items()}
        made = {
            back[key]: _rename_variables(value, {ours: theirs for theirs, ours in _VARIABLE.items()})
            for key, value in member.items()
            if key in back
        }
        if "target" in made:
            parts = str(made.pop("target")).split("/")
            if len(parts) != len(_TARGET):
                raise NotExpressible
            made = dict(zip(_TARGET, parts, strict=True)) | made
        return made


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def _rename_variables(value: Any, names: Names) -> Any:
    """Return a value; a list is one of variables, whose members are renamed."""
    if not isinstance(value, list):
        return value
    return [{names.get(key, key): inner for key, inner in variable.items()} for variable in value]


_SERVICE = {"service_name": "k8s_service_name", "image_name": "image"}
_WORKLOAD = {name: name for name in _TARGET} | {"image_name": "image"}
_RESOURCE = {name: name for name in ("resource_name", "resource_kind", "resource_group", "resource_version")}

PASSED_ON: Mapping[str, PassedOn] = {
    "plugin": PassedOn(("plugin", "inputs"), "kv", _VARIABLE),
    "custom-deploy": PassedOn(
        ("targets",), "target_list", {"target": "target", "image_name": "image"}, ignores_others=False
    ),
    "k8s-blue-green-deploy": PassedOn(("targets",), "service_list", _SERVICE),
    "k8s-canary-deploy": PassedOn(("targets",), "service_list", _SERVICE),
    "k8s-gray-release": PassedOn(("targets",), "target_list", _WORKLOAD),
    "k8s-gray-rollback": PassedOn(("targets",), "target_list", _WORKLOAD),
    "k8s-resource-patch": PassedOn(("patch_items",), "target_list", _RESOURCE | {"inputs": "params"}),
}
"""The job types whose inputs are one list."""


def parse_tapd(given: Json) -> Json:
    """Return the spec of a job `tapd` for its inputs. Raises TypeError, KeyError or AttributeError for other inputs."""
    iterations = [{"iteration_id": number} for number in given.get("iteration_ids") or []]
    return {key: value for key, value in given.items() if key != "iteration_ids"} | {"iterations": iterations}


def make_tapd_inputs(given: Json, stored: Json) -> Json:
    """Return the inputs of a job `tapd`. Raises NotExpressible when they cannot have all that its spec changes.

    Zadig adds the iterations to those that it stores.
    """
    names = ("project_id", "project_name", "status")
    require_inputs(given, stored, "iterations", *names)
    known = [] if stored is given else stored.get("iterations") or []
    if known:
        raise NotExpressible
    merged = merge(stored, given)
    ids = [member["iteration_id"] for member in merged.get("iterations") or []]
    return {name: merged.get(name) or "" for name in names} | {"iteration_ids": ids}
