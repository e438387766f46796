from __future__ import annotations

from typing import Any

import pytest

from adapters.zadig.client import ZadigClient
from adapters.zadig.internal_request import make_internal_request
from adapters.zadig.openapi_request import make_openapi_request
from core.workflow import Workflow
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_tasks import Task
from tests.unit.adapters.zadig.conftest import build, orders, script, workflow

REGISTRY = {"registry": "registry.example.com/prod"}
REPO = {"repo_namespace": "shop", "repo_name": "orders", "branch": "release", "commit_id": "abc", "codehost_id": 1}
APOLLO = {
    "name": "config",
    "type": "apollo",
    "spec": {
        "apolloID": "",
        "namespaceList": [
            {"appID": "shop", "clusterID": "default", "env": "DEV", "namespace": "app", "kv": [{"key": "a", "val": ""}]}
        ],
    },
}


async def start(client: ZadigClient, zadig: Zadig, wanted: Workflow) -> Task:
    """Start as a runner does: by the OpenAPI where it will do, else by the whole workflow."""
    request = make_openapi_request(wanted, await client.get_workflow("shop", "shop-release"), "plan/item/1")
    if request is None:
        preset = await client.get_preset("shop-release")
        started = await client.start_internal(make_internal_request(wanted, preset, "plan/item/1"))
    else:
        started = await client.start(request)
    assert zadig.complaints == []
    return zadig.tasks["shop-release", started.task_id]


def used(zadig: Zadig) -> list[str]:
    return [call.operation for call in zadig.calls if call.operation.startswith("start")]


async def test_the_openapi_runs_what_is_named_with_what_is_given(client: ZadigClient, zadig: Zadig) -> None:
    variables = [{"key": "LEVEL", "value": "high", "type": "choice"}]
    wanted = workflow(
        build(orders(key_vals=variables, repos=[REPO | {"codehost_name": "gitlab-main"}]), **REGISTRY),
        script(envs=[{"key": "TARGET", "value": "prod"}]),
        {
            "name": "deploy",
            "type": "zadig-deploy",
            "spec": {
                "env": "prod",
                "services": [
                    {"service_name": "orders", "modules": [{"service_module": "orders", "image": "orders:1"}]}
                ],
            },
        },
        {"name": "migrate", "type": "sql", "spec": {"database_name": "db-orders", "sql": "SELECT 1"}},
        params=({"name": "version", "type": "string", "value": "2.0"},),
    )
    task = await start(client, zadig, wanted)
    assert used(zadig) == ["start"]
    assert task.ran() == ["build", "script", "deploy", "migrate"]
    (service,) = task.spec_of("build")["service_and_builds"]
    assert {one["key"]: one["value"] for one in service["key_vals"]} == {"LEVEL": "high", "FLAGS": ""}
    assert (service["repos"][0]["branch"], service["repos"][0]["commit_id"]) == ("release", "abc")
    assert task.spec_of("script")["envs"][0]["value"] == "prod"
    assert task.spec_of("deploy")["env"] == "prod"
    assert task.spec_of("deploy")["services"][0]["modules"][0]["image"] == "orders:1"
    assert task.spec_of("migrate")["sql"] == "SELECT 1"
    told = await client.get_task("shop-release", task.id)
    assert (told.param("version"), told.param("release_plan_ref")) == ("2.0", "plan/item/1")


async def test_jobs_to_skip_are_not_named(client: ZadigClient, zadig: Zadig) -> None:
    skipped = build(orders(), **REGISTRY) | {"run_policy": "skip"}
    assert (await start(client, zadig, workflow(skipped, script()))).ran() == ["script"]


async def test_a_workflow_without_the_reference_parameter_starts_too(client: ZadigClient, zadig: Zadig) -> None:
    del zadig.workflows["shop-release"]["params"][2]
    assert (await start(client, zadig, workflow(script()))).ran() == ["script"]
    assert (await start(client, zadig, workflow(APOLLO))).ran() == ["config"]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(APOLLO, id="a job type without inputs"),
        pytest.param({"name": "config", "type": "meego-transition", "spec": {"id": "1"}}, id="a foreign job type"),
        pytest.param(build(orders()), id="a build without its registry"),
        pytest.param(build(orders(repos=[REPO]), **REGISTRY), id="a repository without its code host's alias"),
        pytest.param({"name": "migrate", "type": "sql", "spec": {"id": "65f0", "sql": "x"}}, id="a database by its id"),
        pytest.param(
            {
                "name": "deploy",
                "type": "zadig-deploy",
                "spec": {"services": [{"service_name": "orders", "variable_kvs": [{"key": "replicas", "value": 3}]}]},
            },
            id="variables of a deployment",
        ),
        pytest.param(
            {
                "name": "hosts",
                "type": "zadig-vm-deploy",
                "spec": {"service_and_vm_deploys": [{"service_name": "orders", "deploy_artifact_type": "image"}]},
            },
            id="an image on hosts",
        ),
    ],
)
async def test_what_the_openapi_cannot_say_needs_a_full_request(client: ZadigClient, job: dict[str, Any]) -> None:
    detail = await client.get_workflow("shop", "shop-release")
    assert make_openapi_request(workflow(job), detail, "") is None


async def test_a_multi_select_parameter_needs_a_full_request(client: ZadigClient) -> None:
    detail = await client.get_workflow("shop", "shop-release")
    several = {"name": "colour", "type": "multi-select", "choice_value": ["blue"]}
    assert make_openapi_request(workflow(script(), params=(several,)), detail, "") is None


async def test_a_repository_parameter_names_its_code_host_by_its_alias(client: ZadigClient, zadig: Zadig) -> None:
    stored = zadig.workflows["shop-release"]["params"]
    stored.append(stored[0] | {"name": "source", "type": "repo"})
    source = {"name": "source", "type": "repo", "repo": REPO | {"codehost_name": "gitlab-main"}}
    await start(client, zadig, workflow(script(), params=(source,)))
    (given, _) = zadig.calls_to("start")[0].arguments["parameters"]
    assert (given["repo"]["codehost_name"], given["repo"]["enable_commit"]) == ("gitlab-main", True)


async def test_a_full_request_sets_a_repository_parameter_and_keeps_its_access(client: ZadigClient) -> None:
    preset = await client.get_preset("shop-release")
    preset["params"].append({"name": "source", "type": "repo", "repo": {"branch": "main", "oauth_token": "stored"}})
    source = {"name": "source", "type": "repo", "repo": REPO}
    request = make_internal_request(workflow(APOLLO, params=(source,)), preset, "")
    repo = request["params"][-1]["repo"]
    assert (repo["branch"], repo["oauth_token"]) == ("release", "stored")


async def test_the_inputs_of_the_remaining_job_types_are_well_formed(client: ZadigClient, zadig: Zadig) -> None:
    named = {"name": "smoke", "key_vals": [{"key": "A", "value": "1"}], "repos": []}
    jobs = [
        {"name": "t1", "type": "zadig-test", "spec": {"test_modules": [named]}},
        {"name": "t2", "type": "zadig-test", "spec": {"test_type": "service_test", "service_and_tests": [orders()]}},
        {"name": "s1", "type": "zadig-scanning", "spec": {"scannings": [named]}},
        {
            "name": "s2",
            "type": "zadig-scanning",
            "spec": {"scanning_type": "service_scanning", "service_and_scannings": [orders()]},
        },
        {"name": "f", "type": "freestyle", "spec": {"freestyle_type": "service_freestyle", "services": [orders()]}},
        {
            "name": "v",
            "type": "zadig-vm-deploy",
            "spec": {
                "env": "prod",
                "service_and_vm_deploys": [orders(deploy_artifact_type="file", file_name="orders-1.0.tar.gz")],
            },
        },
    ]
    stored = zadig.workflows["shop-release"]
    stored["stages"] = [{"name": "all", "jobs": [job | {"skipped": False} for job in jobs]}]
    assert (await start(client, zadig, workflow(*jobs))).ran() == ["t1", "t2", "s1", "s2", "f", "v"]
    inputs = {one["job_name"]: one["parameters"] for one in zadig.calls_to("start")[0].arguments["inputs"]}
    assert inputs["t1"]["testing_list"][0]["testing_name"] == "smoke"
    assert inputs["s1"]["scanning_list"][0]["inputs"][0]["value"] == "1"
    assert inputs["v"]["service_list"] == [{"service_name": "orders", "file_name": "orders-1.0.tar.gz"}]


async def test_several_choices_of_a_variable_go_as_one_text(client: ZadigClient) -> None:
    flags = {"key": "FLAGS", "type": "multi-select", "choice_value": ["a", "b"], "value": ""}
    detail = await client.get_workflow("shop", "shop-release")
    request = make_openapi_request(workflow(script(envs=[flags])), detail, "")
    assert request is not None
    assert request["inputs"][0]["parameters"]["kv"][0]["value"] == "a,b"


async def test_a_full_request_changes_values_and_keeps_what_zadig_knows(client: ZadigClient, zadig: Zadig) -> None:
    wanted = workflow(
        APOLLO,
        build(orders(key_vals=[{"key": "LEVEL", "value": "high"}], repos=[REPO])),
        params=({"name": "colour", "type": "choice", "value": "green"},),
    )
    task = await start(client, zadig, wanted)
    assert used(zadig) == ["start-full"]
    assert task.ran() == ["build", "config"]

    config = task.spec_of("config")
    assert config["apolloID"] == "65f0000000000000000000cc"
    assert config["namespaceList"][0]["kv"] == [{"key": "a", "val": ""}]

    (service,) = task.spec_of("build")["service_and_builds"]
    assert service["build_name"] == "orders-build"
    assert service["repos"][0] | {"branch": "release", "oauth_token": "stored-in-zadig"} == service["repos"][0]
    assert service["key_vals"][0]["choice_option"] == ["low", "high"]
    assert {one["key"]: one["value"] for one in service["key_vals"]} == {"LEVEL": "high", "FLAGS": ""}

    told = await client.get_task("shop-release", task.id)
    assert (told.param("colour"), told.param("version")) == ("green", "1.0")
    assert told.param("release_plan_ref") == "plan/item/1"


async def test_a_full_request_leaves_the_preset_as_it_was(client: ZadigClient, zadig: Zadig) -> None:
    preset = await client.get_preset("shop-release")
    make_internal_request(workflow(APOLLO, build(orders())), preset, "plan/item/1")
    assert preset == zadig.workflows["shop-release"]


async def test_an_empty_variable_is_a_value(client: ZadigClient) -> None:
    preset = await client.get_preset("shop-release")
    request = make_internal_request(workflow(script(envs=[{"key": "TARGET", "value": ""}])), preset, "")
    (env,) = request["stages"][0]["jobs"][1]["spec"]["envs"]
    assert (env["key"], env["value"]) == ("TARGET", "")
