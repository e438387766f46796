"""Merges the values of a plan into what Zadig stores.

What Zadig stores has fields that a plan has not (build settings, access to repositories), so a value of the plan
replaces no object, but only the fields that are given in it. A field that is given empty is cleared.
"""

from __future__ import annotations

from adapters.zadig.client import JsonObject
from adapters.zadig.models import options_of

_IDENTITY = (
    ("service_name", "service_module"),
    ("data_id", "group", "namespace_id"),
    ("appID", "clusterID", "env", "namespace"),
    ("repo_name", "repo_namespace"),
    ("service_module",),
    ("target",),
    ("k8s_service_name",),
    ("resource_name", "resource_kind", "resource_group", "resource_version"),
    ("workload_name",),
    ("iteration_id",),
    ("key",),
    ("name",),
)
"""The keys that identify the members of a list. The first group whose first key a member has is used."""

_KEPT = frozenset({"envs", "key_vals", "repos", "inputs", "params"})
"""Lists whose other members are kept, as Zadig does. The other lists have only the members that the plan names."""


def merge(stored: JsonObject, given: JsonObject) -> JsonObject:
    """Return `stored` with the values of `given` (`Wire.dump_given`); null is no value."""
    result = stored | _pin(given)
    for key, value in given.items():
        if isinstance(value, dict):
            result[key] = merge(stored.get(key) or {}, value)
        elif isinstance(value, list) and (key in _KEPT or any(isinstance(member, dict) for member in value)):
            present = stored.get(key) or []
            bases = [find_same(member, [*present, *options_of(stored | given, key)]) for member in value]
            merged = [merge(base, member) for base, member in zip(bases, value, strict=True)]
            result[key] = merged + [one for one in present if key in _KEPT and not any(one is base for base in bases)]
        elif value is not None:
            result[key] = value
    return result


def find_same(member: JsonObject, known: list[JsonObject]) -> JsonObject:
    """Return the first object in `known` with the identity of `member`; empty when there is none."""
    keys = _keys_of(member)
    return next((other for other in known if keys and all(other.get(key) == member[key] for key in keys)), {})


def identity_of(member: JsonObject) -> str:
    """Return what a member of a list is called by its identity, such as `orders/api`."""
    return "/".join(str(member[key]) for key in _keys_of(member))


def _keys_of(member: JsonObject) -> list[str]:
    """Return the keys that identify a member of a list; none where it has no identity."""
    group = next((keys for keys in _IDENTITY if member.get(keys[0])), ())
    return [key for key in group if member.get(key)]


def _pin(repo: JsonObject) -> JsonObject:
    """Return what a given commit of a repository sets besides, unless that is given too.

    Zadig checks the commit out only with `enable_commit`, and never where there is a tag (`pkg/types/repo.go`, `Ref`).
    """
    if repo.get("commit_id") is None:
        return {}
    return {"enable_commit": True, "tag": ""} if repo["commit_id"] else {"enable_commit": False}
