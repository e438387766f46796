"""The section `hooks` of the settings: the receivers, the events they get, and whether plans wait for a callback."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from adapters.common.settings import Section
from core.status import HookEvent
from core.text import Duration

_ALL = tuple(HookEvent)


class HookTarget(Section):
    """An external system that gets hooks."""

    name: str = Field("default", description="The name in delivery logs.", pattern=r"^[\w-]+$", max_length=32)
    url: str = Field(description="The URL that hooks are posted to.")
    secret: SecretStr = Field(SecretStr(""), description="The secret that signs hooks (Standard Webhooks, whsec_…).")
    previous_secret: SecretStr = Field(
        SecretStr(""), description="The previous secret, which signs as well during a rotation."
    )
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The events whose hooks it gets.")


class HooksSettings(Section):
    """Hooks to external systems: one endpoint written here, or several under [[hooks.endpoints]]."""

    url: str = Field("", description="The URL that hooks are posted to.")
    secret: SecretStr = Field(SecretStr(""), description="The secret that signs hooks (Standard Webhooks, whsec_…).")
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The events that send hooks.")
    endpoints: tuple[HookTarget, ...] = Field((), description="Several endpoints, each with its own events and secret.")
    wait_for_callback: bool = Field(True, description="Whether plans wait for the callback to a hook.")
    check_timeout: Duration = Field(timedelta(hours=1), description="How long a plan waits for a callback.")
    allow_internal: tuple[str, ...] = Field((), description="Internal networks (CIDR) that hooks may reach.")
    document_aliases: bool = Field(False, description="Add the field names of the document's tables beside Zadig's.")

    @property
    def targets(self) -> tuple[HookTarget, ...]:
        """All endpoints: the one of the short form, and those of the list."""
        if not self.url:
            return self.endpoints
        short = HookTarget(url=self.url, secret=self.secret, zadig_token=self.zadig_token, events=self.events)
        return (short, *self.endpoints)
