from __future__ import annotations

import pytest

from bot import disks
from bot.api import health
from bot.api.health import READINESS
from core.errors import Unavailable
from tests.unit.bot.api.serving import Site
from tests.waiting import eventually
from tests.worlds import text_item


async def test_a_process_is_alive_and_ready(fabu: Site) -> None:
    async with fabu.client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "alive"})
    async with fabu.client.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ready", "reasons": {}, "details": {}})


async def test_every_reason_against_readiness_is_told(fabu: Site) -> None:
    async def outdated() -> str:
        return "run: fabu db upgrade"

    async def down() -> str:
        raise Unavailable

    async def broken() -> str:
        raise ZeroDivisionError("detail")

    async def slow() -> str:
        raise TimeoutError

    fabu.client.app[READINESS].update(migrations=outdated, disk=down, odd=broken, slow=slow)
    async with fabu.client.get("/readyz") as response:
        assert response.status == 503
        reasons = (await response.json())["reasons"]
    assert reasons == {
        "migrations": "run: fabu db upgrade",
        "disk": Unavailable.message,
        "odd": "failed; the log tells more",
        "slow": f"no answer within {health.PATIENCE:g} seconds",
    }
    async with fabu.client.get("/healthz") as response:
        assert response.status == 200


async def test_a_nearly_full_disk_is_a_detail_or_a_reason(fabu: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    short = "1.0 MB are left on its disk"
    monkeypatch.setattr(disks, "find_shortage", lambda folder: short if folder.name == "runs" else "")
    async with fabu.client.get("/readyz") as response:
        assert (response.status, (await response.json())["details"]) == (200, {"local runs": short})
    monkeypatch.setattr(disks, "find_shortage", lambda _: short)
    async with fabu.client.get("/readyz") as response:
        reasons = (await response.json())["reasons"]
    assert (response.status, reasons) == (503, {"disk": f"the database: {short}; make room there"})


async def metrics(fabu: Site) -> dict[str, float]:
    async with fabu.client.get("/metrics") as response:
        assert response.status == 200
        lines = [line for line in (await response.text()).splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def test_metrics_tell_of_requests_plans_and_commits(fabu: Site) -> None:
    await fabu.plan()
    plan = await fabu.executing(items=[text_item("a")])
    await fabu.ask("POST", f"/plans/{plan['id']}/items/a/execute")
    await fabu.ask("GET", "/plans/99")
    found = await metrics(fabu)
    assert found['fabu_http_requests_total{method="POST",route="/api/v1/plans",status="201"}'] == 2
    assert found['fabu_http_requests_total{method="GET",route="/api/v1/plans/{id}",status="404"}'] == 1
    assert found['fabu_http_request_seconds_count{method="POST",route="/api/v1/plans"}'] == 2
    assert found['fabu_plans{status="planning"}'] == 1
    assert found['fabu_plans{status="success"}'] == 1
    assert found["fabu_commits_total"] == 4
    assert found["fabu_store_up"] == 1
    assert sum(value for name, value in found.items() if name.startswith("fabu_deliveries{")) == 4


async def test_the_counts_of_a_store_that_does_not_answer_are_left_out(
    fabu: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(_: object) -> None:
        raise Unavailable

    await fabu.plan()
    assert (await metrics(fabu))['fabu_plans{status="planning"}'] == 1
    with monkeypatch.context() as outage:
        outage.setattr(fabu.services.store, "read", unreadable)
        found = await metrics(fabu)
    assert found["fabu_store_up"] == 0
    assert [name for name in found if name.startswith(("fabu_plans", "fabu_deliveries"))] == []
    assert (await metrics(fabu))['fabu_plans{status="planning"}'] == 1


async def test_strange_methods_make_no_new_series(fabu: Site) -> None:
    for method in ("PROPFIND", "MKCOL"):
        async with fabu.client.request(method, "/plans") as response:
            assert response.status == 404
    assert (await metrics(fabu))['fabu_http_requests_total{method="other",route="unknown",status="404"}'] == 2


async def test_the_lag_of_the_event_loop_is_measured(fabu: Site) -> None:
    lag = "fabu_event_loop_lag_seconds"
    assert (await metrics(fabu))[lag] == 0
    await eventually(metrics, fabu, wanted=lambda found: found[lag] > 0)
