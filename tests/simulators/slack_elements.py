"""Block Kit objects and interactive elements as strict models. Slack docs: reference/block-kit (block-elements)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def refuse(message: str) -> PydanticCustomError:
    """Return the error that a model raises for a rule which no field type expresses."""
    return PydanticCustomError("block_kit", message.replace("{", "{{").replace("}", "}}"))


class Strict(BaseModel):
    """No coercion, no unknown field."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PlainText(Strict):
    """A `plain_text` object."""

    type: Literal["plain_text"]
    text: str = Field(min_length=1, max_length=3000)
    emoji: bool | None = None


class Mrkdwn(Strict):
    """A `mrkdwn` object."""

    type: Literal["mrkdwn"]
    text: str = Field(min_length=1, max_length=3000)
    verbatim: bool | None = None


AnyText = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]


def short(limit: int) -> AfterValidator:
    """Bound the characters of a text object."""

    def check(text: Any) -> Any:
        if len(text.text) > limit:
            raise refuse(f"must be less than {limit + 1} characters")
        return text

    return AfterValidator(check)


def _web_address(value: str) -> str:
    if not value.lower().startswith(("http://", "https://")):
        raise refuse("must be a valid http or https url")
    return value


def _distinct(key: Callable[[Any], str | None], name: str) -> AfterValidator:
    def check(items: list[Any]) -> list[Any]:
        keys = [key(item) for item in items if key(item) is not None]
        for repeated in sorted({k for k in keys if k is not None and keys.count(k) > 1}):
            raise refuse(f"`{name}` must be unique: {repeated!r} is used more than once")
        return items

    return AfterValidator(check)


Url = Annotated[str, Field(min_length=1, max_length=3000), AfterValidator(_web_address)]
ActionId = Annotated[str, Field(min_length=1, max_length=255)]
Placeholder = Annotated[PlainText, short(150)]
distinct_actions = _distinct(lambda element: getattr(element, "action_id", None), "action_id")


class TextStyle(Strict):
    """How a part of a rich_text is emphasized."""

    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    code: bool | None = None


class RichTextPart(Strict):
    """A text of a rich_text block, which is shown to the letter."""

    type: Literal["text"]
    text: str = Field(min_length=1)
    style: TextStyle | None = None


class RichTextLink(Strict):
    """A link of a rich_text block; without a text, its URL is shown."""

    type: Literal["link"]
    url: Url
    text: str | None = Field(None, min_length=1)
    style: TextStyle | None = None


class RichTextDate(Strict):
    """A moment of a rich_text block, which each reader sees in their own time zone."""

    type: Literal["date"]
    timestamp: int = Field(ge=1_000_000_000, le=9_999_999_999)
    format: str = Field(min_length=1)
    fallback: str | None = Field(None, min_length=1)
    url: Url | None = None
    style: TextStyle | None = None


class RichTextUser(Strict):
    """A mention of a rich_text block, which notifies the user."""

    type: Literal["user"]
    user_id: str = Field(pattern=r"^[UW][A-Z0-9]+$")
    style: TextStyle | None = None


class RichTextSection(Strict):
    """A paragraph or quotation of a rich_text block."""

    type: Literal["rich_text_section", "rich_text_quote"]
    elements: list[
        Annotated[RichTextPart | RichTextLink | RichTextDate | RichTextUser, Field(discriminator="type")]
    ] = Field(min_length=1)


class RichTextPreformatted(Strict):
    """Lines of a rich_text block to the letter; only texts and links may stand in them."""

    type: Literal["rich_text_preformatted"]
    elements: list[Annotated[RichTextPart | RichTextLink, Field(discriminator="type")]] = Field(min_length=1)


class RichTextList(Strict):
    """A list of paragraphs of a rich_text block."""

    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    elements: list[RichTextSection] = Field(min_length=1)
    indent: int | None = Field(None, ge=0, le=8)
    offset: int | None = Field(None, ge=0)
    border: int | None = Field(None, ge=0, le=1)


class Confirm(Strict):
    """A confirmation dialog."""

    title: Annotated[PlainText, short(100)]
    text: Annotated[AnyText, short(300)]
    confirm: Annotated[PlainText, short(30)]
    deny: Annotated[PlainText, short(30)]
    style: Literal["primary", "danger"] | None = None


class Option(Strict):
    """One option of checkboxes, radio buttons and (with plain text) overflow menus."""

    text: Annotated[AnyText, short(75)]
    value: str = Field(min_length=1, max_length=150)
    description: Annotated[AnyText, short(75)] | None = None


class MenuOption(Strict):
    """One option of a select menu: its value is held to 75 characters, the stricter of two documented limits."""

    text: Annotated[PlainText, short(75)]
    value: str = Field(min_length=1, max_length=75)
    description: Annotated[PlainText, short(75)] | None = None


class OverflowOption(Strict):
    """One option of an overflow menu, which alone may carry a url."""

    text: Annotated[PlainText, short(75)]
    value: str = Field(min_length=1, max_length=150)
    description: Annotated[PlainText, short(75)] | None = None
    url: Url | None = None


class OptionGroup(Strict):
    """A titled group of select options."""

    label: Annotated[PlainText, short(75)]
    options: list[MenuOption] = Field(min_length=1, max_length=100)


class Element(Strict):
    """What every interactive element has."""

    action_id: ActionId | None = None
    confirm: Confirm | None = None
    focus_on_load: bool | None = None


class Button(Strict):
    """A button."""

    type: Literal["button"]
    text: Annotated[PlainText, short(75)]
    action_id: ActionId | None = None
    url: Url | None = None
    value: str | None = Field(None, max_length=2000)
    style: Literal["primary", "danger"] | None = None
    confirm: Confirm | None = None
    accessibility_label: str | None = Field(None, max_length=75)


class Image(Strict):
    """An image inside a section or context."""

    type: Literal["image"]
    image_url: Url
    alt_text: str = Field(min_length=1, max_length=2000)


class StaticMenu(Element):
    """Options, or groups of options, but not both."""

    placeholder: Placeholder | None = None
    options: list[MenuOption] | None = Field(None, min_length=1, max_length=100)
    option_groups: list[OptionGroup] | None = Field(None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _one_source(self) -> StaticMenu:
        if (self.options is None) == (self.option_groups is None):
            raise refuse("exactly one of `options` and `option_groups` is required")
        return self

    def known(self) -> list[MenuOption]:
        """Return all options, grouped or not."""
        return (self.options or []) + [option for group in self.option_groups or [] for option in group.options]


class StaticSelect(StaticMenu):
    """A select menu with its own options."""

    type: Literal["static_select"]
    initial_option: MenuOption | None = None

    @model_validator(mode="after")
    def _initial_known(self) -> StaticSelect:
        if self.initial_option and self.initial_option not in self.known():
            raise refuse("`initial_option` must match an option")
        return self


class MultiStaticSelect(StaticMenu):
    """A multi-select menu with its own options."""

    type: Literal["multi_static_select"]
    initial_options: list[MenuOption] | None = Field(None, min_length=1, max_length=100)
    max_selected_items: int | None = Field(None, ge=1)


class PeopleSelect(Element):
    """A menu of users, conversations or channels of the workspace."""

    type: Literal["users_select", "conversations_select", "channels_select"]
    placeholder: Placeholder | None = None
    initial_user: str | None = None
    initial_conversation: str | None = None
    initial_channel: str | None = None


class MultiPeopleSelect(Element):
    """The multi-select kind of the same menus."""

    type: Literal["multi_users_select", "multi_conversations_select", "multi_channels_select"]
    placeholder: Placeholder | None = None
    initial_users: list[str] | None = None
    initial_conversations: list[str] | None = None
    initial_channels: list[str] | None = None
    max_selected_items: int | None = Field(None, ge=1)


class Overflow(Strict):
    """A menu behind three dots."""

    type: Literal["overflow"]
    action_id: ActionId | None = None
    options: list[OverflowOption] = Field(min_length=1, max_length=5)
    confirm: Confirm | None = None


class Checkboxes(Element):
    """A group of checkboxes."""

    type: Literal["checkboxes"]
    options: list[Option] = Field(min_length=1, max_length=10)
    initial_options: list[Option] | None = Field(None, min_length=1, max_length=10)


class RadioButtons(Element):
    """A group of radio buttons."""

    type: Literal["radio_buttons"]
    options: list[Option] = Field(min_length=1, max_length=10)
    initial_option: Option | None = None


class DatePicker(Element):
    """A date, YYYY-MM-DD."""

    type: Literal["datepicker"]
    placeholder: Placeholder | None = None
    initial_date: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")


class TimePicker(Element):
    """A time of day, HH:mm."""

    type: Literal["timepicker"]
    placeholder: Placeholder | None = None
    initial_time: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    timezone: str | None = None


class DateTimePicker(Element):
    """A moment in unix seconds (ten digits)."""

    type: Literal["datetimepicker"]
    initial_date_time: int | None = Field(None, ge=1_000_000_000, le=9_999_999_999)


class DispatchConfig(Strict):
    """When typing in an input sends block_actions."""

    trigger_actions_on: list[Literal["on_enter_pressed", "on_character_entered"]] = Field(min_length=1)


class TextInput(Strict):
    """A one-line or multi-line text field."""

    type: Literal["plain_text_input"]
    action_id: ActionId | None = None
    initial_value: str | None = None
    multiline: bool | None = None
    min_length: int | None = Field(None, ge=0, le=3000)
    max_length: int | None = Field(None, ge=1, le=3000)
    placeholder: Placeholder | None = None
    focus_on_load: bool | None = None
    dispatch_action_config: DispatchConfig | None = None

    @model_validator(mode="after")
    def _lengths_in_order(self) -> TextInput:
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise refuse("`min_length` must not be greater than `max_length`")
        return self


Select = StaticSelect | PeopleSelect
Picker = DatePicker | TimePicker | DateTimePicker
Choice = Checkboxes | RadioButtons
Multi = MultiStaticSelect | MultiPeopleSelect

ActionElement = Annotated[Button | Overflow | Select | Picker | Choice, Field(discriminator="type")]
Accessory = Annotated[Button | Image | Overflow | Select | Multi | Picker | Choice, Field(discriminator="type")]
InputElement = Annotated[TextInput | Select | Multi | Picker | Choice, Field(discriminator="type")]
ContextElement = Annotated[Image | PlainText | Mrkdwn, Field(discriminator="type")]
