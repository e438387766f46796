"""Block Kit validity of messages, modals and home tabs. Slack docs: reference/block-kit, reference/views.

`problems` and `view_problems` answer with one line per fault, worded as Slack's `response_metadata.messages`.
Covered are the blocks that an app of texts and controls needs; video, file and call are refused.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from .slack_basics import (
    MARKDOWN_CHARACTERS,
    Actions,
    Context,
    Divider,
    Header,
    ImageBlock,
    Input,
    Markdown,
    RichText,
    Section,
    Table,
)
from .slack_elements import PlainText, Strict, refuse, short
from .slack_newest import CELL_CHARACTERS, TYPES, Container, DataTable, Plan, Task, characters_of_cells

Surface = Literal["message", "modal", "home"]
VIEW_BYTES = 250_000
MESSAGE_BLOCKS = 50


Anywhere = Section | Header | Actions | Context | RichText | Divider | Input | ImageBlock
ViewBlocks = Annotated[list[Annotated[Anywhere, Field(discriminator="type")]], Field(min_length=1, max_length=100)]
InMessages = Anywhere | Markdown | Table | Plan | Task | DataTable | Container
MessageBlocks = Annotated[
    list[Annotated[InMessages, Field(discriminator="type")]], Field(min_length=1, max_length=MESSAGE_BLOCKS)
]


class View(Strict):
    """What modals and home tabs share."""

    blocks: ViewBlocks
    private_metadata: str | None = Field(None, max_length=3000)
    callback_id: str | None = Field(None, max_length=255)
    external_id: str | None = Field(None, max_length=255)


class Modal(View):
    """A dialog; with inputs it needs a submit button."""

    type: Literal["modal"]
    title: Annotated[PlainText, short(24)]
    submit: Annotated[PlainText, short(24)] | None = None
    close: Annotated[PlainText, short(24)] | None = None
    clear_on_close: bool | None = None
    notify_on_close: bool | None = None
    submit_disabled: bool | None = None

    @model_validator(mode="after")
    def _inputs_need_submit(self) -> Modal:
        if self.submit is None and any(isinstance(block, Input) for block in self.blocks):
            raise refuse("`submit` is required when an `input` is within the blocks array")
        return self


class Home(View):
    """The app's home tab of one user."""

    type: Literal["home"]


_MESSAGE: TypeAdapter[Any] = TypeAdapter(MessageBlocks)
_VIEW_BLOCKS: TypeAdapter[Any] = TypeAdapter(ViewBlocks)
_VIEWS: dict[str, TypeAdapter[Any]] = {"modal": TypeAdapter(Modal), "home": TypeAdapter(Home)}


def problems(blocks: Any, surface: Surface = "message", *, newest: bool = True) -> list[str]:
    """Return what Slack would refuse in `blocks`; an empty list means valid.

    Without `newest` the workspace does not have the newest blocks yet.
    """
    adapter = _MESSAGE if surface == "message" else _VIEW_BLOCKS
    found = _failures(adapter, blocks, "/blocks") + _across_blocks(blocks, "/blocks")
    if not newest and isinstance(blocks, list):
        kinds = [(at, block.get("type")) for at, block in enumerate(blocks) if isinstance(block, dict)]
        found += [_line(f"unsupported type: {kind}", f"/blocks/{at}/type") for at, kind in kinds if kind in TYPES]
    return found


def view_problems(view: Any, kind: Literal["modal", "home"] | None = None) -> list[str]:
    """Return what Slack would refuse in a whole view, which must be of `kind` where that is given."""
    if not isinstance(view, dict):
        return [_line("must be an object", "/view")]
    declared = view.get("type")
    if declared not in _VIEWS or kind not in (None, declared):
        return [_line(f"must be a {kind or 'modal or home'} view", "/view/type")]
    found = _failures(_VIEWS[declared], view, "/view") + _across_blocks(view.get("blocks"), "/view/blocks")
    if view_too_large(view):
        found.append(_line(f"must be at most {VIEW_BYTES} bytes of JSON", "/view"))
    return found


def view_too_large(view: Any) -> bool:
    """Return whether the view's compact JSON is over 250 KB, for which views.* has an error of its own."""
    return len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode()) > VIEW_BYTES


def _line(message: str, pointer: str) -> str:
    return f"[ERROR] {message} [json-pointer:{pointer}]"


def _failures(adapter: TypeAdapter[Any], value: Any, root: str) -> list[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return [_worded(e["type"], e["loc"], e["msg"], value, root) for e in error.errors(include_url=False)]
    return []


def _worded(kind: str, loc: tuple[int | str, ...], message: str, value: Any, root: str) -> str:
    if kind == "missing":
        return _line(f"missing required field: {loc[-1]}", root + _pointer(loc[:-1], value))
    if kind == "extra_forbidden":
        return _line(f"no more than the known fields are allowed: {loc[-1]}", root + _pointer(loc[:-1], value))
    return _line(message, root + _pointer(loc, value))


def _pointer(loc: tuple[int | str, ...], value: Any) -> str:
    """Follow a pydantic location through the data; union tags in it are no part of the data and are left out."""
    steps = ""
    for part in loc:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]  # type: ignore[index]
            steps += f"/{part}"
    return steps


def _across_blocks(blocks: Any, root: str) -> list[str]:
    """Check what only all blocks together show: unique block_ids, and the Markdown budget of one payload."""
    objects = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    children = [child for block in objects for child in _children(block)]
    ids = Counter(block["block_id"] for block in objects + children if isinstance(block.get("block_id"), str))
    found = [
        _line(f"`block_id` must be unique: {name!r} is used more than once", root)
        for name, uses in ids.items()
        if uses > 1
    ]
    if sum(len(str(block.get("text"))) for block in objects if block.get("type") == "markdown") > MARKDOWN_CHARACTERS:
        found.append(_line(f"markdown blocks must be less than {MARKDOWN_CHARACTERS + 1} characters in all", root))
    if children and len(objects) + len(children) > MESSAGE_BLOCKS:
        found.append(_line(f"no more than {MESSAGE_BLOCKS} blocks are allowed, those in containers included", root))
    tables = [block for block in objects + children if block.get("type") in ("table", "data_table")]
    if len(tables) > 1:
        found.append(_line("only one table is allowed", root))
    if characters_of_cells(tables) > CELL_CHARACTERS:
        found.append(_line(f"the cells of tables must be less than {CELL_CHARACTERS + 1} characters in all", root))
    kinds = [block.get("type") for block in objects]
    if kinds.count("plan") > 1 or {"plan", "task_card"} <= set(kinds):
        found.append(_line("a plan stands alone, without other plans and loose tasks", root))
    return found


def _children(block: dict[str, Any]) -> list[dict[str, Any]]:
    children = block.get("child_blocks")
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []
