"""The inputs of Zadig's OpenAPI that several job types share: services, variables and repositories.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` and `pkg/types/openapi.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.zadig.client import JsonObject
from adapters.zadig.merging import find_same, merge
from adapters.zadig.models import options_of

FIXED = ("tag", "remote_name", "checkout_path")
"""What the OpenAPI cannot set in a repository that Zadig stores."""
MADE_ANEW = ("tag",)
"""What it cannot set in a repository of a script, which Zadig makes from the input alone."""


class NotExpressible(Exception):
    """The OpenAPI has no input for a value of the plan."""


def require_inputs(given: JsonObject, stored: JsonObject, *inputs: str) -> None:
    """Raise NotExpressible for a value that differs from the stored one and is none of the inputs."""
    if any((value or None) != (stored.get(key) or None) for key, value in given.items() if key not in inputs):
        raise NotExpressible


def required_text(values: JsonObject, key: str) -> str:
    """Return a text that an input must have. Raises NotExpressible when it is missing or empty."""
    text = values.get(key)
    if not isinstance(text, str) or not text:
        raise NotExpressible
    return text


def members(given: JsonObject, stored: JsonObject, key: str) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield each member of a given list, with the member or option that Zadig stores for it.

    Raises NotExpressible when the list is not given: the OpenAPI would empty it.
    """
    if key not in given:
        raise NotExpressible
    known = [*(stored.get(key) or []), *options_of(stored | given, key)]
    yield from ((member, find_same(member, known)) for member in given[key])


def service_input(member: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the input of a service of a build, a test, a scan or a script, but for its repositories."""
    require_inputs(member, stored, "service_name", "service_module", "repos", "key_vals")
    names = merge(stored, member)
    return {
        "service_name": required_text(names, "service_name"),
        "service_module": names.get("service_module") or "",
        "inputs": key_val_inputs(member, stored, "key_vals"),
    }


def key_val_inputs(given: JsonObject, stored: JsonObject, key: str) -> list[JsonObject]:
    """Return the inputs of the variables whose value is given."""
    known = stored.get(key) or []
    pairs = ((variable, find_same(variable, known)) for variable in given.get(key) or [])
    return [one for variable, base in pairs for one in _key_val(variable, base)]


def _key_val(variable: JsonObject, stored: JsonObject) -> Iterator[JsonObject]:
    """Yield the input of a variable, if its value is given; several choices are joined by commas."""
    merged = merge(stored, variable)
    several = merged.get("type") == "multi-select" and "choice_value" in variable
    if merged.get("call_function") != stored.get("call_function"):
        raise NotExpressible
    if several or "value" in variable or "file_id" in variable:
        yield {
            "key": merged["key"],
            "value": ",".join(merged["choice_value"]) if several else merged.get("value") or "",
            "type": merged.get("type") or "",
            "is_credential": bool(merged.get("is_credential")),
            **{key: merged.get(key) or "" for key in ("file_id", "file_name", "file_path")},
        }


def all_repo_inputs(given: JsonObject, stored: JsonObject, fixed: tuple[str, ...]) -> list[JsonObject]:
    """Return the inputs of all repositories; Zadig drops those that are not named, unless none is.

    Raises NotExpressible when it would drop one.
    """
    inputs = repo_inputs(given, stored, fixed)
    known, named = stored.get("repos") or [], given.get("repos") or []
    if named and any(not any(find_same(repo, [one]) for repo in named) for one in known):
        raise NotExpressible
    return inputs


def repo_inputs(given: JsonObject, stored: JsonObject, fixed: tuple[str, ...]) -> list[JsonObject]:
    """Return the inputs of the repositories that are named."""
    known = stored.get("repos") or []
    return [repo_input(repo, find_same(repo, known), fixed) for repo in given.get("repos") or []]


def repo_input(repo: JsonObject, stored: JsonObject, fixed: tuple[str, ...]) -> JsonObject:
    """Return the input of a repository. The alias of its code host is required; a plan may have it or not."""
    merged = merge(stored, repo)
    base: dict[str, Any] = {} if fixed == MADE_ANEW else stored
    if any((merged.get(key) or "") != (base.get(key) or "") for key in fixed):
        raise NotExpressible
    return {
        "codehost_name": required_text(repo, "codehost_name"),
        "repo_namespace": merged.get("repo_namespace") or "",
        "repo_name": required_text(merged, "repo_name"),
        "branch": merged.get("branch") or "",
        "prs": merged.get("prs") or [],
        "enable_commit": bool(merged.get("enable_commit")),
        "commit_id": merged.get("commit_id") or "",
        "remote_name": merged.get("remote_name") or "",
        "checkout_path": merged.get("checkout_path") or "",
    }
