from __future__ import annotations

import copy
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


@pytest.mark.parametrize("policy", ["skip", "default_not_run"])
async def test_jobs_to_skip_are_not_named(client: ZadigClient, zadig: Zadig, policy: str) -> None:
    skipped = build(orders(), **REGISTRY) | {"run_policy": policy}
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


STORED_REPO = REPO | {"branch": "main", "commit_id": "", "tag": "v1.0", "prs": [7], "enable_commit": False}
STORED_SPECS: dict[str, dict[str, Any]] = {
    "zadig-build": {"service_and_builds": [orders(image="i", repos=[STORED_REPO], key_vals=[])]},
    "zadig-deploy": {
        "env": "dev",
        "production": True,
        "deploy_contents": ["image", "vars"],
        "services": [
            {"service_name": "orders", "update_config": True, "variable_kvs": [{"key": "A", "value": 1}]}
            | {"override_kvs": "[1]", "modules": [{"service_module": "api", "image": "orders:1"}]}
        ],
    },
    "zadig-vm-deploy": {
        "env": "dev",
        "service_and_vm_deploys": [orders(artifact_url="u", deploy_artifact_type="file")],
    },
    "freestyle": {
        "ref_repos": True,
        "envs": [{"key": "A", "type": "multi-select", "value": "x", "choice_value": ["x"]}],
    },
    "zadig-test": {"source": "fromjob", "job_name": "build", "ref_repos": True},
    "zadig-scanning": {"scannings": [{"name": "s", "repos": [STORED_REPO]}]},
    "apollo": {"apolloID": "1", "namespaceList": [{"appID": "a", "type": "json", "original_config": [{"key": "k"}]}]},
    "nacos": {"nacos_datas": [{"data_id": "d", "group": "g", "namespace_id": "n", "content": "c", "description": "t"}]},
    "sql": {"id": "1", "sql": "SELECT 1", "type": "mysql"},
    "zadig-distribute-image": {
        "target_image_tag_rule": "r",
        "enable_target_image_tag_rule": True,
        "targets": [orders(target_tag="t", update_tag=True)],
    },
}
BRANCH = {"repo_namespace": "shop", "repo_name": "orders", "branch": "hotfix/2.1"}
SERVICE = ("service_and_builds", 0, "repos", 0)


@pytest.mark.parametrize(
    ("kind", "spec", "path", "empty"),
    [
        ("zadig-build", {"service_and_builds": [orders(repos=[BRANCH | {"tag": ""}])]}, (*SERVICE, "tag"), ""),
        ("zadig-build", {"service_and_builds": [orders(repos=[BRANCH | {"prs": []}])]}, (*SERVICE, "prs"), []),
        ("zadig-build", {"service_and_builds": [orders(image="")]}, ("service_and_builds", 0, "image"), ""),
        ("zadig-build", {"service_and_builds": []}, ("service_and_builds",), []),
        ("zadig-deploy", {"env": ""}, ("env",), ""),
        ("zadig-deploy", {"production": False}, ("production",), False),
        ("zadig-deploy", {"deploy_contents": []}, ("deploy_contents",), []),
        *(
            ("zadig-deploy", {"services": [{"service_name": "orders", key: empty}]}, ("services", 0, key), empty)
            for key, empty in (("update_config", False), ("variable_kvs", []), ("override_kvs", ""), ("modules", []))
        ),
        (
            "zadig-vm-deploy",
            {"service_and_vm_deploys": [orders(artifact_url="")]},
            ("service_and_vm_deploys", 0, "artifact_url"),
            "",
        ),
        ("freestyle", {"ref_repos": False}, ("ref_repos",), False),
        ("freestyle", {"envs": [{"key": "A", "choice_value": []}]}, ("envs", 0, "choice_value"), []),
        ("zadig-test", {"job_name": ""}, ("job_name",), ""),
        (
            "zadig-scanning",
            {"scannings": [{"name": "s", "repos": [BRANCH | {"tag": ""}]}]},
            ("scannings", 0, "repos", 0, "tag"),
            "",
        ),
        ("apollo", {"apolloID": ""}, ("apolloID",), ""),
        (
            "apollo",
            {"namespaceList": [{"appID": "a", "original_config": []}]},
            ("namespaceList", 0, "original_config"),
            [],
        ),
        ("nacos", {"nacos_datas": [{"data_id": "d", "group": "g", "content": ""}]}, ("nacos_datas", 0, "content"), ""),
        ("sql", {"id": ""}, ("id",), ""),
        ("zadig-distribute-image", {"enable_target_image_tag_rule": False}, ("enable_target_image_tag_rule",), False),
        ("zadig-distribute-image", {"targets": [orders(update_tag=False)]}, ("targets", 0, "update_tag"), False),
        ("zadig-distribute-image", {"targets": [orders(target_tag="")]}, ("targets", 0, "target_tag"), ""),
    ],
)
async def test_what_is_given_empty_is_cleared_and_what_is_not_given_stays(
    client: ZadigClient, zadig: Zadig, kind: str, spec: dict[str, Any], path: tuple[Any, ...], empty: Any
) -> None:
    job = {"name": "job", "type": kind, "spec": STORED_SPECS[kind]}
    zadig.workflows["shop-release"]["stages"] = [{"name": "all", "jobs": [job | {"skipped": False}]}]
    cleared = await start(client, zadig, workflow(job | {"spec": spec}))
    assert _at(cleared.spec_of("job"), path) == empty
    untouched = await start(client, zadig, workflow(job | {"spec": _without(spec, path)}))
    assert _at(untouched.spec_of("job"), path) == _at(job["spec"], path)
    assert _at(job["spec"], path) not in ("", [], False)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _without(spec: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return a copy of a spec without the field at a path."""
    copied: dict[str, Any] = copy.deepcopy(spec)
    del _at(copied, path[:-1])[path[-1]]
    return copied


@pytest.mark.parametrize("by", ["start", "start-full"])
@pytest.mark.parametrize(("commit", "pinned"), [("abc", True), ("", False)])
async def test_a_commit_means_the_same_by_both_ways(
    client: ZadigClient, zadig: Zadig, by: str, commit: str, pinned: bool
) -> None:
    (stored,) = zadig.workflows["shop-release"]["stages"][0]["jobs"][0]["spec"]["service_and_builds_options"][0][
        "repos"
    ]
    stored |= {"commit_id": "old", "enable_commit": True}
    repo = BRANCH | {"commit_id": commit, "codehost_name": "gitlab-main"}
    jobs = [build(orders(repos=[repo]), **REGISTRY)] + ([APOLLO] if by == "start-full" else [])
    task = await start(client, zadig, workflow(*jobs))
    assert used(zadig) == [by]
    (built,) = task.spec_of("build")["service_and_builds"][0]["repos"]
    assert (built["branch"], built["commit_id"], built["enable_commit"]) == ("hotfix/2.1", commit, pinned)


async def test_a_commit_is_checked_out_though_a_tag_is_stored(client: ZadigClient, zadig: Zadig) -> None:
    (stored,) = zadig.workflows["shop-release"]["stages"][0]["jobs"][0]["spec"]["service_and_builds_options"][0][
        "repos"
    ]
    stored["tag"] = "v1.0"
    repo = REPO | {"codehost_name": "gitlab-main"}
    task = await start(client, zadig, workflow(build(orders(repos=[repo]), **REGISTRY)))
    (built,) = task.spec_of("build")["service_and_builds"][0]["repos"]
    assert (built["commit_id"], built["enable_commit"], built["tag"]) == ("abc", True, "")


@pytest.mark.parametrize("by", ["start", "start-full"])
async def test_a_branch_alone_keeps_the_stored_commit_by_both_ways(client: ZadigClient, zadig: Zadig, by: str) -> None:
    (stored,) = zadig.workflows["shop-release"]["stages"][0]["jobs"][0]["spec"]["service_and_builds_options"][0][
        "repos"
    ]
    stored |= {"commit_id": "old", "enable_commit": True, "prs": [7]}
    jobs = [build(orders(repos=[BRANCH | {"codehost_name": "gitlab-main"}]), **REGISTRY)]
    task = await start(client, zadig, workflow(*jobs, *([APOLLO] if by == "start-full" else [])))
    assert used(zadig) == [by]
    (built,) = task.spec_of("build")["service_and_builds"][0]["repos"]
    assert (built["branch"], built["commit_id"], built["enable_commit"], built["prs"]) == (
        "hotfix/2.1",
        "old",
        True,
        [7],
    )


async def test_a_service_to_deploy_is_found_by_its_name_alone(client: ZadigClient, zadig: Zadig) -> None:
    deploy = zadig.workflows["shop-release"]["stages"][1]["jobs"][0]
    modules = [{"service_module": "orders", "image": "orders:1"}]
    for env, image in (("dev", "orders:1"), ("prod", "orders:2")):
        service = {"service_name": "orders", "modules": [{"service_module": "orders", "image": image}]}
        deploy["spec"].setdefault("env_options", []).append({"env": env, "services": [service]})
    spec = {"services": [{"service_name": "orders"}]}
    named = {"name": "deploy", "type": "zadig-deploy"}
    (service,) = (await start(client, zadig, workflow(named | {"spec": spec}))).spec_of("deploy")["services"]
    assert service["modules"] == modules
    elsewhere = named | {"spec": spec | {"env": "prod"}}
    (service,) = (await start(client, zadig, workflow(elsewhere))).spec_of("deploy")["services"]
    assert service["modules"] == [{"service_module": "orders", "image": "orders:2"}]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param({"name": "build", "type": "zadig-build", "spec": REGISTRY}, id="services"),
        pytest.param({"name": "deploy", "type": "zadig-deploy", "spec": {"services": []}}, id="an environment"),
        pytest.param({"name": "migrate", "type": "sql", "spec": {"database_name": "db-orders"}}, id="a statement"),
    ],
)
async def test_what_the_openapi_would_clear_but_is_not_given_needs_a_full_request(
    client: ZadigClient, zadig: Zadig, job: dict[str, Any]
) -> None:
    zadig.workflows["shop-release"]["stages"][1]["jobs"][0]["spec"]["env"] = ""
    detail = await client.get_workflow("shop", "shop-release")
    assert make_openapi_request(workflow(job), detail, "") is None


async def test_a_parameter_without_a_value_keeps_the_stored_one(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig, workflow(script(), params=({"name": "version", "type": "string"},)))
    assert (await client.get_task("shop-release", task.id)).param("version") == "1.0"
    task = await start(client, zadig, workflow(script(), params=({"name": "version", "type": "string", "value": ""},)))
    assert (await client.get_task("shop-release", task.id)).param("version") == ""
