"""The settings of Fabu: a TOML file, overridden by environment variables such as `FABU__SERVER__PORT`.

Every field has a description; `fabu doctor` and the documentation are made from them.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.common.settings import HttpUrl, Section
from adapters.dingtalk.settings import DingTalkSettings
from adapters.feishu.settings import FeishuSettings
from adapters.hooks.settings import HooksSettings, SecretError, decode_secret
from adapters.local.settings import LocalSettings
from adapters.slack.settings import SlackSettings
from adapters.store.settings import DatabaseSettings
from adapters.zadig.settings import ZadigSettings
from config.approval import ApprovalSettings, StageEntry


class SettingsError(ValueError):
    """Settings do not fit together; `mistakes` has a sentence for each path, such as `slack.app_token`."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(f"{path}: {text}" for path, text in mistakes.items()))


def _check_timezone(name: str) -> str:
    try:
        _ = name and ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not the name of a file; a folder such as Asia
        raise ValueError(f"there is no time zone {name}: write an IANA name such as Asia/Shanghai or UTC") from None
    return name


TimeZone = Annotated[str, AfterValidator(_check_timezone)]
"""The IANA name of a time zone, or nothing."""


MAX_CONNECTIONS = 1000
"""How many clients may be connected where the settings do not say it."""


class Server(Section):
    """Where Fabu listens, and how it presents itself."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: HttpUrl = Field("", description="The URL under which people reach Fabu; links in cards begin with it.")
    timezone: TimeZone = Field(
        "Asia/Shanghai", min_length=1, description="The IANA time zone for people who have none of their own."
    )
    language: Literal["zh_CN", "en"] = Field("zh_CN", description="The language for people who have none of their own.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Encrypts credentials and chains the log. Empty: kept in `fabu.key` beside the database.",
    )
    accept_other_key: bool = Field(
        False, description="Start although the database was written with another secret key, which is lost."
    )
    max_connections: int = Field(
        MAX_CONNECTIONS,
        ge=10,
        description="How many clients may be connected at once, each open page of the console among them.",
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
    email: str = Field(
        "", description="The e-mail address: Slack and Feishu accounts are found by it, in DingTalk only who writes."
    )
    phone: str = Field("", description="The mobile number: Feishu and DingTalk accounts are found by it.")
    slack: str = Field("", title="Slack", description="The Slack member id, such as U1.")
    feishu: str = Field("", title="Feishu", description="The Feishu open_id, such as ou_1.")
    dingtalk: str = Field("", title="DingTalk", description="The DingTalk user id.")
    language: Literal["", "zh_CN", "en"] = Field("", description="The person's language.")
    timezone: TimeZone = Field("", description="The person's IANA time zone.")
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

    def mistakes(self) -> Mapping[str, str]:
        """Return what is wrong with the secret: an empty one would prove nothing."""
        if self.auth == "instance_code":
            return {}
        if self.auth == "signature" and self.secret:
            try:
                decode_secret(self.secret.get_secret_value())
            except SecretError as error:
                return {"secret": f"{error}: make one with `echo whsec_$(openssl rand -base64 32)`, for both sides"}
        return dict(self.find_missing("secret", reason=f"and auth {self.auth} needs it"))


class Jira(Section):
    """The Jira whose sprints plans may be linked to: accepted, but not used by this version."""

    url: HttpUrl = Field("", description="The base URL of Jira.")
    user: str = Field("", description="The user of a token for Jira Cloud; empty for a personal access token.")
    token: SecretStr = Field(SecretStr(""), description="The API token.")


class Settings(BaseSettings):
    """All settings. Made by `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="FABU__", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    server: Server = Server()
    database: DatabaseSettings = DatabaseSettings()
    auth: Auth = Auth()
    people: tuple[PersonEntry, ...] = ()
    groups: tuple[GroupEntry, ...] = ()
    approval: ApprovalSettings = ApprovalSettings()
    slack: SlackSettings = SlackSettings()
    feishu: FeishuSettings = FeishuSettings()
    dingtalk: DingTalkSettings = DingTalkSettings()
    email: Email = Email()
    zadig: ZadigSettings = ZadigSettings()
    local: LocalSettings = LocalSettings()
    hooks: HooksSettings = HooksSettings()
    callback: Callback = Callback()
    jira: Jira = Jira()
    _file: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        mistakes = {
            f"{name}.{key}": text
            for name in type(self).model_fields
            if isinstance(section := getattr(self, name), Section)
            for key, text in section.mistakes().items()
        }
        mistakes |= dict(self._find_own_database())
        mistakes |= dict(self._find_repeated()) | dict(self._find_unknown()) | dict(self._find_stages_without_channel())
        if mistakes:
            raise SettingsError(mistakes)
        return self

    def _find_own_database(self) -> Iterator[tuple[str, str]]:
        """Yield a mistake for each database of sql jobs that is Fabu's own."""
        own = _place_of(self.database.url)
        for name, url in self.local.databases.items():
            if _place_of(url.get_secret_value()) == own:
                yield (
                    f"local.databases.{name}",
                    "this is Fabu's own database, in which an sql job could approve anything: name another",
                )

    def _find_repeated(self) -> Iterator[tuple[str, str]]:
        """Yield a mistake for each id, and each account in a chat, that is not of one person or group alone."""
        for path in ("people", "groups"):
            if twice := _find_duplicates(entry.id for entry in getattr(self, path)):
                yield path, f"several have the id {', '.join(twice)}: give each an id of its own"
        for chat in ("slack", "feishu", "dingtalk"):
            if twice := _find_duplicates(account for person in self.people if (account := getattr(person, chat))):
                yield f"people.{chat}", f"several people have the account {', '.join(twice)}: it is one person's"

    def _find_stages_without_channel(self) -> Iterator[tuple[str, str]]:
        """Yield a mistake for each gate or policy whose approvers would vote in a chat that is not enabled."""
        places = {f"zadig.gates[{index}]": gate.channel for index, gate in enumerate(self.zadig.gates)}
        places |= {place: stage.channel for place, stage in self._policy_stages()}
        for place, channel in places.items():
            chat = getattr(self, channel.platform, None)
            if chat is not None and not chat.enabled:
                cure = f"fill in the section {channel.platform}, or take the channel native"
                yield f"{place}.channel", f"{channel} is not enabled: {cure}"

    def _policy_stages(self) -> Iterator[tuple[str, StageEntry]]:
        for index, policy in enumerate(self.approval.policies):
            for number, stage in enumerate(policy.stages):
                yield f"approval.policies[{index}].stages[{number}]", stage

    def _find_unknown(self) -> Iterator[tuple[str, str]]:
        """Yield a mistake for each setting that names people or groups who are not in the settings."""
        known = {person.id for person in self.people} | {f"@{group.id}" for group in self.groups}
        named: dict[str, Iterable[str]] = {
            "auth.admins": self.auth.admins,
            **{f"groups[{index}].members": group.members for index, group in enumerate(self.groups)},
            **{f"zadig.gates[{index}].approvers": gate.approvers for index, gate in enumerate(self.zadig.gates)},
            "zadig.gate_manager": filter(None, [self.zadig.gate_manager]),
            **{f"{place}.approvers": stage.approvers for place, stage in self._policy_stages()},
            "local.allowed": {*self.local.allowed} - {"*"},
            **{f"approval.policies[{index}].executors": p.executors for index, p in enumerate(self.approval.policies)},
        }
        for path, names in named.items():
            if unknown := sorted(set(names) - known):
                yield path, f"nobody under [[people]] has the id {', '.join(unknown)}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Let the environment override the file."""
        return (env_settings, init_settings)

    @property
    def file(self) -> Path | None:
        """The file that the settings were read from, if there is one."""
        return self._file

    @property
    def public_url(self) -> str:
        """The URL under which people reach Fabu, without a slash at the end."""
        return (self.server.public_url or f"http://{self.server.host}:{self.server.port}").rstrip("/")


def _place_of(url: str) -> tuple[str, object]:
    """Return where a database is, without driver, account and options."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0].rpartition("@")[2]
    kind = scheme.partition("+")[0]
    return kind, Path(place.removeprefix("/")).resolve() if kind == "sqlite" else place


def _find_duplicates(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def secrets_in(value: object) -> Iterator[str]:
    """Yield the secrets in settings that are not empty."""
    match value:
        case SecretStr():
            yield from filter(None, [value.get_secret_value()])
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets_in(getattr(value, name))
        case Mapping():
            for inner in value.values():
                yield from secrets_in(inner)
        case tuple() | list():
            for inner in value:
                yield from secrets_in(inner)
        case _:
            pass


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings from a TOML file, if there is one, and from the environment.

    Raises OSError when the file cannot be read, tomllib.TOMLDecodeError when it is not TOML, and
    pydantic.ValidationError with every field that is wrong.
    """
    values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    settings = Settings(**values)
    settings._file = path
    return settings
