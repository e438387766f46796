"""The section `feishu` of the settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import Section


class FeishuSettings(Section):
    """The Feishu (or Lark) app. It is enabled by its app id."""

    app_id: str = Field("", description="The app id, cli_….")
    app_secret: SecretStr = Field(SecretStr(""), description="The app secret.")
    verification_token: SecretStr = Field(
        SecretStr(""), description="The verification token of the event subscription."
    )
    encrypt_key: SecretStr = Field(SecretStr(""), description="The encrypt key of the event subscription.")
    domain: str = Field(
        "https://open.feishu.cn", description="https://open.feishu.cn, or https://open.larksuite.com for Lark."
    )
    mode: Literal["http", "long_connection"] = Field("http", description="long_connection needs no public URL.")
    chat_id: str = Field("", description="The id of the group where plan cards are posted, oc_….")
    approval_code: str = Field("", description="The approval definition for stages with the channel feishu_instance.")

    @property
    def enabled(self) -> bool:
        """Whether Feishu is enabled."""
        return bool(self.app_id)
