"""The settings of the store: the section `[database]`."""

from __future__ import annotations

from pydantic import Field

from adapters.common.settings import Section


class DatabaseSettings(Section):
    """Where plans are kept."""

    url: str = Field(
        "sqlite:///fabu.db", description="sqlite:///file, postgresql+psycopg://…, or memory:// for a trial."
    )
