"""The check-up of hooks: the URL and the secrets of each target."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import ClientResponse, ClientTimeout

from adapters.common.connecting import open_head
from adapters.hooks.guard import guarded_session
from adapters.hooks.settings import HooksSettings, HookTarget
from adapters.hooks.signing import SecretError, decode_secret
from core.ports.checkup import Finding

_TIMEOUT = ClientTimeout(total=10, connect=5)


async def examine(settings: HooksSettings) -> list[Finding]:
    """Check each target: whether its URL is allowed and answers, and whether its secrets can be used."""
    findings = []
    for target in settings.targets:
        findings += [*_secrets(target), await _address(target, settings.allow_internal)]
    return findings


def _secrets(target: HookTarget) -> Iterator[Finding]:
    for secret in (target.secret, target.previous_secret):
        try:
            _ = secret.get_secret_value() and decode_secret(secret.get_secret_value())
        except SecretError as error:
            cure = "make one with `echo whsec_$(openssl rand -base64 32)`, for both sides"
            yield Finding(False, f"hook endpoint {target.name}: {error}", cure)


async def _address(target: HookTarget, allow_internal: tuple[str, ...]) -> Finding:
    async with guarded_session(allow_internal, _TIMEOUT) as session, open_head(session, target.url) as answer:
        reached = isinstance(answer, ClientResponse)
    text = f"hook endpoint {target.name}: {target.url} {'answers' if reached else f'is not reached ({answer})'}"
    return Finding(reached, text, "mend its url; an address of an intranet needs hooks.allow_internal")
