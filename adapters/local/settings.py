"""The section `local` of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from os.path import normpath
from pathlib import Path, PurePath
from typing import Annotated, Literal

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


def _check_shown(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("write the whole path, such as /opt/tools")
    if normpath(path) == "/" or PurePath(normpath(path)).is_relative_to("/proc"):
        raise ValueError("this would show the server itself as well: name what scripts need")
    return path


ShownPath = Annotated[str, AfterValidator(_check_shown)]
"""The path of a file or folder that scripts may see."""


class LocalSettings(Section):
    """The embedded runner of `freestyle` and `sql` jobs."""

    enabled: bool = Field(True, description="Whether items may run on this machine.")
    work_dir: str = Field("", description="The folder of outputs; `runs` beside the database when empty.")
    isolation: Literal["auto", "bwrap", "user", "none"] = Field(
        "auto",
        description="What keeps scripts from the server's files and processes: bubblewrap (bwrap), another user, or "
        "nothing; auto takes the first of them that works.",
    )
    user: str = Field("", description="The user that runs scripts where bubblewrap does not; the server must be root.")
    network: bool = Field(True, description="Whether scripts under bubblewrap reach the network.")
    paths: tuple[ShownPath, ...] = Field(
        (), description="Files and folders that scripts under bubblewrap can read beside the system's programs."
    )
    allowed: tuple[str, ...] = Field(
        ("*",), description="Who may put local workflows into a plan: people and @groups; * is everybody."
    )
    databases: dict[str, DatabaseUrl] = Field({}, description="SQLAlchemy URLs that sql jobs name by id.")
    max_parallel: int = Field(4, ge=1, le=64, description="How many runs may go at once.")
    keep_outputs: Duration = Field(timedelta(days=30), description="How long outputs are kept after the end of a run.")

    def find_folder(self, data_folder: Path | None) -> Path:
        """Return the folder of outputs on a machine where Fabu keeps its files in `data_folder`."""
        return (Path(self.work_dir) if self.work_dir else (data_folder or Path()) / "runs").resolve()

    def mistakes(self) -> Mapping[str, str]:
        """Return what has no effect under the isolation that is written, or is missing for it."""
        if self.isolation == "user" and not self.user:
            return {"user": "it is missing, and isolation user needs it"}
        without_bubblewrap = self.isolation in ("user", "none")
        unused = {
            "user": bool(self.user) and self.isolation in ("bwrap", "none"),
            "network": not self.network and without_bubblewrap,
            "paths": bool(self.paths) and without_bubblewrap,
        }
        reason = f"it has no effect with isolation {self.isolation}: remove it, or set isolation to auto"
        return {name: reason for name, applies in unused.items() if applies}
