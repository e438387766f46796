"""The section `local` of the settings."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from adapters.common.settings import Section
from core.text import Duration


class LocalSettings(Section):
    """The embedded runner of `freestyle` and `sql` jobs."""

    enabled: bool = Field(True, description="Whether items may run on this machine.")
    work_dir: str = Field("", description="The folder of outputs; `runs` beside the database when empty.")
    databases: dict[str, SecretStr] = Field({}, description="SQLAlchemy URLs that sql jobs name by id.")
    max_parallel: int = Field(4, ge=1, le=64, description="How many runs may go at once.")
    keep_outputs: Duration = Field(timedelta(days=30), description="How long outputs are kept after the end of a run.")
