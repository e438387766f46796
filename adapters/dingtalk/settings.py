"""The section `dingtalk` of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from adapters.common.settings import HttpUrl, Section, is_loopback


class DingTalkSettings(Section):
    """The DingTalk app. It is enabled by its client id."""

    client_id: str = Field("", description="The client id (AppKey).")
    client_secret: SecretStr = Field(SecretStr(""), description="The client secret (AppSecret).")
    robot_code: str = Field("", description="The robot code of the app.")
    card_template_id: str = Field("", description="The id of the imported card template; empty: messages with links.")
    token: SecretStr = Field(SecretStr(""), description="The token of the event subscription, for mode http.")
    aes_key: SecretStr = Field(SecretStr(""), description="The AES key of the event subscription, for mode http.")
    card_secret: SecretStr = Field(SecretStr(""), description="The secret of the card callback, for mode http.")
    api_url: HttpUrl = Field("https://api.dingtalk.com", min_length=1, description="The base URL of the API.")
    oapi_url: HttpUrl = Field("https://oapi.dingtalk.com", min_length=1, description="The base URL of the older API.")
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

    def mistakes(self) -> Mapping[str, str]:
        """Return what a DingTalk app lacks in its mode, and addresses that its credentials are not sent to."""
        others = ("card_template_id", "token", "aes_key", "card_secret", "conversation_id", "process_code")
        found = self.find_incomplete("client_id", ("client_secret", "robot_code"), others)
        if self.enabled and self.mode == "http":
            found |= self._mistakes_of_callbacks()
        for name in ("api_url", "oapi_url"):
            url = urlsplit(getattr(self, name))
            if url.scheme != "https" and not is_loopback(url.hostname):
                found[name] = "use https: http is for this machine alone"
        if urlsplit(self.api_url).path not in ("", "/"):
            found["api_url"] = "write it without a path"
        return found

    def _mistakes_of_callbacks(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.card_template_id:
            found |= self.find_missing("card_secret", reason="and mode http needs it to verify clicks on cards")
        if self.token or self.aes_key or self.process_code:
            found |= self.find_missing("token", "aes_key", reason="and mode http needs it to verify events")
        if self.aes_key and not re.fullmatch(r"[A-Za-z0-9+/]{43}", self.aes_key.get_secret_value()):
            found["aes_key"] = "it must have 43 letters and digits, as the event subscription shows it"
        return found
