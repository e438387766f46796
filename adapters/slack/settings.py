"""The section `slack` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import HttpUrl, Section


class SlackSettings(Section):
    """The Slack app. It is enabled by its bot token."""

    bot_token: SecretStr = Field(SecretStr(""), description="The bot token, xoxb-….")
    signing_secret: SecretStr = Field(SecretStr(""), description="The signing secret of the app, for mode http.")
    app_token: SecretStr = Field(SecretStr(""), description="The app-level token, xapp-…, for mode socket.")
    api_url: HttpUrl = Field("https://slack.com/api/", min_length=1, description="The base URL of Slack's API.")
    command: str = Field("/release", description="The slash command that people type.")
    mode: Literal["http", "socket"] = Field("http", description="http needs a public URL; socket needs none.")
    channel: str = Field("", description="The id of the channel where plan cards are posted.")
    response_hosts: tuple[str, ...] = Field(("hooks.slack.com",), description="Hosts that answers may be sent to.")

    @property
    def enabled(self) -> bool:
        """Whether Slack is enabled."""
        return bool(self.bot_token)

    def mistakes(self) -> Mapping[str, str]:
        """Return what a Slack app lacks in its mode."""
        needed = "signing_secret" if self.mode == "http" else "app_token"
        return self.find_incomplete("bot_token", (needed,), ("signing_secret", "app_token", "channel"))
