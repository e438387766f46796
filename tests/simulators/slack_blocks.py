"""Block Kit validity: blocks, modals and home tabs. Slack docs: reference/block-kit, reference/views.

`problems` and `view_problems` answer with one line per fault, worded as Slack's `response_metadata.messages`.
Covered are the blocks that an app of texts and controls needs; video, file and call are refused.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from .slack_elements import (
    Accessory,
    ActionElement,
    AnyText,
    ContextElement,
    InputElement,
    PlainText,
    RichTextPreformatted,
    RichTextSection,
    Strict,
    Url,
    distinct_actions,
    refuse,
    short,
)

Surface = Literal["message", "modal", "home"]
VIEW_BYTES = 250_000
MARKDOWN_CHARACTERS = 12_000


class Block(Strict):
    """What every block has."""

    block_id: str | None = Field(None, min_length=1, max_length=255)


class Section(Block):
    """Text, fields, or both, with at most one accessory."""

    type: Literal["section"]
    text: AnyText | None = None
    fields: list[Annotated[AnyText, short(2000)]] | None = Field(None, min_length=1, max_length=10)
    accessory: Accessory | None = None
    expand: bool | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Section:
        if self.text is None and self.fields is None:
            raise refuse("one of `text` and `fields` is required")
        return self


class Header(Block):
    """A large plain line."""

    type: Literal["header"]
    text: Annotated[PlainText, short(150)]


class Actions(Block):
    """A row of interactive elements."""

    type: Literal["actions"]
    elements: Annotated[list[ActionElement], Field(min_length=1, max_length=25), distinct_actions]


class Context(Block):
    """Small images and texts."""

    type: Literal["context"]
    elements: list[ContextElement] = Field(min_length=1, max_length=10)


class RichText(Block):
    """Texts and links with styles as fields, in place of markup."""

    type: Literal["rich_text"]
    elements: list[Annotated[RichTextSection | RichTextPreformatted, Field(discriminator="type")]] = Field(min_length=1)


class Divider(Block):
    """A line; it has no content."""

    type: Literal["divider"]


class Input(Block):
    """A labelled element whose value is sent with the form."""

    type: Literal["input"]
    label: Annotated[PlainText, short(2000)]
    element: InputElement
    hint: Annotated[PlainText, short(2000)] | None = None
    optional: bool | None = None
    dispatch_action: bool | None = None


class ImageBlock(Block):
    """An image with a mandatory description."""

    type: Literal["image"]
    image_url: Url
    alt_text: str = Field(min_length=1, max_length=2000)
    title: Annotated[PlainText, short(2000)] | None = None


class Markdown(Block):
    """Standard Markdown; messages only."""

    type: Literal["markdown"]
    text: str = Field(min_length=1, max_length=MARKDOWN_CHARACTERS)


class RawText(Strict):
    """A table cell."""

    type: Literal["raw_text"]
    text: str


class ColumnSettings(Strict):
    """Alignment of one table column."""

    align: Literal["left", "center", "right"] | None = None
    is_wrapped: bool | None = None


class Table(Block):
    """Rows of plain cells; messages only."""

    type: Literal["table"]
    rows: list[Annotated[list[RawText], Field(min_length=1, max_length=20)]] = Field(min_length=1, max_length=100)
    column_settings: list[ColumnSettings | None] | None = Field(None, max_length=20)


Anywhere = Section | Header | Actions | Context | RichText | Divider | Input | ImageBlock
ViewBlocks = Annotated[list[Annotated[Anywhere, Field(discriminator="type")]], Field(min_length=1, max_length=100)]
MessageBlocks = Annotated[
    list[Annotated[Anywhere | Markdown | Table, Field(discriminator="type")]], Field(min_length=1, max_length=50)
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


def problems(blocks: Any, surface: Surface = "message") -> list[str]:
    """Return what Slack would refuse in `blocks`; an empty list means valid."""
    adapter = _MESSAGE if surface == "message" else _VIEW_BLOCKS
    return _failures(adapter, blocks, "/blocks") + _across_blocks(blocks, "/blocks")


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
    ids = Counter(block["block_id"] for block in objects if isinstance(block.get("block_id"), str))
    found = [
        _line(f"`block_id` must be unique: {name!r} is used more than once", root)
        for name, uses in ids.items()
        if uses > 1
    ]
    if sum(len(str(block.get("text"))) for block in objects if block.get("type") == "markdown") > MARKDOWN_CHARACTERS:
        found.append(_line(f"markdown blocks must be less than {MARKDOWN_CHARACTERS + 1} characters in all", root))
    return found
