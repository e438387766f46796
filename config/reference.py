"""The reference of all settings, made from their models: `python -m config.reference > docs/settings.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings
from core.text import format_duration

_HEAD = """\
# Settings

*Made from the models of the settings by `python -m config.reference > docs/settings.md`; do not edit it by hand.*

Settings are read from `fabu.toml` in the folder in which Fabu is started, or from the file that `--config` or
`FABU_CONFIG` names. [config/fabu.toml](../config/fabu.toml) is a sample with all of them. An environment variable wins
over the file: `port` of `[server]` is `FABU__SERVER__PORT`; lists and tables are written there as JSON. Names that do
not exist are refused, and so are settings that are wrong or half-filled, each with its key and the cure; `fabu doctor`
examines what is left. Durations are written as `90s`, `10m`, `1h30m` or `2d`.
"""
_PLAIN = {str: "text", int: "number", bool: "true or false", SecretStr: "secret", timedelta: "duration"}


def render_reference() -> str:
    """Return the text of the reference."""
    blocks = [_HEAD]
    for name, field in Settings.model_fields.items():
        model = _find_model(field.annotation)
        if model is None:
            raise TypeError(f"{name} is no section")
        is_list = get_origin(field.annotation) is tuple
        blocks += _tables(f"[[{name}]]" if is_list else f"[{name}]", name, str(model.__doc__), model)
    return "\n".join(blocks)


def _tables(heading: str, path: str, text: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of a section, and after it those of the lists of tables in it."""
    rows = "".join(f"{_row(key, field)}\n" for key, field in model.model_fields.items())
    yield f"## `{heading}`\n\n{text}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}"
    for key, field in model.model_fields.items():
        if inner := _find_model(field.annotation):
            form = "[[{}]]" if _is_list(field.annotation) else "[{}]"
            yield from _tables(form.format(f"{path}.{key}"), f"{path}.{key}", str(inner.__doc__), inner)


def _row(key: str, field: FieldInfo) -> str:
    cells = (f"`{key}`", _kind(field.annotation), _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be set"
    match field.get_default(call_default_factory=True):
        case None:
            return "none"
        case SecretStr() | "" | () | {}:
            return "empty"
        case timedelta() as duration:
            return f"`{json.dumps(format_duration(duration))}`"
        case BaseModel():
            return "none"
        case value:
            return f"`{json.dumps(value, ensure_ascii=False)}`"


def _kind(annotation: Any) -> str:
    """Return what may be written for a setting."""
    arguments = [each for each in get_args(annotation) if each not in (type(None), ...)]
    if _find_model(annotation):
        return "tables" if _is_list(annotation) else "table"
    if get_origin(annotation) is Annotated:
        return _kind(arguments[0])
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in arguments if value)
    if get_origin(annotation) in (tuple, frozenset):
        return f"list: {_kind(arguments[0])}"
    if get_origin(annotation) is dict:
        return f"table of names: {_kind(arguments[1])}"
    if arguments:  # a union
        return " or ".join(dict.fromkeys(map(_kind, arguments)))
    if issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return _PLAIN[annotation]


def _is_list(annotation: Any) -> bool:
    """Return whether a setting is a list of tables."""
    return any(get_origin(each) is tuple for each in (annotation, *get_args(annotation)))


def _find_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model of the tables in a setting, if it has any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for each in get_args(annotation) if (model := _find_model(each))), None)


if __name__ == "__main__":
    sys.stdout.write(render_reference())
