"""The section `hooks` of the settings: the receivers, the events they get, and whether plans wait for a callback."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from adapters.common.settings import HttpUrl, Section
from core.status import HookEvent
from core.text import Duration

_ALL = tuple(HookEvent)
_PREFIX = "whsec_"


class SecretError(ValueError):
    """A secret in the settings is not valid. The text does not contain the secret."""


def decode_secret(secret: str) -> bytes:
    """Return the key in `whsec_<base64>` or plain base64, padded or not.

    Raises:
        SecretError: it is empty or no base64.
    """
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretError("a webhook secret is base64, optionally after 'whsec_'") from error
    if not key:
        raise SecretError("a webhook secret must not be empty")
    return key


def _check_secret(secret: SecretStr) -> SecretStr:
    try:
        _ = secret and decode_secret(secret.get_secret_value())
    except SecretError as error:
        cure = "make one with `echo whsec_$(openssl rand -base64 32)`, for both sides"
        raise ValueError(f"{error}: {cure}") from None
    return secret


def _check_network(cidr: str) -> str:
    try:
        ip_network(cidr)
    except ValueError:
        raise ValueError("write a network such as 10.0.0.0/8, or one address") from None
    return cidr


WebhookSecret = Annotated[SecretStr, AfterValidator(_check_secret)]
"""A secret of Standard Webhooks, or nothing."""


class HookTarget(Section):
    """An external system that gets hooks."""

    name: str = Field("default", description="The name in delivery logs.", pattern=r"^[\w-]+$", max_length=32)
    url: HttpUrl = Field(min_length=1, description="The URL that hooks are posted to.")
    secret: WebhookSecret = Field(
        SecretStr(""), description="The secret that signs hooks (Standard Webhooks, whsec_…)."
    )
    previous_secret: WebhookSecret = Field(
        SecretStr(""), description="The previous secret, which signs as well during a rotation."
    )
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The events whose hooks it gets.")


class HooksSettings(Section):
    """Hooks to external systems: one endpoint written here, or several under [[hooks.endpoints]]."""

    url: HttpUrl = Field("", description="The URL that hooks are posted to.")
    secret: WebhookSecret = Field(
        SecretStr(""), description="The secret that signs hooks (Standard Webhooks, whsec_…)."
    )
    zadig_token: SecretStr = Field(SecretStr(""), description="Sent as X-Zadig-Token to receivers built for Zadig.")
    events: tuple[HookEvent, ...] = Field(_ALL, description="The events that send hooks.")
    endpoints: tuple[HookTarget, ...] = Field((), description="Several endpoints, each with its own events and secret.")
    wait_for_callback: bool = Field(True, description="Whether plans wait for the callback to a hook.")
    check_timeout: Duration = Field(timedelta(hours=1), description="How long a plan waits for a callback.")
    allow_internal: tuple[Annotated[str, AfterValidator(_check_network)], ...] = Field(
        (), description="Internal networks (CIDR) that hooks may reach."
    )
    document_aliases: bool = Field(False, description="Add the field names of the document's tables beside Zadig's.")

    @property
    def targets(self) -> tuple[HookTarget, ...]:
        """All endpoints: the one of the short form, and those of the list."""
        if not self.url:
            return self.endpoints
        short = HookTarget(url=self.url, secret=self.secret, zadig_token=self.zadig_token, events=self.events)
        return (short, *self.endpoints)

    def mistakes(self) -> Mapping[str, str]:
        """Return a mistake for endpoints of the same name: deliveries are addressed by it."""
        found = self.find_incomplete("url", (), ("secret", "zadig_token"))
        if twice := [name for name, count in Counter(target.name for target in self.targets).items() if count > 1]:
            found["endpoints"] = f"several are called {', '.join(twice)}: give each a name of its own"
        return found
