"""The base of the models of what vendors send."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class WireModel(BaseModel):
    """A part of a vendor's payload, read leniently, since vendors vary in what they document as optional.

    Unknown fields are ignored, a null counts as absent, and a number in a text field becomes its text.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        """Leave out the fields that are null, so that they get their defaults."""
        if isinstance(data, dict) and None in data.values():
            return {name: value for name, value in data.items() if value is not None}
        return data
