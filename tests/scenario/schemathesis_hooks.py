"""Hooks of schemathesis: most requests are about plans that are there."""

from __future__ import annotations

import zlib
from typing import Any

import schemathesis

PLANS = 40


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put a real plan, item or version in the place of what was made up, seven times of eight."""
    if not path_parameters:
        return path_parameters
    number = zlib.crc32(repr(sorted(path_parameters.items())).encode())
    real = {"id": str(number % PLANS + 1), "item": "ab"[number % 2], "n": "1"}
    return {name: real.get(name, value) if number % 8 else value for name, value in path_parameters.items()}
