"""Options that several commands share, and the locale of the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from bot.i18n import Locale

DEFAULT_URL = "http://127.0.0.1:8080"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="FABU_CONFIG",
        metavar="FILE",
        help="The settings (TOML). Without it: fabu.toml in this folder if there is one, else the defaults.",
    ),
]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="FABU_URL",
        metavar="URL",
        help=f"Where the server answers. Without it: {DEFAULT_URL}, or with --as where the settings let it listen.",
    ),
]
Token = Annotated[
    str, typer.Option("--token", envvar="FABU_TOKEN", help="Your API token, from `fabu token create`.", metavar="TOKEN")
]
As = Annotated[
    str,
    typer.Option(
        "--as", metavar="ID", help="Act as this person, without a token: on the server's machine, with its --config."
    ),
]


def terminal_locale() -> Locale:
    """Return the locale of this terminal: the language of LC_ALL, LC_MESSAGES or LANG, the time zone of TZ."""
    wanted = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    zone = os.environ.get("TZ", "").lstrip(":")
    return Locale("zh_CN" if wanted.startswith("zh") else "en", zone if zone in available_timezones() else "UTC")
