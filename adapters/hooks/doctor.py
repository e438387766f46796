"""The check-up of hooks: the URL of each target."""

from __future__ import annotations

from aiohttp import ClientResponse, ClientTimeout

from adapters.common.connecting import open_head
from adapters.hooks.guard import guarded_session
from adapters.hooks.settings import HooksSettings, HookTarget
from core.ports.checkup import Finding

_TIMEOUT = ClientTimeout(total=10, connect=5)


async def examine(settings: HooksSettings) -> list[Finding]:
    """Check each target: whether its URL is allowed and answers."""
    return [await _address(target, settings.allow_internal) for target in settings.targets]


async def _address(target: HookTarget, allow_internal: tuple[str, ...]) -> Finding:
    async with guarded_session(allow_internal, _TIMEOUT) as session, open_head(session, target.url) as answer:
        reached = isinstance(answer, ClientResponse)
    text = f"hook endpoint {target.name}: {target.url} {'answers' if reached else f'is not reached ({answer})'}"
    return Finding(reached, text, "mend its url; an address of an intranet needs hooks.allow_internal")
