"""Mistakes in workflows that people write: each is found with its path and its cure, and no secret is repeated."""

from __future__ import annotations

from typing import Any

import pytest

from core import commands as c
from core.draft import PlanPatch
from core.errors import Invalid
from core.validate_workflow import find_mistakes
from core.workflow import MASK, OTHER_TYPES, JobType, Workflow
from tests.worlds import World, draft, workflow_item

NO_FIELD = "there is no such field; did you mean {}?"
POLICIES = "write one of: default_not_run, force_run, skip"
NO_TYPE = "there is no such job type; did you mean {}?"
REPOSITORIES = "write one of: github, gitlab, gerrit, gitee, gitee-enterprise, perforce, codehub, other"
NO_CHOICE = "choose one of the values in choice_option"


def workflow(*jobs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"stages": [{"name": "s", "jobs": jobs}], **fields}


def job(kind: str = "freestyle", **fields: Any) -> dict[str, Any]:
    return {"name": "j", "type": kind, "spec": {}, **fields}


def param(**fields: Any) -> dict[str, Any]:
    return workflow(params=[{"name": "P", **fields}])


def found(document: dict[str, Any], runner: str = "local") -> list[tuple[str, str]]:
    problems = find_mistakes(Workflow.model_validate(document), runner)
    return [(problem.path, problem.message.format(**problem.params)) for problem in problems]


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        (workflow(job(run_polcy="skip")), "stages[0].jobs[0].run_polcy", NO_FIELD.format("run_policy")),
        (workflow(job(spec={"scirpt": "true"})), "stages[0].jobs[0].spec.scirpt", NO_FIELD.format("script")),
        (workflow(job("tapd", run_polcy="skip")), "stages[0].jobs[0].run_polcy", NO_FIELD.format("run_policy")),
        (workflow(paramz=[]), "paramz", NO_FIELD.format("params")),
        (workflow(qqqq=[]), "qqqq", "there is no such field"),
        (param(value="s3cret", is_credentials=True), "params[0].is_credentials", NO_FIELD.format("is_credential")),
        (param(repo={"branhc": "main"}), "params[0].repo.branhc", NO_FIELD.format("branch")),
        (
            workflow(job(run_policy="never")),
            "stages[0].jobs[0].run_policy",
            "write one of: default_not_run, force_run, skip",
        ),
        (
            param(type="chioce"),
            "params[0].type",
            "write one of: string, text, choice, repo, multi-select, file",
        ),
        (param(source="runtim"), "params[0].source", "write one of: runtime, fixed, reference"),
        (param(repo={"source": "gitlba"}), "params[0].repo.source", REPOSITORIES),
        (
            workflow(job("zadig-biuld")),
            "stages[0].jobs[0].type",
            "there is no such job type; did you mean zadig-build?",
        ),
        (workflow(job("pluging")), "stages[0].jobs[0].type", NO_TYPE.format("plugin")),
        (workflow(job("custom_deploy")), "stages[0].jobs[0].type", NO_TYPE.format("custom-deploy")),
        (param(type="choice", choice_options=["a", "b"], value="c"), "params[0].value", NO_CHOICE),
        (param(type="choice", choice_option=["a", "b"], default="c"), "params[0].default", NO_CHOICE),
        (workflow(disabled=True), "disabled", "a disabled workflow does not run; set this to false, or leave it out"),
    ],
)
def test_a_mistake_is_found(document: dict[str, Any], path: str, message: str) -> None:
    assert found(document) == [(path, message)]


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("zadig-test", {"test_modules": [{"key_vals": [{"valeu": "1"}]}]}, "test_modules[0].key_vals[0].valeu"),
        ("zadig-build", {"service_and_builds": [{"repos": [{"tga": "v1"}]}]}, "service_and_builds[0].repos[0].tga"),
        ("zadig-deploy", {"services": [{"value_merge_strategy": "reuse"}]}, "services[0].value_merge_strategy"),
        ("zadig-deploy", {"deploy_contents": ["image", "envs"]}, "deploy_contents"),
        ("zadig-vm-deploy", {"service_and_vm_deploys": [{"image_tag": "1"}]}, "service_and_vm_deploys[0].image_tag"),
        ("zadig-test", {"test_modules": [{"nmae": "smoke"}]}, "test_modules[0].nmae"),
        ("zadig-scanning", {"scannings": [{"nmae": "sonar"}]}, "scannings[0].nmae"),
        ("apollo", {"namespaceList": [{"kvs": []}]}, "namespaceList[0].kvs"),
        ("nacos", {"nacos_datas": [{"contnet": ""}]}, "nacos_datas[0].contnet"),
        ("sql", {"sqls": "SELECT 1"}, "sqls"),
        ("freestyle", {"freestyle_type": "services"}, "freestyle_type"),
        ("zadig-distribute-image", {"distribute_method": "push"}, "distribute_method"),
        *(
            (kind, {"source": "from-job"}, "source")
            for kind in ("zadig-build", "zadig-deploy", "zadig-vm-deploy", "freestyle", "zadig-test", "zadig-scanning",
                         "zadig-distribute-image", "nacos", "sql")
        ),
        ("zadig-deploy", {"env_source": "runtme"}, "env_source"),
        ("zadig-vm-deploy", {"env_source": "runtme"}, "env_source"),
        ("zadig-build", {"service_and_builds": [{"key_vals": [{"source": "x"}]}]},
         "service_and_builds[0].key_vals[0].source"),
        ("sql", {"type": "postgresql"}, "type"),
        (
            "freestyle",
            {"envs": [{"key": "K", "type": "multi-select", "choice_option": ["a", "b"], "choice_value": ["a", "c"]}]},
            "envs[0].choice_value",
        ),
    ],
)  # fmt: skip
def test_every_job_type_is_judged(kind: str, spec: dict[str, Any], path: str) -> None:
    assert [place for place, _ in found(workflow(job(kind, spec=spec)))] == [f"stages[0].jobs[0].spec.{path}"]


@pytest.mark.parametrize(
    "document",
    [
        *(workflow(job(kind)) for kind in JobType),
        *(workflow(job(kind, spec={"any": 1})) for kind in OTHER_TYPES | {"a-type-of-2030"}),
        param(type="choice", choice_option=["a"], value="a", default="a"),
        param(type="choice", choice_option=["a"], value=MASK, is_credential=True),
        param(type="choice", choice_option=[MASK], value="a", is_credential=True),
        param(value="x", is_sensitive=True),
        workflow(job("zadig-build", spec={"registry": "r"}), job("sql", spec={"database_name": "d"})),
        workflow(job("zadig-scanning", spec={"scannings_type": "", "scannings_modules": []})),
    ],
)
def test_what_has_a_meaning_is_accepted(document: dict[str, Any]) -> None:
    assert found(document) == []


@pytest.mark.parametrize("kind", ["zadig-build", "zadig-deploy", "freestyle", "zadig-distribute-image"])
@pytest.mark.parametrize("source", ["", "runtime", "fixed", "fromjob"])
def test_sources_of_services_are_accepted(kind: str, source: str) -> None:
    assert found(workflow(job(kind, spec={"source": source}))) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"run_polcy": "skip"}, "run_polcy"),
        ({"spec": {"scirpt": "true"}}, "spec.scirpt"),
        ({"run_policy": "never"}, "run_policy"),
        ({"type": "zadig-biuld"}, "type"),
        ({"type": "sql", "spec": {"type": "mysq"}}, "spec.type"),
        ({"type": "sql", "spec": {"source": "fixd"}}, "spec.source"),
    ],
)
def test_a_mistake_that_was_stored_before_it_was_refused_is_found_at_finish(fields: dict[str, Any], path: str) -> None:
    document = workflow(job(**fields), qqqq="of something new")
    world = World()
    world.create(draft(items=[workflow_item("a")]))
    world.do(
        c.Edit, patch=PlanPatch.model_validate({"items": [workflow_item("a", workflow=document)]}), as_in_zadig=True
    )
    for command in (c.Finish, c.Submit):
        with pytest.raises(Invalid) as caught:
            world.do(command)
        mistakes = [
            problem.path
            for problem in caught.value.problems
            if "no such" in problem.message or "write one of" in problem.message
        ]
        assert mistakes == [f"items[0].workflow.stages[0].jobs[0].{path}"]
    mended = workflow(job(), qqqq="of something new")
    world.do(c.Edit, patch=PlanPatch.model_validate({"items": [workflow_item("a", workflow=mended)]}))
    world.do(c.Finish)


def test_fields_of_the_local_runner_are_refused_for_others() -> None:
    document = workflow(
        job(spec={"script": "true", "timeout": "1m"}), job("sql", spec={"timeout": "1m", "transaction": False})
    )
    assert found(document) == []
    paths = [path for path, _ in found(document, "zadig")]
    fields = ["[0].spec.script", "[0].spec.timeout", "[1].spec.timeout", "[1].spec.transaction"]
    assert paths == [f"stages[0].jobs{field}" for field in fields]


def test_a_mistake_keeps_a_plan_from_being_created_and_no_secret_is_in_its_error() -> None:
    with pytest.raises(Invalid) as caught:
        World().create(draft(items=[workflow_item("a", workflow=param(value="s3cret", is_credentials=True))]))
    assert [problem.path for problem in caught.value.problems] == ["items[0].workflow.params[0].is_credentials"]
    assert "s3cret" not in str(caught.value.problems)


def test_an_edit_is_judged_but_for_mistakes_that_are_stored_and_for_what_clients_of_zadig_send() -> None:
    def items(**fields: Any) -> PlanPatch:
        return PlanPatch.model_validate({"items": [workflow_item("a", workflow=workflow(job(), **fields))]})

    world = World()
    world.create(draft(items=[workflow_item("a")]))
    with pytest.raises(Invalid):
        world.do(c.Edit, patch=items(qqqq=1))
    world.do(c.Edit, patch=items(qqqq=1), as_in_zadig=True)
    world.do(c.Edit, patch=items(qqqq=1, remark="again"))
    with pytest.raises(Invalid):
        world.do(c.Edit, patch=items(qqqq=1, disabled=True))
