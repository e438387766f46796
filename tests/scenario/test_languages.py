"""What the system says of a run is read in the reader's language, in each chat; programs get it in English."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.outbox import runs
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.vocabulary import Office
from tests.scenario.office import Json
from tests.scenario.zadig_case import HOOK_TOKEN
from tests.simulators.zadig import Zadig
from tests.waiting import eventually

SLOW = {"name": "go", "type": "freestyle", "spec": {"script": "sleep 60", "timeout": "1s"}}
BUILD = {"name": "script", "type": "freestyle", "spec": {}}


def workflow(key: str, runner: str, job: Json, name: str) -> Json:
    fields = {"key": key, "name": key.title(), "type": "workflow", "runner": runner, "project": "shop"}
    return fields | {"workflow": {"name": name, "stages": [{"name": "build", "jobs": [job]}]}}


@pytest.fixture
async def zadig() -> AsyncIterator[Zadig]:
    async with Zadig() as zadig:
        yield zadig


@pytest.fixture(params=VENDORS)
async def office(
    tmp_path: Path, request: pytest.FixtureRequest, zadig: Zadig, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office[Any, Any]]:
    """A Fabu that speaks Chinese, with one chat, and gives up a start at once."""
    monkeypatch.setattr(runs, "_MAX_ATTEMPTS", 1)
    section = {"url": zadig.url, "token": zadig.token, "hook_token": HOOK_TOKEN}
    async with VENDORS[request.param].office(tmp_path, language="zh_CN", others={"zadig": section}) as opened:
        yield opened


async def test_why_a_run_did_not_pass(office: Office[Any, Any], zadig: Zadig) -> None:
    fabu = office.fabu
    await fabu.submitted(workflow("slow", "local", SLOW, "w"), workflow("deploy", "zadig", BUILD, "shop-release"))
    zadig.fail("detail", status=502)
    for item in ("slow", "deploy"):
        await office.alice.says(f"执行 1 {item}")
        await eventually(fabu.item, item, wanted=lambda now: now["status"] == "failed")
    await office.channel_card("build/go：未在 1s 内完成", "网关返回 502")
    await office.alice.until(lambda: "系统：“Deploy”：失败 — 网关返回 502" in office.thread())
    assert "系统：“Slow”：超时 — build/go：未在 1s 内完成" in office.thread()

    messages = [item["run"]["message"] for item in (await fabu.plan())["items"]]
    assert messages == ["build/go: not done within 1s", "its gateway answered 502"]
    ends = [entry.details["message"] for entry in await fabu.log() if entry.event == "run_ended"]
    assert ends == messages


async def test_what_could_not_be_delivered(office: Office[Any, Any], zadig: Zadig) -> None:
    await office.fabu.submitted(workflow("deploy", "zadig", BUILD, "shop-release"))
    zadig.fail("detail", status=502)
    await office.alice.says("执行 1 deploy")
    await eventually(office.fabu.item, "deploy", wanted=lambda now: now["status"] == "failed")
    sentence = "Zadig 未接受请求：网关返回 502"
    await eventually(office.alice.asks, "投递", wanted=lambda card: sentence in card)
