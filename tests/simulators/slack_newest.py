"""The blocks that Slack enables one workspace after the other: plans, data tables and containers; messages only.

Slack docs: reference/block-kit/blocks (plan, task card, data table, container). Where no limit is documented, the
simulator has one that nothing near it is known to break.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .slack_basics import (
    Actions,
    Block,
    Context,
    Divider,
    Header,
    ImageBlock,
    Input,
    RawText,
    RichText,
    Section,
    Table,
)
from .slack_elements import PlainText, Strict, Url, refuse, short

TYPES = frozenset({"plan", "task_card", "data_table", "container"})
CELL_CHARACTERS = 10_000


class Source(Strict):
    """A page that a task refers to."""

    type: Literal["url"]
    url: Url
    text: str = Field(min_length=1)


class Task(Block):
    """A task of a plan. It has no buttons, and its title is a string."""

    type: Literal["task_card"]
    task_id: str = Field(min_length=1, max_length=255)
    title: str = Field(min_length=1, max_length=150)
    status: Literal["pending", "in_progress", "complete", "error"]
    details: RichText | None = None
    output: RichText | None = None
    sources: list[Source] | None = Field(None, min_length=1)


class Plan(Block):
    """Tasks with a title, which is a string."""

    type: Literal["plan"]
    title: str = Field(min_length=1, max_length=150)
    tasks: list[Task] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _distinct(self) -> Plan:
        if len({task.task_id for task in self.tasks}) < len(self.tasks):
            raise refuse("`task_id` must be unique")
        return self


class RawNumber(Strict):
    """A cell that is sorted as a number."""

    type: Literal["raw_number"]
    value: float
    text: str | None = Field(None, min_length=1)


class RichCell(Strict):
    """A cell with styles and links."""

    type: Literal["rich_text"]
    elements: list[Any] = Field(min_length=1)


class FullText(RawText):
    """A cell of a data table, which is not empty."""

    text: str = Field(min_length=1)


Cells = Annotated[
    list[Annotated[FullText | RawNumber | RichCell, Field(discriminator="type")]], Field(min_length=1, max_length=20)
]


class DataTable(Block):
    """A header and 1 to 100 rows that people sort, filter and page."""

    type: Literal["data_table"]
    caption: str = Field(min_length=1)
    rows: list[Cells] = Field(min_length=2, max_length=101)
    page_size: int | None = Field(None, ge=1, le=100)
    row_header_column_index: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _is_even(self) -> DataTable:
        header, *rows = self.rows
        if any(len(row) != len(header) for row in rows):
            raise refuse("all rows must have the same length")
        if any(cell.type == "rich_text" for cell in header):
            raise refuse("header cells must not be rich_text")
        if (self.row_header_column_index or 0) >= len(header):
            raise refuse("`row_header_column_index` must be a column")
        return self


Child = Section | Header | Actions | Context | RichText | Divider | Input | ImageBlock | Table


class Container(Block):
    """Blocks that people open and close."""

    type: Literal["container"]
    title: Annotated[PlainText, short(150)] | None = None
    rich_text_title: RichText | None = None
    subtitle: Annotated[PlainText, short(150)] | None = None
    child_blocks: list[Annotated[Child, Field(discriminator="type")]] = Field(min_length=1, max_length=10)
    width: Literal["narrow", "standard", "wide", "full"] | None = None
    is_collapsible: bool | None = None
    default_collapsed: bool | None = None
    has_header_divider: bool | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Container:
        if self.title is None and self.rich_text_title is None:
            raise refuse("one of `title` and `rich_text_title` is required")
        if self.default_collapsed and not self.is_collapsible:
            raise refuse("`default_collapsed` requires `is_collapsible`")
        if self.is_collapsible and self.has_header_divider:
            raise refuse("`has_header_divider` cannot be set when `is_collapsible` is true")
        return self


def characters(node: Any) -> int:
    """Return the number of characters that people read in blocks."""
    if isinstance(node, list):
        return sum(map(characters, node))
    if not isinstance(node, dict):
        return 0
    own = [node[key] for key in ("text", "title", "caption") if isinstance(node.get(key), str)]
    return sum(map(len, own)) + sum(map(characters, node.values()))


def characters_of_cells(blocks: list[Any]) -> int:
    """Return the number of characters of the cells of all tables."""
    tables = [block for block in blocks if isinstance(block, dict) and block.get("type") in ("table", "data_table")]
    return sum(characters(table.get("rows")) for table in tables)
