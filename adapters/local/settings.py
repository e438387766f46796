"""The section `local` of the settings."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from adapters.common.settings import Section
from core.text import Duration


def _check_database_url(url: SecretStr) -> SecretStr:
    if not re.match(r"((mysql|mariadb|postgresql)\+\w+|sqlite(\+\w+)?)://", url.get_secret_value()):
        raise ValueError(
            "write the URL of the database as mysql+pymysql://USER:PASSWORD@HOST/NAME, "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME or sqlite:///FILE"
        )
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]
"""The URL of a database, with the driver where Fabu does not bring that which SQLAlchemy takes by default."""


class LocalSettings(Section):
    """The embedded runner of `freestyle` and `sql` jobs."""

    enabled: bool = Field(True, description="Whether items may run on this machine.")
    work_dir: str = Field("", description="The folder of outputs; `runs` beside the database when empty.")
    databases: dict[str, DatabaseUrl] = Field({}, description="SQLAlchemy URLs that sql jobs name by id.")
    max_parallel: int = Field(4, ge=1, le=64, description="How many runs may go at once.")
    keep_outputs: Duration = Field(timedelta(days=30), description="How long outputs are kept after the end of a run.")
