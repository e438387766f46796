"""The templates of pages, which escape every value.

It is imported on a thread, for the first page: with what it loads, that takes 0.1 s and 2 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.richtext import markdown, to_html
from core.text import reveal_invisible
from core.workflow import Workflow, mask_credentials


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that scripts are read as they are written."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
_Dumper.add_multi_representer(StrEnum, lambda dumper, value: dumper.represent_str(value.value))


def kind_of(value: object) -> str:
    """Return what sort of part of a card a value is: `Code`, `Link`, `Excerpt`."""
    return type(value).__name__


def show_whole(spec: Mapping[str, Any]) -> str:
    """Return all that a workflow says as YAML, without credentials; invisible characters are revealed."""
    masked = mask_credentials(Workflow.model_validate(spec)).dump_given()
    return reveal_invisible(yaml.dump(masked, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000))


markdown()  # on this thread, not when the first page has rich text
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"rich": to_html, "kind": kind_of, "whole": show_whole}
