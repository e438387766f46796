"""The health endpoints: `/healthz` (this process is alive) and `/readyz` (it can serve requests)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from pydantic import BaseModel

from bot.api.request import json_response
from bot.disks import DATABASE, Disks
from bot.services import SERVICES
from core.errors import FabuError
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a check may take."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE = "readyz"
"""The key of a request that nobody sends."""

ReadinessCheck = Callable[[], Awaitable[str]]
"""Returns why the process is not ready; an empty text when it is."""
READINESS = web.AppKey("readiness", dict[str, ReadinessCheck])
"""Checks by name, beside that of the store. Add to them before the application starts."""
DISKS = web.AppKey("disks", Disks)
"""The disks that the process writes to."""


class LivenessAnswer(BaseModel):
    """The answer of every process that is alive."""

    status: str = "alive"


class ReadinessAnswer(BaseModel):
    """Whether the process is ready; `reasons` has the reasons against it, by the name of the check.

    `details` has what does not work although the process is ready, by the destination of the deliveries, and disks of
    which little is left.
    """

    status: str
    reasons: dict[str, str]
    details: dict[str, str]


async def show_liveness(_: web.Request) -> web.Response:
    """Answer `/healthz` without a check: a slow database must not be a reason to kill the process."""
    return json_response(LivenessAnswer())


async def show_readiness(request: web.Request) -> web.Response:
    """Answer `/readyz`: 200 with the destinations that cannot be reached, or 503 with the reasons."""
    store, others = request.config_dict[SERVICES].store, request.config_dict[READINESS]
    disks = request.config_dict[DISKS]
    short = dict(await disks.find_shortages())
    checks: dict[str, ReadinessCheck] = {"store": lambda: probe_store(store), **others}
    results = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
    reasons = {name: reason for name, reason in zip(checks, results, strict=True) if reason}
    if shortage := short.pop(DATABASE, ""):
        reasons["disk"] = f"{DATABASE}: {shortage}; make room there"
    if disks.damage:
        reasons["database"] = disks.damage
    details = {} if reasons else await _describe_failing(store) | short
    answer = ReadinessAnswer(status="unready" if reasons else "ready", reasons=reasons, details=details)
    return json_response(answer, 503 if reasons else 200)


async def probe_store(store: Store) -> str:
    """Read from the store, and commit a transaction that writes. Raises Unavailable when either fails."""
    await store.read(lambda reading: reading.people.tokens("nobody"))
    await store.write(_write)
    return ""


def _write(writing: Writing) -> None:
    """Write something that leaves nothing behind: a transaction that changes nothing succeeds on a full disk, too."""
    writing.requests.claim(_PROBE, _LONG_AGO)
    writing.requests.disclaim(_PROBE)


async def _describe_failing(store: Store) -> dict[str, str]:
    """Return how many deliveries are tried again, by destination; the reasons are for those who may read deliveries."""
    failing = await store.read(lambda reading: reading.deliveries.failing())
    return {
        str(destination): f"{number} to be tried again after a failure; `fabu deliveries list` has the reasons"
        for destination, number in failing.items()
    }


async def _run(name: str, check: ReadinessCheck) -> str:
    """Run a check and return its reason, or the error that it raised."""
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
