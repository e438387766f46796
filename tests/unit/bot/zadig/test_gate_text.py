from __future__ import annotations

from typing import Any

import pytest

from bot.i18n import Locale
from bot.zadig.gate_text import describe_plan
from core.errors import Invalid
from core.workflow import HookReleasePlan, ReleasePlanHook
from tests.fixtures import hook_example

LOCALE = Locale("en", "Asia/Shanghai")


def plan(*jobs: dict[str, Any], **more: Any) -> HookReleasePlan:
    return HookReleasePlan.model_validate({"id": "p", "jobs": jobs, **more})


def test_the_documents_example_reads_as_a_list_of_what_is_done() -> None:
    hook = ReleasePlanHook.model_validate(hook_example())
    lines = describe_plan(hook.release_plan, LOCALE).splitlines()
    assert lines[:3] == [
        "Release plan #52 of Zadig, manager: patrick",
        "Window: 2025-09-03 15:11 Asia/Shanghai – 2025-09-10 15:11 Asia/Shanghai",
        "Scheduled: 2025-09-03 17:50 Asia/Shanghai",
    ]
    for said in (
        "1. all: release-plan-hook-2 (yaml)",
        "   - sql / sql (sql): sql=show databases;",
        "   - freestyle / s-freestyle (freestyle): multi-service-demo",
        "4. text",
    ):
        assert said in lines


def test_markup_is_read_and_credentials_are_not_told() -> None:
    variables = [{"key": "TOKEN", "value": "hunter2", "is_credential": True}, {"key": "LEVEL", "value": "high"}]
    job = {"name": "run", "type": "freestyle", "spec": {"envs": variables}}
    workflow = {"name": "w", "project": "shop", "stages": [{"name": "s", "jobs": [job]}]}
    text = describe_plan(
        plan(
            {"name": "look", "type": "text", "spec": {"content": "<p>one</p><p>two &amp; three</p>"}},
            {"name": "go", "type": "workflow", "spec": {"workflow": workflow}},
            description="<p>Big <b>day</b></p>",
        ),
        LOCALE,
    )
    assert text.splitlines() == [
        "Release plan #0 of Zadig, manager: ",
        "Big day",
        "",
        "1. look",
        "one",
        "two & three",
        "",
        "2. go: w (shop)",
        "   - s / run (freestyle): TOKEN=********; LEVEL=high",
    ]


def test_a_job_that_nobody_knows_is_named() -> None:
    job = {"name": "track", "type": "tapd", "spec": None}
    workflow = {"name": "w", "project": "p", "stages": [{"name": "s", "jobs": [job]}]}
    text = describe_plan(plan({"name": "go", "type": "workflow", "spec": {"workflow": workflow}}), LOCALE)
    assert text.endswith("   - s / track (tapd)")


def test_what_cannot_be_seen_in_what_runs_is_shown() -> None:
    params = [{"name": "env", "value": "pro\u202ed", "type": "string"}]
    job = {"name": "run", "type": "sql", "spec": {"id": "shop", "sql": "drop\u200b table"}}
    workflow = {"name": "w", "project": "shop", "params": params, "stages": [{"name": "s", "jobs": [job]}]}
    text = describe_plan(plan({"name": "go", "type": "workflow", "spec": {"workflow": workflow}}), LOCALE)
    assert "env=pro⟨U+202E⟩d" in text
    assert "sql=drop⟨U+200B⟩ table" in text


@pytest.mark.parametrize("name", ["start_time", "end_time", "schedule_execute_time"])
def test_a_time_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        describe_plan(plan(**{name: 2**62}), LOCALE)
    assert [problem.path for problem in caught.value.problems] == [f"release_plan.{name}"]
