"""The column of a plan that holds what the policies demand of it."""

from __future__ import annotations

from pydantic import TypeAdapter

from core.plan import Controls

_ADAPTER = TypeAdapter(Controls)


def controls_json(controls: Controls | None) -> str | None:
    """Return controls as JSON, or None where there are none."""
    return None if controls is None else _ADAPTER.dump_json(controls).decode()


def controls_of(column: str) -> Controls:
    """Return the controls of a column."""
    return _ADAPTER.validate_json(column)
