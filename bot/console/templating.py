"""The templates of pages, which escape every value.

It is imported on a thread, for the first page: with what it loads, that takes 0.1 s and 2 MB.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.cards.values import write_workflow
from bot.richtext import markdown, to_html


def kind_of(value: object) -> str:
    """Return what sort of part of a card a value is: `Code`, `Link`, `Excerpt`."""
    return type(value).__name__


markdown()  # on this thread, not when the first page has rich text
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"rich": to_html, "kind": kind_of, "whole": write_workflow}
