"""Plan files: reads YAML and JSON, writes YAML that can be read again, and compares a file with a plan.

A file has the keys of `POST /plans`. A top-level `number` names the plan that the file changes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from bot.cli.failure import ExitCode, Failure
from bot.problems import problems_in
from core.differences import Difference, differences
from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft, WindowDraft, WorkflowItemDraft
from core.text import map_invisible, reveal_invisible
from core.workflow import credentials

Json = dict[str, Any]

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Loads YAML as JSON is loaded: times stay texts, and a key that comes twice is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class declares it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping as it is written, before merge keys (`<<: *base`) add to it what its own keys may replace.

        Raises ComposerError when a key comes twice.
        """
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value]
        if twice := [key for index, key in enumerate(keys) if key in keys[:index]]:
            raise yaml.composer.ComposerError(None, None, f"the key {twice[0]} comes twice", node.start_mark)
        return node


def read_plan(path: Path) -> tuple[Json, str]:
    """Return the document of a plan file, and the number in it or an empty text; `-` is the standard input.

    Raises Failure that lists every mistake in the file itself. What depends on people and runners, the server checks.
    """
    document = _parse(path)
    if not isinstance(document, dict):
        raise Failure(f"{path} holds no plan: write keys such as name and items at the top.", ExitCode.MISUSED)
    number = str(document.pop("number", "") or "")
    try:
        PlanDraft.model_validate(document if not number else {"name": "unchanged", **document})
    except ValidationError as error:
        problems = "\n".join(f"  • {problem}" for problem in problems_in(error, document))
        raise Failure(f"{path} is not a plan yet:\n{problems}", ExitCode.MISUSED) from None
    if window := document.get("window"):
        document["window"] = {"start": None, "end": None, **window}  # what a file leaves out, the plan does not have
    return document, number


def _parse(path: Path) -> Any:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", ExitCode.MISUSED) from None
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8 text: save it as UTF-8.", ExitCode.MISUSED) from None
    except json.JSONDecodeError as error:
        raise Failure(f"{path} is not JSON: {error}.", ExitCode.MISUSED) from None
    except yaml.YAMLError as error:
        mark, what = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Failure(f"{path} is not YAML{place}: {what}.", ExitCode.MISUSED) from None


def changes(document: Json, answer: Json) -> list[Difference]:
    """Return where a file differs from a plan as the API answers it, in the fields that the file has.

    The answer masks credentials, so a changed credential alone is not found: see `holds_credentials`.
    """
    plan = plan_keys(answer)
    before, after = (_normalize(each) for each in (plan, {**plan, **document}))
    return list(differences({name: before[name] for name in document}, {name: after[name] for name in document}))


def holds_credentials(document: Json) -> bool:
    """Return whether a file holds a credential that is not only a mask. Only the server can compare it."""
    items = PlanDraft.model_validate({"name": "unchanged", "items": document.get("items") or ()}).items
    return any(credentials(item.workflow) for item in items if isinstance(item, WorkflowItemDraft))


def _normalize(content: Json) -> Json:
    return PlanDraft.model_validate(content).mask_credentials().model_dump(mode="json")


def plan_keys(answer: Json) -> Json:
    """Return the part of an API answer that a plan file may hold: no stages of policies, which are not the author's."""
    plan = _pick(answer, PlanDraft)
    plan["window"] = _pick(answer["window"], WindowDraft)
    plan["approval"] = _pick(answer["approval"], ApprovalDraft)
    plan["approval"]["stages"] = [
        _pick(stage, StageDraft) for stage in answer["approval"]["stages"] if not stage.get("policy")
    ]
    kinds: Mapping[str, type[BaseModel]] = {"text": TextItemDraft, "workflow": WorkflowItemDraft}
    plan["items"] = [_pick(item, kinds[item["type"]]) for item in answer["items"]]
    return plan


def _pick(values: Json, model: type[BaseModel]) -> Json:
    return {name: values[name] for name in model.model_fields if values.get(name) is not None}


def as_yaml(answer: Json) -> str:
    """Return a plan as YAML that `fabu plan apply` reads; what is empty is left out, except in workflows.

    Invisible characters, which could control a terminal, are escapes.
    """
    plan = plan_keys(answer)
    document = {"number": answer["number"], **_tidy(plan)}
    written = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False)
    return map_invisible(written, lambda character: f"\\U{ord(character):08x}")


class _Dumper(yaml.SafeDumper):
    """Writes texts with invisible characters in quotes, where escapes are possible."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text == reveal_invisible(text) else '"'
    ),
)


def _tidy(value: Any) -> Any:
    if isinstance(value, dict):
        tidied = {name: member if name == "workflow" else _tidy(member) for name, member in value.items()}
        return {name: member for name, member in tidied.items() if member not in (None, "", [], {})}
    return [_tidy(member) for member in value] if isinstance(value, list) else value
