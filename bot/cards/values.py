"""Values inside a plan as text: short ones in a line, long ones and their differences by lines. Nothing is cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import unified_diff
from enum import StrEnum
from typing import Any

import yaml

from core.text import reveal_invisible
from core.workflow import Workflow, mask_credentials

_LONG = 120
"""From how many characters on a value is shown in lines of its own."""
_NOTHING = "∅"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
_Dumper.add_multi_representer(StrEnum, lambda dumper, value: dumper.represent_str(value.value))


def is_short(value: Any) -> bool:
    """Return whether a value can be shown in a line."""
    return len(write_in_line(value)) <= _LONG and not (isinstance(value, str) and "\n" in value)


def write_in_line(value: Any) -> str:
    """Return a value as JSON in one line, with invisible characters revealed; of nothing a sign for it."""
    return _NOTHING if value in (None, [], {}) else reveal_invisible(json.dumps(value, ensure_ascii=False))


def compare_lines(before: Any, after: Any, context: int = 3) -> list[str]:
    """Return the unified diff of two values without its header, with invisible characters revealed."""
    lines = unified_diff(_lines(before), _lines(after), lineterm="", n=context)
    return [reveal_invisible(line) for line in list(lines)[2:]]


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split("\n")
    return write_yaml(value).splitlines()


def write_workflow(spec: Mapping[str, Any]) -> str:
    """Return all that a workflow says as YAML, without credentials; invisible characters are revealed."""
    return reveal_invisible(write_yaml(mask_credentials(Workflow.model_validate(spec)).dump_given()))


def write_yaml(value: Any) -> str:
    """Return a value as YAML in which scripts are read as they are written; invisible characters are kept."""
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=float("inf"))
    return text
