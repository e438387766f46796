"""The section `feishu` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import HttpUrl, Section


class FeishuSettings(Section):
    """The Feishu (or Lark) app. It is enabled by its app id."""

    app_id: str = Field("", description="The app id, cli_….")
    app_secret: SecretStr = Field(SecretStr(""), description="The app secret.")
    verification_token: SecretStr = Field(
        SecretStr(""), description="The verification token of the event subscription."
    )
    encrypt_key: SecretStr = Field(SecretStr(""), description="The encrypt key of the event subscription.")
    domain: HttpUrl = Field(
        "https://open.feishu.cn",
        min_length=1,
        description="https://open.feishu.cn, or https://open.larksuite.com for Lark.",
    )
    mode: Literal["http", "long_connection"] = Field("http", description="long_connection needs no public URL.")
    chat_id: str = Field("", description="The id of the group where plan cards are posted, oc_….")
    approval_code: str = Field("", description="The approval definition for stages with the channel feishu_instance.")

    @property
    def enabled(self) -> bool:
        """Whether Feishu is enabled."""
        return bool(self.app_id)

    def mistakes(self) -> Mapping[str, str]:
        """Return what a Feishu app lacks in its mode."""
        others = ("verification_token", "encrypt_key", "chat_id", "approval_code")
        found = self.find_incomplete("app_id", ("app_secret",), others)
        if self.enabled and self.mode == "http" and not self.encrypt_key:
            reason = "and mode http needs it, or encrypt_key, to verify events"
            found |= self.find_missing("verification_token", reason=reason)
        return found
