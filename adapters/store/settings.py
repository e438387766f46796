"""The settings of the store: the section `[database]`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from adapters.common.settings import Section

_FORMS = re.compile(r"memory://|sqlite(\+pysqlite)?:///(?!:memory:).+|postgresql(\+\w+)?://.+")


def _check_url(url: str) -> str:
    if not _FORMS.fullmatch(url):
        raise ValueError("write the database as sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME or memory://")
    return url


class DatabaseSettings(Section):
    """Where plans are kept."""

    url: Annotated[str, AfterValidator(_check_url)] = Field(
        "sqlite:///fabu.db", description="sqlite:///file, postgresql+psycopg://…, or memory:// for a trial."
    )
