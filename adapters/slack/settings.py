"""The section `slack` of the settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import Section


class SlackSettings(Section):
    """The Slack app. It is enabled by its bot token."""

    bot_token: SecretStr = Field(SecretStr(""), description="The bot token, xoxb-….")
    signing_secret: SecretStr = Field(SecretStr(""), description="The signing secret of the app, for mode http.")
    app_token: SecretStr = Field(SecretStr(""), description="The app-level token, xapp-…, for mode socket.")
    api_url: str = Field("https://slack.com/api/", description="The base URL of Slack's API.")
    command: str = Field("/release", description="The slash command that people type.")
    mode: Literal["http", "socket"] = Field("http", description="http needs a public URL; socket needs none.")
    channel: str = Field("", description="The id of the channel where plan cards are posted.")
    response_hosts: tuple[str, ...] = Field(("hooks.slack.com",), description="Hosts that answers may be sent to.")

    @property
    def enabled(self) -> bool:
        """Whether Slack is enabled."""
        return bool(self.bot_token)
