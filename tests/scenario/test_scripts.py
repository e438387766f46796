"""Who writes scripts, and what a script reaches of the server that runs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bot.app import run_app
from config.settings import Settings
from core.ports.runner import Embedded
from tests.scenario.office import Fabu, Json, script, step
from tests.services import require_bubblewrap

SECRET = "pa55-of-the-chat"
TRIES = """
set +e
tr '\\0' '\\n' < /proc/{server}/environ
cat {folder}/fabu.key {folder}/fabu.db
find / -name fabu.key 2>/dev/null
ls {folder}/runs | grep -v "$(basename "$(dirname "$PWD")")"
touch {folder}/written
true
"""


@pytest.fixture
def scripts_need_no_approval() -> None:
    """Scripts are what they are on a server."""


@pytest.fixture
def sections(request: pytest.FixtureRequest) -> dict[str, Any]:
    local: dict[str, Any] = getattr(request, "param", {})
    if local.get("isolation") == "bwrap":
        require_bubblewrap()
    return {"local": local}


async def refusal(fabu: Fabu, method: str, path: str, body: Json, by: str) -> str:
    """Return the problems of a request that is refused as a whole."""
    status, answer = await fabu.request(method, f"/api/v1{path}", body, by=by)
    assert status == 422, answer
    return str(answer)


@pytest.mark.parametrize("sections", [{"isolation": "bwrap"}], indirect=True)
async def test_a_script_reaches_nothing_of_the_server(
    fabu: Fabu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABU__SLACK__BOT_TOKEN", SECRET)
    key = (tmp_path / "fabu.key").read_text().strip()
    await fabu.submitted(script("deploy", TRIES.format(server=os.getpid(), folder=tmp_path)))
    await fabu.api("POST", "/plans/1/items/deploy/execute", {})
    await fabu.until_status("success")
    runner = fabu.services.runs.runners["local"]
    assert isinstance(runner, Embedded)
    output = runner.output((await fabu.item("deploy"))["run"]["id"])
    assert output.count("No such file or directory") == 3, output
    for told in (key, SECRET, "SQLite format", f"{tmp_path}/fabu.key\n"):
        assert told not in output
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("sections", [{"isolation": "none"}], indirect=True)
async def test_a_script_that_nothing_confines_needs_the_vote_of_somebody_else(fabu: Fabu) -> None:
    """The settings of these tests demand no approval."""
    plan = await fabu.draft(script("deploy", "true"))
    assert "somebody who did not write this plan must approve it" in await refusal(
        fabu, "POST", f"/plans/{plan['id']}/submit", {}, "alice"
    )
    assert (await fabu.submitted(step("notes")))["status"] == "executing"


@pytest.mark.parametrize("sections", [{"allowed": ["alice"]}], indirect=True)
async def test_only_those_of_the_settings_put_scripts_into_plans(fabu: Fabu) -> None:
    deploy = script("deploy", "true")
    plan = await fabu.draft(deploy, collaborators=["bob"])
    notes = await fabu.draft(step("notes"), by="bob")
    tries: list[tuple[str, str, Json]] = [
        ("POST", "/plans", {"name": "Mine", "items": [deploy]}),
        ("POST", f"/plans/{plan['id']}/copy", {}),
        ("PATCH", f"/plans/{notes['id']}", {"items": [deploy]}),
        ("PATCH", f"/plans/{plan['id']}", {"description": "a word"}),
    ]
    for method, path, body in tries:
        assert "bob may not put workflows of the runner local" in await refusal(fabu, method, path, body, "bob"), path


@pytest.mark.parametrize("kind", ["none", "bwrap"])
async def test_the_log_says_at_the_start_what_scripts_reach(
    written: Json, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    if kind == "bwrap":
        require_bubblewrap()
    caplog.set_level("INFO")
    async with run_app(Settings.model_validate({**written, "local": {"isolation": kind}})):
        pass
    [record] = [record for record in caplog.records if record.getMessage().startswith("scripts run ")]
    assert (record.levelname == "WARNING") is (kind == "none")
    assert ("in anybody's name" in record.getMessage()) is (kind == "none")
