"""Models of Feishu cards, JSON 2.0: the components that Fabu uses, with their properties and limits.

Feishu docs, "Card JSON 2.0 structure" and its component pages. Schema 2.0 refuses unknown tags and properties, and so
do these models; a component without a model here is unknown, too. `validate` checks the rules that involve several
components: counts, unique names, nesting.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Align = Literal["left", "center", "right"]
VerticalAlign = Literal["top", "center", "bottom"]
Direction = Literal["vertical", "horizontal"]
Length = Annotated[str, Field(pattern=r"^[a-z0-9_ %-]+$")]  # "8px", "4px 8px", "medium"
Name = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(min_length=1)]
Color = Literal[
    "neutral", "blue", "turquoise", "lime", "orange", "violet", "indigo",
    "wathet", "green", "yellow", "red", "purple", "carmine",
]  # fmt: skip


class Strict(BaseModel):
    """A JSON object with exactly these properties, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Text(Strict):
    """A text; `plain_text` is rendered literally."""

    tag: Literal["plain_text", "lark_md"]
    content: str
    i18n_content: dict[str, str] | None = None


class StyledText(Text):
    """A text with a size, a colour and a maximum number of lines."""

    text_size: str | None = None
    text_align: Align | None = None
    text_color: str | None = None
    lines: int | None = Field(None, ge=1)


class PlainText(Text):
    """A text without markup."""

    tag: Literal["plain_text"]


class ShortText(PlainText):
    """The text of a button, or the placeholder of an input."""

    content: str = Field(max_length=100)


class MarkdownTitle(Strict):
    """The title of a collapsible panel, which may be Markdown."""

    tag: Literal["markdown", "plain_text"]
    content: str


class Icon(Strict):
    """An icon of Feishu's own library."""

    tag: Literal["standard_icon"]
    token: str
    color: str | None = None
    size: str | None = None


class Callback(Strict):
    """The behavior that sends `value` to the app."""

    type: Literal["callback"]
    value: dict[str, Any] | str


class OpenUrl(Strict):
    """The behavior that opens a URL."""

    type: Literal["open_url"]
    default_url: Url
    android_url: str | None = None
    ios_url: str | None = None
    pc_url: str | None = None


Behaviors = list[Annotated[Callback | OpenUrl, Field(discriminator="type")]]


class Confirm(Strict):
    """The confirmation dialog of a component."""

    title: PlainText
    text: PlainText


class Component(Strict):
    """The base of all components."""

    element_id: str | None = Field(None, max_length=20, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    margin: Length | None = None


class Interactive(Component):
    """The base of the components that people interact with."""

    name: Name | None = None
    disabled: bool | None = None
    confirm: Confirm | None = None
    behaviors: Behaviors | None = None
    width: Length | None = None


class Entry(Interactive):
    """The base of inputs and selects; `required` is allowed inside a form only."""

    required: bool | None = None
    placeholder: ShortText | None = None


class Layout(Component):
    """The base of all containers."""

    direction: Direction | None = None
    horizontal_spacing: Length | None = None
    horizontal_align: Align | None = None
    vertical_spacing: Length | None = None
    vertical_align: VerticalAlign | None = None
    padding: Length | None = None


class Div(Component):
    """A line or paragraph of text."""

    tag: Literal["div"]
    text: StyledText
    icon: Icon | None = None
    width: Length | None = None


class Markdown(Component):
    """Rich text."""

    tag: Literal["markdown"]
    content: str
    text_size: str | None = None
    text_align: Align | None = None
    icon: Icon | None = None


class Rule(Component):
    """A dividing line."""

    tag: Literal["hr"]


class Button(Interactive):
    """A button; `form_action_type` makes it submit or reset the form around it."""

    tag: Literal["button"]
    text: ShortText
    type: (
        Literal[
            "default",
            "primary",
            "danger",
            "text",
            "primary_text",
            "danger_text",
            "primary_filled",
            "danger_filled",
            "laser",
        ]
        | None
    ) = None
    size: Literal["tiny", "small", "medium", "large"] | None = None
    icon: Icon | None = None
    hover_tips: PlainText | None = None
    disabled_tips: PlainText | None = None
    form_action_type: Literal["submit", "reset"] | None = None


class Input(Entry):
    """A text field."""

    tag: Literal["input"]
    disabled_tips: PlainText | None = None
    default_value: str | None = None
    max_length: int | None = Field(None, ge=1, le=1000)
    input_type: Literal["text", "multiline_text", "password"] | None = None
    rows: int | None = Field(None, ge=1)
    max_rows: int | None = Field(None, ge=1)
    auto_resize: bool | None = None
    label: PlainText | None = None
    label_position: Literal["top", "left"] | None = None


class Option(Strict):
    """One option of a select."""

    text: PlainText
    value: str


class Select(Entry):
    """A drop-down list with one choice."""

    tag: Literal["select_static"]
    type: Literal["default", "text"] | None = None
    options: list[Option] = Field(min_length=1)
    initial_option: str | None = None


class TableOption(Strict):
    """A coloured label in a cell of a table."""

    text: Annotated[str, Field(min_length=1)]
    color: Color


class TableHeader(Strict):
    """The look of the names of the columns."""

    text_align: Align | None = None
    text_size: Literal["normal", "heading"] | None = None
    background_style: Literal["grey", "none"] | None = None
    text_color: Literal["default", "grey"] | None = None
    bold: bool | None = None
    lines: int | None = Field(None, ge=1)


class TableColumn(Strict):
    """One column of a table; `data_type` is that of its cells, which `validate` checks."""

    name: Name
    display_name: str | None = None
    data_type: Literal["text", "lark_md", "markdown", "options", "number", "persons", "date"]
    width: Annotated[str, Field(pattern=r"^(auto|([89][0-9]|[1-5][0-9]{2}|600)px|[0-9]{1,3}%)$")] | None = None
    horizontal_align: Align | None = None
    vertical_align: VerticalAlign | None = None


class Table(Component):
    """A table with pages. Allowed at the root of a card only."""

    tag: Literal["table"]
    columns: list[TableColumn] = Field(min_length=1, max_length=50)
    rows: list[dict[str, Any]]
    page_size: int | None = Field(None, ge=1, le=10)
    row_height: Literal["low", "middle", "high", "auto"] | None = None
    freeze_first_column: bool | None = None
    header_style: TableHeader | None = None


class Column(Layout):
    """One column of a column set; `weight` divides the width among columns of width `weighted`."""

    tag: Literal["column"]
    elements: list[Nested]
    background_style: str | None = None
    width: Length | None = None
    weight: int | None = Field(None, ge=1, le=5)


class ColumnSet(Component):
    """Columns side by side. A row of buttons is a column set, too."""

    tag: Literal["column_set"]
    columns: list[Column] = Field(min_length=1)
    flex_mode: Literal["none", "stretch", "flow", "bisect", "trisect"] | None = None
    background_style: str | None = None
    horizontal_spacing: Length | None = None
    horizontal_align: Align | None = None


class PanelHeader(Strict):
    """The part of a collapsible panel that is always visible."""

    title: MarkdownTitle
    width: Literal["fill", "auto", "auto_when_fold"] | None = None
    background_color: str | None = None
    vertical_align: VerticalAlign | None = None
    padding: Length | None = None
    icon: Icon | None = None
    icon_position: Literal["left", "right", "follow_text"] | None = None
    icon_expanded_angle: Literal[-180, -90, 90, 180] | None = None


class PanelBorder(Strict):
    """The border of a collapsible panel."""

    color: str | None = None
    corner_radius: Length | None = None


class Panel(Layout):
    """A collapsible panel: its content is hidden until somebody expands it."""

    tag: Literal["collapsible_panel"]
    header: PanelHeader
    elements: list[Nested]
    expanded: bool | None = None
    background_color: str | None = None
    border: PanelBorder | None = None


class Form(Layout):
    """A form: its submit buttons send the values of all its fields. Allowed at the root of a card only."""

    tag: Literal["form"]
    name: Name
    elements: list[Nested] = Field(min_length=1)


Leaf = Div | Markdown | Rule | Button | Input | Select
Nested = Annotated[Leaf | ColumnSet | Panel, Field(discriminator="tag")]
Root = Annotated[Leaf | ColumnSet | Panel | Form | Table, Field(discriminator="tag")]


class TextTag(Strict):
    """A coloured label beside the title."""

    tag: Literal["text_tag"]
    text: PlainText
    color: Color | None = None


class Header(Strict):
    """The coloured bar at the top."""

    title: Text
    subtitle: Text | None = None
    template: (
        Literal[
            "blue",
            "wathet",
            "turquoise",
            "green",
            "yellow",
            "orange",
            "red",
            "carmine",
            "violet",
            "purple",
            "indigo",
            "grey",
            "default",
        ]
        | None
    ) = None
    text_tag_list: list[TextTag] | None = Field(None, max_length=3)
    icon: Icon | None = None
    padding: Length | None = None


class Summary(Strict):
    """The text of the card in the list of chats."""

    content: str
    i18n_content: dict[str, str] | None = None


class Config(Strict):
    """The configuration of a card; `update_multi` is required for updates."""

    update_multi: Literal[True]
    enable_forward: bool | None = None
    enable_forward_interaction: bool | None = None
    width_mode: Literal["compact", "fill", "default"] | None = None
    streaming_mode: bool | None = None
    summary: Summary | None = None


class CardLink(Strict):
    """The URL that a click on the card opens."""

    url: Url
    android_url: str | None = None
    ios_url: str | None = None
    pc_url: str | None = None


class Body(Layout):
    """The content below the header."""

    elements: list[Root] = Field(min_length=1)


class Card(Strict):
    """A whole card."""

    schema_: Literal["2.0"] = Field(alias="schema")
    config: Config
    card_link: CardLink | None = None
    header: Header | None = None
    body: Body
