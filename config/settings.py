"""The settings of Fabu: a TOML file, overridden by environment variables such as `FABU__SERVER__PORT`.

Every field has a description; `fabu doctor` and the documentation are made from them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.common.settings import Section
from adapters.dingtalk.settings import DingTalkSettings
from adapters.feishu.settings import FeishuSettings
from adapters.hooks.settings import HooksSettings
from adapters.local.settings import LocalSettings
from adapters.slack.settings import SlackSettings
from adapters.store.settings import DatabaseSettings
from adapters.zadig.settings import ZadigSettings


class Server(Section):
    """Where Fabu listens, and how it presents itself."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: str = Field("", description="The URL under which people reach Fabu; links in cards begin with it.")
    timezone: str = Field("Asia/Shanghai", description="The IANA time zone for people who have none of their own.")
    language: Literal["zh_CN", "en"] = Field("zh_CN", description="The language for people who have none of their own.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Encrypts credentials and chains the log. Empty: kept in `fabu.key` beside the database.",
    )
    trust_proxy: bool = Field(
        False, description="Take the client's address from X-Forwarded-For, behind a proxy that sets it."
    )


class Auth(Section):
    """Rights that do not come from a plan."""

    admins: tuple[str, ...] = Field(
        (), description="Ids of the people who may do everything but approve in others' place."
    )


class PersonEntry(Section):
    """Somebody who uses Fabu. The account in a chat is a field with the name of the chat's section."""

    id: str = Field(description="The short name that plans and commands use.", pattern=r"^[\w.-]+$", max_length=64)
    name: str = Field("", description="What cards call the person; the id when empty.")
    email: str = Field("", description="The e-mail address; chat accounts are matched by it.")
    phone: str = Field("", description="The mobile number; DingTalk accounts are matched by it.")
    slack: str = Field("", title="Slack", description="The Slack member id, such as U1.")
    feishu: str = Field("", title="Feishu", description="The Feishu open_id, such as ou_1.")
    dingtalk: str = Field("", title="DingTalk", description="The DingTalk user id.")
    language: Literal["", "zh_CN", "en"] = Field("", description="The person's language.")
    timezone: str = Field("", description="The person's IANA time zone.")
    active: bool = Field(True, description="False for somebody who has left.")


class GroupEntry(Section):
    """A group of people; plans name it as `@id`."""

    id: str = Field(description="The name of the group, without `@`.", pattern=r"^[\w.-]+$", max_length=64)
    members: tuple[str, ...] = Field(description="The ids of its members.")


class Email(Section):
    """Mails to approvers of `native` stages: accepted, but no mail is sent by this version."""

    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://host:port, or smtps://user:password@host.")
    sender: str = Field("fabu@example.com", description="The sender's address.")


class Callback(Section):
    """How callbacks of external systems prove their sender."""

    auth: Literal["instance_code", "signature", "bearer"] = Field(
        "instance_code", description="What proves the sender of a callback."
    )
    secret: SecretStr = Field(SecretStr(""), description="The secret for signature (whsec_…) or bearer.")


class Jira(Section):
    """The Jira whose sprints plans may be linked to: accepted, but not used by this version."""

    url: str = Field("", description="The base URL of Jira.")
    user: str = Field("", description="The user of a token for Jira Cloud; empty for a personal access token.")
    token: SecretStr = Field(SecretStr(""), description="The API token.")


class Settings(BaseSettings):
    """All settings. Made by `load_settings`."""

    model_config = SettingsConfigDict(env_prefix="FABU__", env_nested_delimiter="__", extra="forbid", frozen=True)

    server: Server = Server()
    database: DatabaseSettings = DatabaseSettings()
    auth: Auth = Auth()
    people: tuple[PersonEntry, ...] = ()
    groups: tuple[GroupEntry, ...] = ()
    slack: SlackSettings = SlackSettings()
    feishu: FeishuSettings = FeishuSettings()
    dingtalk: DingTalkSettings = DingTalkSettings()
    email: Email = Email()
    zadig: ZadigSettings = ZadigSettings()
    local: LocalSettings = LocalSettings()
    hooks: HooksSettings = HooksSettings()
    callback: Callback = Callback()
    jira: Jira = Jira()

    @model_validator(mode="after")
    def _check_references(self) -> Settings:
        known = {person.id for person in self.people} | {f"@{group.id}" for group in self.groups}
        named = {member for group in self.groups for member in group.members} | set(self.auth.admins)
        named.update(*(gate.approvers for gate in self.zadig.gates), filter(None, [self.zadig.gate_manager]))
        if unknown := sorted(named - known):
            raise ValueError(f"nobody under [[people]] has the id {', '.join(unknown)}")
        return self

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Let the environment override the file."""
        return (env_settings, init_settings)

    @property
    def public_url(self) -> str:
        """The URL under which people reach Fabu, without a slash at the end."""
        return (self.server.public_url or f"http://{self.server.host}:{self.server.port}").rstrip("/")


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings from a TOML file, if there is one, and from the environment.

    Raises OSError when the file cannot be read, tomllib.TOMLDecodeError when it is not TOML, and
    pydantic.ValidationError with every field that is wrong.
    """
    values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    return Settings(**values)
