"""Whether this process lives, and whether it should get requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from pydantic import BaseModel

from bot.api.request import json_response
from bot.services import SERVICES
from core.errors import FabuError
from core.ports.store import Store

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a check may take."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Readiness = Callable[[], Awaitable[str]]
"""Tells why the process is not ready; empty when it is."""
READINESS = web.AppKey("readiness", dict[str, Readiness])
"""The checks by name. `bot.app` may add to them before the application starts."""


class Alive(BaseModel):
    """The answer of a process that lives."""

    status: str = "alive"


class Ready(BaseModel):
    """Whether the process is ready; `reasons` tells why not, by the name of the check."""

    status: str
    reasons: dict[str, str]


async def alive(_: web.Request) -> web.Response:
    """Answer `/healthz`: nothing is asked, so that a slow database makes nobody kill the process."""
    return json_response(Alive())


async def ready(request: web.Request) -> web.Response:
    """Answer `/readyz`: 200, or 503 with the reasons."""
    store, others = request.config_dict[SERVICES].store, request.config_dict[READINESS]
    checks: dict[str, Readiness] = {"store": lambda: usable(store), **others}
    told = await asyncio.gather(*(_reason(name, check) for name, check in checks.items()))
    reasons = {name: reason for name, reason in zip(checks, told, strict=True) if reason}
    return json_response(Ready(status="unready" if reasons else "ready", reasons=reasons), 503 if reasons else 200)


async def usable(store: Store) -> str:
    """Read from the store, and begin and end a transaction that writes nothing."""
    await store.read(lambda reading: reading.people.tokens("nobody"))
    await store.write(lambda writing: writing.requests.forget(_LONG_AGO))
    return ""


async def _reason(name: str, check: Readiness) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} seconds"
    except FabuError as error:
        return str(error)
    except Exception:
        log.exception("the check of %s failed", name)
        return "failed; the log tells more"
