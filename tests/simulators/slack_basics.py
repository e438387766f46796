"""The blocks of Block Kit that every workspace takes. Slack docs: reference/block-kit/blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .slack_elements import (
    Accessory,
    ActionElement,
    AnyText,
    ContextElement,
    InputElement,
    PlainText,
    RichTextList,
    RichTextPreformatted,
    RichTextSection,
    Strict,
    Url,
    distinct_actions,
    refuse,
    short,
)

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
    elements: list[Annotated[RichTextSection | RichTextList | RichTextPreformatted, Field(discriminator="type")]] = (
        Field(min_length=1)
    )


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
