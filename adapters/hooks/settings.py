"""The section of the settings on hooks: to whom they go, at which events, and whether plans wait for an answer."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from adapters.common.settings import Section
from core.status import HookEvent
from core.text import Duration

_ALL = tuple(HookEvent)


class HookTarget(Section):
    """An external system that is told of plans."""

    name: str = Field("default", description="The name in delivery logs.", pattern=r"^[\w-]+$", max_length=32)
    url: str = Field(description="Where the hook is posted to.")
    secret: SecretStr = Field(SecretStr(""), description="Signs the hook (Standard Webhooks, whsec_…).")
    previous_secret: SecretStr = Field(
        SecretStr(""), description="Signs it as well, while the secret is being changed."
    )
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The moments it is told of.")


class HooksSettings(Section):
    """Hooks to external systems: one endpoint written here, or several under [[hooks.endpoints]]."""

    url: str = Field("", description="Where hooks are posted to.")
    secret: SecretStr = Field(SecretStr(""), description="Signs hooks (Standard Webhooks, whsec_…).")
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The moments that are told.")
    endpoints: tuple[HookTarget, ...] = Field((), description="Several endpoints, each with its own events and secret.")
    wait_for_callback: bool = Field(True, description="Hold plans at the told moments until the callback.")
    check_timeout: Duration = Field(timedelta(hours=1), description="How long a plan waits for a callback.")
    allow_internal: tuple[str, ...] = Field((), description="Internal networks (CIDR) that hooks may reach.")
    document_aliases: bool = Field(False, description="Add the field names of the document's tables beside Zadig's.")

    @property
    def targets(self) -> tuple[HookTarget, ...]:
        """The endpoint written in short form, and those of the list."""
        if not self.url:
            return self.endpoints
        short = HookTarget(url=self.url, secret=self.secret, zadig_token=self.zadig_token, events=self.events)
        return (short, *self.endpoints)
