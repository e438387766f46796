"""The base of every section of the settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings. It is immutable, and an unknown name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
