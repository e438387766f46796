"""The settings of Fabu: a TOML file, overridden by environment variables such as `FABU__SERVER__PORT`.

Every field has a description; `fabu doctor` and the documentation are made from them.
"""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.dingtalk.settings import DingTalkSettings
from adapters.feishu.settings import FeishuSettings
from adapters.slack.settings import SlackSettings

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def _duration(value: Any) -> Any:
    """Read `90s`, `10m`, `1h30m` or `2d`."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"(\d+[dhms])+", value):
        raise ValueError("write a duration such as 90s, 10m, 1h30m or 2d")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([dhms])", value)))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
HookEventName = Literal["finish_planning", "start_execute", "all_job_done"]
ALL_EVENTS: tuple[HookEventName, ...] = ("finish_planning", "start_execute", "all_job_done")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Section):
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


class Database(_Section):
    """Where plans are kept."""

    url: str = Field(
        "sqlite:///fabu.db", description="sqlite:///file, postgresql+psycopg://…, or memory:// for a trial."
    )


class Auth(_Section):
    """Rights beside those that a plan gives."""

    admins: tuple[str, ...] = Field(
        (), description="Ids of the people who may do everything but approve in others' place."
    )


class PersonEntry(_Section):
    """Somebody who uses Fabu."""

    id: str = Field(description="The short name that plans and commands use.", pattern=r"^[\w.-]+$", max_length=64)
    name: str = Field("", description="What cards call the person; the id when empty.")
    email: str = Field("", description="The e-mail address; chat accounts are matched by it.")
    phone: str = Field("", description="The mobile number; DingTalk accounts are matched by it.")
    slack: str = Field("", description="The Slack member id, such as U1.")
    feishu: str = Field("", description="The Feishu open_id, such as ou_1.")
    dingtalk: str = Field("", description="The DingTalk user id.")
    language: Literal["", "zh_CN", "en"] = Field("", description="The person's language.")
    timezone: str = Field("", description="The person's IANA time zone.")
    active: bool = Field(True, description="False for somebody who has left.")


class GroupEntry(_Section):
    """A group of people; plans name it as `@id`."""

    id: str = Field(description="The name of the group, without `@`.", pattern=r"^[\w.-]+$", max_length=64)
    members: tuple[str, ...] = Field(description="The ids of its members.")


class Email(_Section):
    """Mails to approvers of `native` stages: accepted, but no mail is sent by this version."""

    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://host:port, or smtps://user:password@host.")
    sender: str = Field("fabu@example.com", description="The sender's address.")


class Gate(_Section):
    """Which moments of Zadig's own release plans wait for an approval here. The first gate that fits counts."""

    project: str = Field("*", description="A pattern for the projects of the plan's workflows; one has to fit.")
    plan: str = Field("*", description="A pattern for the plan's name, such as prod-*.")
    events: tuple[HookEventName, ...] = Field(("start_execute",), description="The moments that wait.")
    name: str = Field("Zadig", description="What the stage of the approval is called.")
    approvers: tuple[str, ...] = Field(description="Who decides: ids of people and @groups.", min_length=1)
    rule: Literal["all", "any"] | int = Field("any", description="How many must approve: all, any, or a number.")
    channel: Literal["native", "slack", "feishu", "dingtalk", "feishu_instance", "dingtalk_instance"] = Field(
        "native", description="Where the approvers are asked."
    )
    expires_in: Duration | None = Field(None, description="After how long without a decision Zadig is told no.")
    remind_every: Duration | None = Field(None, description="After how long approvers are reminded first.")


class Zadig(_Section):
    """The Zadig installation whose workflows items may run. It is enabled by its URL."""

    url: str = Field("", description="The base URL of Zadig.")
    token: SecretStr = Field(SecretStr(""), description="An API token of Zadig.")
    hook_token: SecretStr = Field(SecretStr(""), description="The secret of Zadig's hooks to Fabu (X-Zadig-Token).")
    gates: tuple[Gate, ...] = Field((), description="Approvals of Zadig's own release plans.")
    gate_manager: str = Field(
        "", description="Who looks after them when their manager in Zadig is unknown here; an administrator when empty."
    )


class Local(_Section):
    """The embedded runner of `freestyle` and `sql` jobs."""

    enabled: bool = Field(True, description="Whether items may run on this machine.")
    work_dir: str = Field("", description="The folder of outputs; `runs` beside the database when empty.")
    databases: dict[str, SecretStr] = Field({}, description="SQLAlchemy URLs that sql jobs name by id.")
    max_parallel: int = Field(4, ge=1, le=64, description="How many runs may go at once.")
    keep_outputs: Duration = Field(timedelta(days=30), description="How long outputs are kept after the end of a run.")


class Endpoint(_Section):
    """An external system that is told of plans."""

    name: str = Field("default", description="The name in delivery logs.", pattern=r"^[\w-]+$", max_length=32)
    url: str = Field(description="Where the hook is posted to.")
    secret: SecretStr = Field(SecretStr(""), description="Signs the hook (Standard Webhooks, whsec_…).")
    previous_secret: SecretStr = Field(
        SecretStr(""), description="Signs it as well, while the secret is being changed."
    )
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEventName, ...] = Field(ALL_EVENTS, description="The moments it is told of.")


class Hooks(_Section):
    """Hooks to external systems: one endpoint written here, or several under [[hooks.endpoints]]."""

    url: str = Field("", description="Where hooks are posted to.")
    secret: SecretStr = Field(SecretStr(""), description="Signs hooks (Standard Webhooks, whsec_…).")
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEventName, ...] = Field(ALL_EVENTS, description="The moments that are told.")
    endpoints: tuple[Endpoint, ...] = Field((), description="Several endpoints, each with its own events and secret.")
    wait_for_callback: bool = Field(True, description="Hold plans at the told moments until the callback.")
    check_timeout: Duration = Field(timedelta(hours=1), description="How long a plan waits for a callback.")
    allow_internal: tuple[str, ...] = Field((), description="Internal networks (CIDR) that hooks may reach.")
    document_aliases: bool = Field(False, description="Add the field names of the document's tables beside Zadig's.")

    @property
    def all_endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoint written in short form, and those of the list."""
        if not self.url:
            return self.endpoints
        short = Endpoint(url=self.url, secret=self.secret, zadig_token=self.zadig_token, events=self.events)
        return (short, *self.endpoints)


class Callback(_Section):
    """Who may answer for an external system."""

    auth: Literal["instance_code", "signature", "bearer"] = Field(
        "instance_code", description="What proves a callback."
    )
    secret: SecretStr = Field(SecretStr(""), description="The secret for signature (whsec_…) or bearer.")


class Jira(_Section):
    """The Jira whose sprints plans may be linked to: accepted, but not asked by this version."""

    url: str = Field("", description="The base URL of Jira.")
    user: str = Field("", description="The user of a token for Jira Cloud; empty for a personal access token.")
    token: SecretStr = Field(SecretStr(""), description="The API token.")


class Settings(BaseSettings):
    """All settings. Made by `load_settings`."""

    model_config = SettingsConfigDict(env_prefix="FABU__", env_nested_delimiter="__", extra="forbid", frozen=True)

    server: Server = Server()
    database: Database = Database()
    auth: Auth = Auth()
    people: tuple[PersonEntry, ...] = ()
    groups: tuple[GroupEntry, ...] = ()
    slack: SlackSettings = SlackSettings()
    feishu: FeishuSettings = FeishuSettings()
    dingtalk: DingTalkSettings = DingTalkSettings()
    email: Email = Email()
    zadig: Zadig = Zadig()
    local: Local = Local()
    hooks: Hooks = Hooks()
    callback: Callback = Callback()
    jira: Jira = Jira()

    @model_validator(mode="after")
    def _references(self) -> Settings:
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
        """Let the environment win over what the file says."""
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
