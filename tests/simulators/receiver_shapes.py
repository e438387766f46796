"""Shapes of JSON values, for simulators that check what they are sent.

A shape is a type, `ANY`, a list of one shape, `Null(shape)`, or a dict of keys to shapes. In a dict a key that ends in
`?` may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANY = object()


@dataclass(frozen=True)
class Null:
    """A value that may also be null."""

    shape: Any


def differences(value: Any, shape: Any, path: str, *, closed: bool = False) -> list[str]:
    """Return where a value is not of a shape; `closed` counts keys that the shape does not have."""
    match shape:
        case Null():
            return [] if value is None else differences(value, shape.shape, path, closed=closed)
        case list():
            if not isinstance(value, list):
                return [f"{path}: a list is expected, not {_kind(value)}"]
            return [
                found
                for number, member in enumerate(value)
                for found in differences(member, shape[0], f"{path}[{number}]", closed=closed)
            ]
        case dict():
            return _object_differences(value, shape, path, closed=closed)
        case type():
            # bool is an int in Python, but not on the wire
            return [] if type(value) is shape else [f"{path}: {shape.__name__} is expected, not {_kind(value)}"]
        case _:
            return []


def _object_differences(value: Any, shape: dict[str, Any], path: str, *, closed: bool) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: an object is expected, not {_kind(value)}"]
    found = []
    for name, inner in shape.items():
        key = name.removesuffix("?")
        if key in value:
            found += differences(value[key], inner, f"{path}.{key}", closed=closed)
        elif key == name:
            found.append(f"{path}.{key}: missing")
    if closed:
        found += [f"{path}.{key}: unknown" for key in value.keys() - {name.removesuffix("?") for name in shape}]
    return found


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
