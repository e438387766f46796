"""Reads the settings for a command, and explains every mistake in them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.cli.failure import ExitCode, Failure
from config.settings import Settings, SettingsError, load_settings

_DEFAULT = Path("fabu.toml")
_PREFIX = "FABU__"
_INDEX = re.compile(r"\[\d+\]")


def read_settings(path: Path | None) -> Settings:
    """Return the settings of a file (`fabu.toml` when none is named) or the defaults; the environment wins over them.

    Raises Failure that lists every mistake with its path, what is expected and what the setting is for.
    """
    path = find_file(path)
    source = str(path) if path else "the environment"
    try:
        settings = load_settings(path)
    except OSError as error:
        cure = "name another one with --config FILE, or begin with a copy of config/fabu.toml"
        raise Failure(f"{path} cannot be read ({error.strerror}): {cure}.", ExitCode.MISUSED) from None
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8 text: save it as UTF-8.", ExitCode.MISUSED) from None
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{path} is not TOML: {error}.", ExitCode.MISUSED) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [problem for each in found for problem in _explain(each)] + list(_unknown_variables())
        raise Failure(_list_problems(source, problems), ExitCode.MISUSED) from None
    if problems := list(_unknown_variables()):
        raise Failure(_list_problems(source, problems), ExitCode.MISUSED)
    return settings


def find_file(path: Path | None) -> Path | None:
    """Return the file of the settings: the named one, `fabu.toml` if there is one, or none."""
    return path or (_DEFAULT if _DEFAULT.exists() else None)


def _list_problems(source: str, problems: list[str]) -> str:
    heading = f"The settings from {source} have {len(problems)} mistake{'s' if len(problems) > 1 else ''}:"
    return "\n".join((heading, *(f"  • {problem}" for problem in problems)))


def _unknown_variables() -> Iterator[str]:
    """Yield a problem for each environment variable of an unknown section: pydantic-settings ignores them."""
    for name in sorted(os.environ):
        section = name.removeprefix(_PREFIX).partition("__")[0].lower()
        if name.startswith(_PREFIX) and section not in Settings.model_fields:
            yield f"{name} (environment): there is no section {section}{_suggestion(section, Settings)}"


def _explain(error: ErrorDetails) -> Iterator[str]:
    """Yield mistakes, each as `path: what is wrong (what the setting is for)`."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SettingsError):
        for path, text in cause.mistakes.items():
            yield f"{path}: {text}{_describe(_find_field(tuple(_INDEX.sub('', path).split('.')))[1])}"
        return
    owner, field = _find_field(error["loc"])
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    if error["type"] == "extra_forbidden":
        yield f"{path}: there is no such setting{_suggestion(str(error['loc'][-1]), owner)}"
    else:
        yield f"{path}: {error['msg'].removeprefix('Value error, ')}{_describe(field)}"


def _describe(field: FieldInfo | None) -> str:
    return f" ({field.description})" if field and field.description else ""


def _suggestion(name: str, owner: type[BaseModel] | None) -> str:
    known = list(owner.model_fields) if owner else []
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


def _find_field(location: tuple[int | str, ...]) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Return the model in which the path of an error ends, and the field that it names; None for what is unknown."""
    owner: type[BaseModel] | None = Settings
    field: FieldInfo | None = None
    for depth, part in enumerate(location):
        if isinstance(part, int):
            continue
        field = owner.model_fields.get(part) if owner else None
        if depth < len(location) - 1:
            owner = _find_model(field.annotation) if field else None
    return owner, field


def _find_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation such as `SlackSettings` or `tuple[HookTarget, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _find_model(inner))), None)
