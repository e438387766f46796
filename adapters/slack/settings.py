"""What the Slack adapter has to know. Nothing here is read from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """One app in one workspace.

    `signing_secret` proves requests in mode "http", `app_token` opens the connection in mode "socket". Answers go only
    to those response_urls whose host is among `response_hosts`.
    """

    bot_token: str = field(repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    api_url: str = "https://slack.com/api/"
    command: str = "/release"
    mode: Literal["http", "socket"] = "http"
    channel: str = ""
    response_hosts: tuple[str, ...] = ("hooks.slack.com",)
