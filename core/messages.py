"""What Fabu says to people: English texts with parameters, which are translated where they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, Union

from core.encoding import encode_json

Param: TypeAlias = Union[str, int, float, "Message"]
"""A parameter of a message. A text is shown as it is: a word that has to be translated is a message of its own."""
Json: TypeAlias = str | dict[str, Any]

_MARK: Final = '{"$message":'
"""How the text of a column begins that holds JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text for people: `text` is English with `{params}`, and the key of its translation. `str` gives the English.

    Write the text as a literal: the catalogues are made from the sources. The `params` of a text that somebody else
    wrote are None. A message without a text is false.
    """

    text: str
    params: Mapping[str, Param] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold verbatim parameters as plain texts, as JSON does: two messages that read the same are equal."""
        if self.params:
            object.__setattr__(self, "params", {name: _plain(value) for name, value in self.params.items()})

    @classmethod
    def verbatim(cls, text: str) -> Message:
        """Return what a person or another system wrote: it is never translated, and no brace is a placeholder."""
        return cls(text, None)

    @classmethod
    def from_source(cls, text: str, params: Mapping[str, Param]) -> Message:
        """Return a message whose text is marked for translation elsewhere, as that of a class of errors is."""
        return cls(text, params)

    @classmethod
    def joined(cls, separator: str, parts: Iterable[Param]) -> Message:
        """Return one message that shows several, with a separator between them."""
        params = {f"part{number}": part for number, part in enumerate(parts, 1)}
        return cls(separator.join(f"{{{name}}}" for name in params), params)

    @property
    def is_verbatim(self) -> bool:
        """Whether somebody else wrote the text."""
        return self.params is None

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text.format(**self.params) if self.params else self.text

    def with_texts_changed(self, change: Callable[[str], str]) -> Message:
        """Return the message with every text in it changed that Fabu did not write."""
        if self.params is None:
            return replace(self, text=change(self.text))
        return replace(self, params={name: _changed(value, change) for name, value in self.params.items()})

    def to_json(self) -> Json:
        """Return a JSON value: the text itself if it is verbatim, else an object."""
        if self.params is None:
            return self.text
        params = {name: value.to_json() if isinstance(value, Message) else value for name, value in self.params.items()}
        return {"text": self.text, "params": params}

    @classmethod
    def from_json(cls, value: Json) -> Message:
        """Return the message of which `to_json` made a value; the plain texts of earlier versions are verbatim."""
        if isinstance(value, str):
            return cls(value, None)
        params = {
            name: cls.from_json(each) if isinstance(each, dict) else each for name, each in value["params"].items()
        }
        return cls(value["text"], params)

    def to_column(self) -> str:
        """Return a text to store: a verbatim one is stored as it is, unless it could be taken for JSON of ours."""
        if self.params is None and not self.text.startswith(_MARK):
            return self.text
        return f"{_MARK}{encode_json(self.to_json())}}}"

    @classmethod
    def from_column(cls, text: str) -> Message:
        """Return the message of which `to_column` made a text."""
        return cls.from_json(json.loads(text)["$message"]) if text.startswith(_MARK) else cls(text, None)


NO_MESSAGE: Final = Message.verbatim("")


def _plain(value: Param) -> Param:
    return value.text if isinstance(value, Message) and value.params is None else value


def _changed(value: Param, change: Callable[[str], str]) -> Param:
    match value:
        case Message():
            return value.with_texts_changed(change)
        case str():
            return change(value)
        case _:
            return value
