"""Credentials of a workflow: find them, mask them, split them off and join them again.

A credential is an object marked `is_credential` (Zadig also has `is_sensitive`), wherever it stands: in parameters,
variables, and specs of job types that Fabu does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.workflow.workflow import Workflow

MASK = "********"

_MARKS = ("is_credential", "is_sensitive")
_SECRET_KEYS = ("value", "choice_value", "choice_option", "choice_options", "default", "script")
_JSON = "json:"
_Place = tuple[dict[str, Any], str, str]


def mask_credentials(workflow: Workflow) -> Workflow:
    """Return the workflow with `MASK` in place of every credential; what is empty stays empty."""
    return split_credentials(workflow)[0]


def credentials(workflow: Workflow) -> list[str]:
    """Return every secret text once, longest first, for the masking of outputs: a secret may contain another one."""
    found = {text for owner, key, _ in _places(workflow.dump_given()) for text in _texts(owner[key])}
    return sorted(found, key=lambda text: (-len(text), text))


def split_credentials(workflow: Workflow) -> tuple[Workflow, dict[str, str]]:
    """Return the masked workflow and its secrets, by the path of each in the workflow's JSON.

    Credentials that are masked already are left out. A secret that is not a text is returned as JSON, with `json:`
    before its path.
    """
    tree = workflow.dump_given()
    secrets: dict[str, str] = {}
    for owner, key, path in list(_places(tree)):
        secret = owner[key]
        if isinstance(secret, str):
            secrets[path] = secret
        else:
            secrets[_JSON + path] = json.dumps(secret, ensure_ascii=False)
        owner[key] = _mask_of(secret)
    return Workflow.model_validate(tree) if secrets else workflow, secrets


def join_credentials(workflow: Workflow, secrets: Mapping[str, str]) -> Workflow:
    """Return the workflow that `split_credentials` split.

    Raises ValueError when a secret has no masked place in this workflow, which then is not the one that was split.
    """
    tree = workflow.dump_given()
    masked = {path: (owner, key) for owner, key, path in _places(tree, masked=True)}
    for path, secret in secrets.items():
        place = masked.get(path.removeprefix(_JSON))
        if place is None:
            raise ValueError(f"the workflow has no masked credential at {path}")
        owner, key = place
        owner[key] = json.loads(secret) if path.startswith(_JSON) else secret
    return Workflow.model_validate(tree)


def restore_masked(workflow: Workflow, stored: Workflow) -> Workflow:
    """Return the workflow with the secrets of `stored` in place of their masks.

    A secret is restored only at the same path under the same name. One that was moved or renamed stays masked, so that
    it does not become the value of something else.
    """
    tree = workflow.dump_given()
    secrets = {(path, _names_of(owner)): owner[key] for owner, key, path in _places(stored.dump_given())}
    for owner, key, path in list(_places(tree, masked=True)):
        owner[key] = secrets.get((path, _names_of(owner)), owner[key])
    return Workflow.model_validate(tree)


def masked_places(workflow: Workflow) -> list[str]:
    """Return the JSON pointers of the credentials that are only masks."""
    return [path for _, _, path in _places(workflow.dump_given(), masked=True)]


def _names_of(owner: Mapping[str, Any]) -> tuple[Any, Any]:
    return owner.get("name"), owner.get("key")


def _mask_of(secret: Any) -> Any:
    return [MASK] if isinstance(secret, list) else MASK


def _places(tree: Any, path: str = "", *, masked: bool = False) -> Iterator[_Place]:
    """Yield owner, key and JSON pointer (RFC 6901) of the credentials that are masked, or of those that are not."""
    if isinstance(tree, list):
        for index, member in enumerate(tree):
            yield from _places(member, f"{path}/{index}", masked=masked)
    elif isinstance(tree, dict):
        secret = any(map(_is_set, map(tree.get, _MARKS)))
        for key, member in tree.items():
            hidden = secret and key in _SECRET_KEYS
            if not (hidden or isinstance(member, list | dict)):
                continue  # most members are plain values, and building a path is slow
            here = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if not hidden:
                yield from _places(member, here, masked=masked)
            elif member not in (None, "", [], {}) and (member == _mask_of(member)) is masked:
                yield tree, key, here


def _is_set(mark: Any) -> bool:
    """Return whether a mark is set. Unknown specs are not validated: a number or a text may stand for a flag."""
    return bool(mark) and str(mark).lower() != "false"


def _texts(secret: Any) -> Iterator[str]:
    if isinstance(secret, dict):
        secret = list(secret.values())
    if isinstance(secret, list):
        for member in secret:
            yield from _texts(member)
    elif isinstance(secret, str | int | float) and not isinstance(secret, bool) and secret != "":
        yield str(secret)
