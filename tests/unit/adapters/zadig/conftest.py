from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.zadig.client import ZadigClient, open_session
from core.workflow import Workflow
from tests.simulators.zadig import Zadig


@pytest.fixture
async def zadig() -> AsyncIterator[Zadig]:
    async with Zadig() as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with open_session(timeout=2.0) as opened:
        yield opened


@pytest.fixture
def client(zadig: Zadig, session: ClientSession) -> ZadigClient:
    return ZadigClient(session, zadig.url, zadig.token)


def workflow(*jobs: dict[str, Any], params: tuple[dict[str, Any], ...] = ()) -> Workflow:
    """Return a workflow with all jobs in one stage, as a plan would hold it."""
    return Workflow.model_validate(
        {"name": "shop-release", "params": list(params), "stages": [{"name": "all", "jobs": list(jobs)}]}
    )


def script(**spec: Any) -> dict[str, Any]:
    """Return the job `script`."""
    return {"name": "script", "type": "freestyle", "spec": spec}


def build(*services: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return the job `build`."""
    return {"name": "build", "type": "zadig-build", "spec": {"service_and_builds": list(services)} | spec}


def orders(**more: Any) -> dict[str, Any]:
    """Return the service `orders` of a build."""
    return {"service_name": "orders", "service_module": "orders"} | more
