"""The sample of all settings, made from their models: `python -m config.example > config/fabu.toml`.

Descriptions begin with `# `. Settings with their default value, or with a sample where there is none, begin with `#`
alone. The other settings are active: `config/example_plan.yaml` needs them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from adapters.hooks.settings import HookTarget
from adapters.zadig.settings import Gate
from config.approval import PolicyEntry
from config.settings import Settings
from core.text import format_duration

_HEAD = """\
# Every setting of Fabu. Copy this file to fabu.toml, and take away the # in front of what you change.
# The environment wins over the file: FABU__SERVER__PORT=9090. `fabu doctor` examines the result.
# Keep secrets out of version control: /fabu.toml is ignored by git."""
_SWITCHED_ON: Mapping[str, Any] = {
    "auth": {"admins": ["alice"]},
    "people": [{"id": "alice", "name": "Alice"}, {"id": "bob", "name": "Bob"}, {"id": "carol", "name": "Carol"}],
    "groups": [{"id": "sre", "members": ["carol"]}],
    "local": {"databases": {"shop": "sqlite:///shop.db"}},
}
"""The active settings."""
_SAMPLES: Mapping[type[BaseModel], Mapping[str, Any]] = {
    Gate: {"approvers": ["@sre"], "expires_in": timedelta(days=1), "remind_every": timedelta(minutes=30)},
    HookTarget: {"url": "https://ci.example.com/fabu"},
    PolicyEntry: {
        "name": "production",
        "reason": "touches production",
        "when": {"environments": ["prod*"]},
        "stages": [{"name": "SRE", "approvers": ["@sre"], "rule": "any"}],
        "max_window": timedelta(hours=4),
    },
}
"""The values of settings that show more than their default does."""


def render_example() -> str:
    """Return the text of the sample."""
    blocks = [_HEAD]
    for name, field in Settings.model_fields.items():
        model = _model_of(field)
        blocks.append(f"# {model.__doc__}")
        if field.annotation is model:
            blocks[-1] += "\n" + _table(f"[{name}]", model, _SWITCHED_ON.get(name, {}))
            blocks += _inner_tables(name, model)
        else:
            first, *others = _SWITCHED_ON[name]
            blocks[-1] += "\n" + _table(f"[[{name}]]", model, first)
            blocks += [f"[[{name}]]\n" + _assignments(entry) for entry in others]
    return "\n\n".join(blocks) + "\n"


def _inner_tables(name: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield what TOML requires after the settings of a section: its lists of tables, and its tables of free names."""
    for key, field in model.model_fields.items():
        if _is_list(field):
            yield f"# {field.description}\n#" + _table(f"[[{name}.{key}]]", _model_of(field), {})
        elif isinstance(field.default, dict):
            yield f"# {field.description}\n[{name}.{key}]\n" + _assignments(_SWITCHED_ON[name][key])


def _table(heading: str, model: type[BaseModel], switched_on: Mapping[str, Any]) -> str:
    lines = [heading]
    samples = _SAMPLES.get(model, {})
    for key, field in model.model_fields.items():
        if key not in samples and (_is_list(field) or isinstance(field.default, dict)):
            continue
        lines.append(f"# {field.description}{_choices(field)}")
        if key in switched_on:
            lines.append(_assignments({key: switched_on[key]}))
        else:
            lines.append("#" + _assignments({key: samples.get(key, field.default)}))
    return "\n".join(lines)


def _assignments(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{name} = {_toml(value)}" for name, value in values.items())


def _choices(field: FieldInfo) -> str:
    """Return a sentence with the allowed values, or nothing when the description has them."""
    annotation: Any = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        choices = [choice.value for choice in annotation]
    else:
        choices = [choice for choice in get_args(annotation) if choice] if get_origin(annotation) is Literal else []
    described = all(choice in (field.description or "") for choice in choices)
    return "" if described else f" One of {', '.join(choices)}."


def _toml(value: Any) -> str:
    """Return a value as TOML writes it: for texts, numbers, booleans and lists this is JSON."""
    match value:
        case timedelta():
            return json.dumps(format_duration(value))
        case SecretStr():
            return json.dumps(value.get_secret_value())
        case dict():
            return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _is_list(field: FieldInfo) -> bool:
    """Return whether a setting is a list of tables."""
    return any(isinstance(inner, type) and issubclass(inner, BaseModel) for inner in get_args(field.annotation))


def _model_of(field: FieldInfo) -> type[BaseModel]:
    """Return the model of a section, or of the entries of a list."""
    found = (field.annotation, *get_args(field.annotation))
    return next(each for each in found if isinstance(each, type) and issubclass(each, BaseModel))


if __name__ == "__main__":
    sys.stdout.write(render_example())
