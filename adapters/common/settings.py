"""The base of every section of the settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings: it is read once, and a name that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
