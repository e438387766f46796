"""The references in the documentation name every verb, status, field of a plan, job type and route, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import AliasChoices, BaseModel, TypeAdapter

from adapters.dingtalk.server import PATHS as DINGTALK_PATHS
from adapters.feishu.server import EVENTS_PATH as FEISHU_PATH
from adapters.local.isolation.base import Isolation
from adapters.slack.server import EVENTS_PATH as SLACK_PATH
from bot.app import run_app
from bot.chat.grammar import parse
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.services import SERVICES
from bot.verbs import ALIASES, WORDS
from bot.zadig import HOOK_PATH
from config.settings import Settings
from core import commands as c
from core.draft import PlanDraft, TextItemDraft, WorkflowItemDraft
from core.plan import Plan
from core.status import ENDED, ItemStatus, PlanStatus, RunStatus
from core.validate_workflow import _MORE_FIELDS, find_mistakes
from core.verbs import VERBS
from core.workflow import JobType, KeyVal, Repo, Workflow, WorkflowJob
from core.workflow.base import Wire
from core.workflow.workflow import KnownJob
from tests.pages import PAGES, find_blocks, find_rows, find_spans
from tests.waiting import eventually

ENGLISH, CHINESE = "", ".zh"
LANGUAGES = [ENGLISH, CHINESE]
"""The ends of the names of pages, before `.md`."""
HEADINGS = {
    "commands": ("## Commands", "## 命令"),
    "rights": ("## Who may do what", "## 谁可以做什么"),
    "plan": ("## The plan", "## 计划"),
    "items": ("## Items", "## 发布项"),
    "workflow": ("## Workflows", "## 工作流"),
    "repositories": ("## Repositories", "## 代码仓库"),
    "variables": ("## Variables", "## 变量"),
    PlanStatus.__name__: ("## Statuses of a plan", "## 计划状态"),
    ItemStatus.__name__: ("## Statuses of an item", "## 发布项状态"),
    RunStatus.__name__: ("## Statuses of a run", "## 运行状态"),
}
JOBS = {str(job.model_fields["type"].default.value): job for job in get_args(get_args(KnownJob)[0])}
"""The models of jobs by their type."""
SPRINT = {"sprint_id", "sprint_name", "board_id", "project_key", "project_name"}


def rows(page: str, language: str, heading: str) -> list[list[str]]:
    return find_rows(f"docs/{page}{language}.md", HEADINGS[heading][LANGUAGES.index(language)])


def keys(table: Iterable[list[str]]) -> list[str]:
    return [key for row in table for key in find_spans(row[0])]


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for each in get_args(annotation) if (model := model_in(each))), None)


def paths(model: type[BaseModel], *leaves: type[BaseModel]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the path of each field, and the other names that it is read by. `leaves` have tables of their own."""
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        others = tuple(map(str, alias.choices[1:])) if isinstance(alias, AliasChoices) else ()
        inner, many = model_in(field.annotation), "[]" if "tuple" in str(field.annotation) else ""
        written = field.serialization_alias or name
        if inner and inner not in leaves:
            for path, more in paths(inner, *leaves):
                yield f"{written}{many}.{path}", others + more
        else:
            yield written, others
    if issubclass(model, Wire):
        yield from ((name, ()) for name in _MORE_FIELDS.get(model, ()) if name != "is_sensitive")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_of_the_chats_has_its_words(language: str) -> None:
    locale = Locale("zh_CN" if language else "en", "UTC")
    found = {}
    for usage, others, _ in rows("commands", language, "commands"):
        [written] = find_spans(usage)
        verb = parse(written).verb
        assert verb is not None
        assert written == locale.text(WORDS[verb].usage).partition("：" if language else ": ")[0]
        found[verb] = {written.split()[0], *find_spans(others)}
    assert found == {verb: {verb.value, *aliases} for verb, aliases in ALIASES.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verb_has_its_statuses(language: str) -> None:
    found: dict[str, set[str]] = {}
    for verbs, statuses, _ in rows("commands", language, "rights"):
        named = set(find_spans(statuses))
        if statuses.startswith(("all but", "除")):
            named = {status.value for status in PlanStatus} - named
        found |= dict.fromkeys(find_spans(verbs), named)
    assert found == {verb.value: {status.value for status in spec.statuses} for verb, spec in VERBS.items()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("statuses", [PlanStatus, ItemStatus, RunStatus])
def test_every_status_has_its_name(statuses: Any, language: str) -> None:
    locale = Locale("zh_CN" if language else "en", "UTC")
    found = {find_spans(value)[0]: name for value, name, _ in rows("commands", language, statuses.__name__)}
    assert found == {status.value: locale.text(label(status)) for status in statuses}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_a_plan_is_there(language: str) -> None:
    page = "plan-file"
    sprints = {f"jira_sprints[].{name}" for name in SPRINT}
    drafted = {path for path, _ in paths(PlanDraft, TextItemDraft, WorkflowItemDraft)} - {"jira_sprints"}
    assert sorted(keys(rows(page, language, "plan"))) == sorted(drafted | sprints | {"number"})
    items = {path for model in (TextItemDraft, WorkflowItemDraft) for path, _ in paths(model, Workflow)}
    assert sorted(keys(rows(page, language, "items"))) == sorted(items)
    job = {f"stages[].jobs[].{name}" for name in ("name", "type", "spec", "run_policy")}
    workflow = {path for path, _ in paths(Workflow, Repo) if not path.startswith("stages[].jobs")} | job
    assert sorted(keys(rows(page, language, "workflow"))) == sorted(workflow)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_a_job_is_there(language: str) -> None:
    text = PAGES[f"docs/job-types{language}.md"]
    assert set(JOBS) == set(JobType)
    for kind, job in JOBS.items():
        spec = model_in(job.model_fields["spec"].annotation)
        assert spec is not None
        table = find_rows(f"docs/job-types{language}.md", f"## `{kind}`")
        named = dict(paths(spec, Repo, KeyVal))
        more = {"database_name"} if kind == JobType.SQL else set()
        assert sorted(keys(table)) == sorted(named.keys() - more), kind
        for other in {name for others in named.values() for name in others} | more:
            assert f"`{other}`" in text
    for heading, model in (("repositories", Repo), ("variables", KeyVal)):
        assert sorted(keys(rows("job-types", language, heading))) == sorted(path for path, _ in paths(model))


PLANS = [
    block for page in PAGES.values() for block in find_blocks("yaml", page) if "items" in (yaml.safe_load(block) or {})
]
EXAMPLES = find_blocks("yaml", PAGES["docs/job-types.md"])


@pytest.mark.parametrize("text", PLANS)
def test_plans_can_be_read(text: str) -> None:
    plan = PlanDraft.model_validate(yaml.safe_load(text))
    for item in plan.items:
        if isinstance(item, WorkflowItemDraft):
            assert list(find_mistakes(item.workflow, item.runner)) == []


def test_each_job_type_has_an_example_without_mistakes() -> None:
    jobs = [TypeAdapter(WorkflowJob).validate_python(yaml.safe_load(text)) for text in EXAMPLES]
    assert [str(job.type) for job in jobs] == [heading.strip("# `") for heading in headings()]
    for job in jobs:
        workflow = Workflow.model_validate({"name": "example", "stages": [{"name": "all", "jobs": [job.dump_given()]}]})
        assert list(find_mistakes(workflow, "local" if job.type in ("freestyle", "sql") else "zadig")) == []
    assert find_blocks("yaml", PAGES["docs/job-types.zh.md"]) == EXAMPLES


def headings() -> list[str]:
    return [line for line in PAGES["docs/job-types.md"].splitlines() if line.startswith("## `")]


async def test_the_examples_of_the_local_runner_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Isolation, "confines", True)  # else scripts need approval where there is no bubblewrap
    settings = Settings.model_validate(
        {
            "server": {"secret_key": "k" * 64},
            "database": {"url": "memory://"},
            "people": [{"id": "alice"}],
            "approval": {"required": "none"},
            "local": {"work_dir": str(tmp_path), "databases": {"shop": f"sqlite:///{tmp_path}/shop.db"}},
        }
    )
    jobs = [yaml.safe_load(text) for text in EXAMPLES[:2]]
    stages = [{"name": "all", "jobs": jobs}]
    item = {"key": "run", "name": "Run", "type": "workflow", "workflow": {"name": "example", "stages": stages}}
    async with run_app(settings) as app:
        services = app[SERVICES]
        alice, plan_id = services.engine.directory.actor("alice", "api"), services.ids.new_plan()
        content = PlanDraft.model_validate({"name": "Examples", "items": [item]})
        await services.engine.execute(c.Create(plan_id=plan_id, draft=content), alice)
        await services.engine.execute(c.Submit(plan_id=plan_id), alice)
        [item_id] = (await read_plan(services, plan_id)).items
        await services.engine.execute(c.Execute(plan_id=plan_id, item_id=item_id), alice)
        plan = await eventually(
            read_plan, services, plan_id, wanted=lambda plan: plan.status in ENDED or plan.tally.failed
        )
        assert plan.status is PlanStatus.SUCCESS
    outputs = read_outputs(tmp_path)
    assert "rolling out in eu, attempt 1" in outputs
    assert "rows: 1" in outputs


def read_outputs(folder: Path) -> str:
    return b"".join(path.read_bytes() for path in folder.rglob("output.*")).decode()


async def read_plan(services: Any, plan_id: str) -> Plan:
    plan: Plan = await services.store.read(lambda reading: reading.plans.get(plan_id, whole=True))
    return plan


async def test_every_route_is_in_the_table_of_paths() -> None:
    listed = keys(find_rows("docs/operations.md", "## Proxy in front"))
    settings = {"server": {"secret_key": "k" * 64}, "database": {"url": "memory://"}, "local": {"enabled": False}}
    async with run_app(Settings.model_validate(settings)) as app:
        routes = {resource.canonical for resource in app.router.resources()}
    routes |= {SLACK_PATH, FEISHU_PATH, *DINGTALK_PATHS, HOOK_PATH}
    assert {route for route in routes if not any(is_below(route, path) for path in listed)} == {"/runners/{name}/push"}
    assert {path for path in listed if not any(is_below(route, path) for route in routes)} == {"/runners/zadig/push"}


def is_below(route: str, path: str) -> bool:
    """Return whether a route is the path, or below it; of `/` only itself is."""
    return route == path or (path != "/" and route.startswith(path))
