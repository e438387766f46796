"""The section `dingtalk` of the settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import Section


class DingTalkSettings(Section):
    """The DingTalk app. It is enabled by its client id."""

    client_id: str = Field("", description="The client id (AppKey).")
    client_secret: SecretStr = Field(SecretStr(""), description="The client secret (AppSecret).")
    robot_code: str = Field("", description="The robot code of the app.")
    card_template_id: str = Field("", description="The id of the imported card template; empty: messages with links.")
    token: SecretStr = Field(SecretStr(""), description="The token of the event subscription, for mode http.")
    aes_key: SecretStr = Field(SecretStr(""), description="The AES key of the event subscription, for mode http.")
    card_secret: SecretStr = Field(SecretStr(""), description="The secret of the card callback, for mode http.")
    api_url: str = Field("https://api.dingtalk.com", description="The base URL of the API.")
    oapi_url: str = Field("https://oapi.dingtalk.com", description="The base URL of the older API.")
    mode: Literal["stream", "http"] = Field("stream", description="stream needs no public URL.")
    conversation_id: str = Field("", description="The open conversation id of the group where plan cards are posted.")
    process_code: str = Field("", description="The approval form for stages with the channel dingtalk_instance.")
    webhook_hosts: tuple[str, ...] = Field(
        ("oapi.dingtalk.com", "api.dingtalk.com"), description="Hosts of session answers."
    )

    @property
    def enabled(self) -> bool:
        """Whether DingTalk is enabled."""
        return bool(self.client_id)
