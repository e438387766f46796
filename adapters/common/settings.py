"""What the sections of the settings are made of: their base, and durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


class Section(BaseModel):
    """A section of the settings: it is read once, and a name that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _parse_duration(value: Any) -> Any:
    """Read `90s`, `10m`, `1h30m` or `2d`."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"(\d+[dhms])+", value):
        raise ValueError("write a duration such as 90s, 10m, 1h30m or 2d")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([dhms])", value)))


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
