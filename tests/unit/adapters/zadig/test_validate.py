from __future__ import annotations

from typing import Any

import pytest

from adapters.zadig.client import ZadigClient
from adapters.zadig.validate import find_problems
from core.workflow import Workflow
from tests.simulators.zadig import Zadig
from tests.unit.adapters.zadig.conftest import build, orders, script, workflow


async def found(client: ZadigClient, wanted: Workflow) -> dict[str, str]:
    """Return the problems as a person reads them, by path."""
    problems = find_problems(wanted, await client.get_workflow("shop", "shop-release"))
    return {problem.path: str(problem).partition(": ")[2] for problem in problems}


async def test_a_workflow_that_fits_has_no_problems(client: ZadigClient) -> None:
    wanted = workflow(
        build(orders(key_vals=[{"key": "LEVEL", "value": "high"}])),
        script(envs=[{"key": "TARGET", "value": "prod"}]),
        params=({"name": "colour", "type": "choice", "value": "green"}, {"name": "version", "value": "any {text}"}),
    )
    assert await found(client, wanted) == {}


async def test_a_misspelt_job_is_found_though_zadig_would_skip_it(client: ZadigClient) -> None:
    wanted = workflow(script() | {"name": "scirpt"}, script())
    assert await found(client, wanted) == {
        "stages[0].jobs[0].name": "Shop release has no job scirpt, so Zadig would skip it; its jobs are: "
        "build, script, deploy, migrate, sign-off, config"
    }


@pytest.mark.parametrize(
    ("job", "path", "text"),
    [
        (script() | {"type": "sql"}, "type", "of type freestyle in Zadig"),
        (script(envs=[{"key": "TARGTE", "value": "x"}]), "spec.envs[0].key", "there are: TARGET"),
        (
            build(orders(), orders(service_name="ordres")),
            "spec.service_and_builds[1]",
            "it has: orders/orders, carts/carts",
        ),
        (
            build(orders(key_vals=[{"key": "LEVEL", "value": "middle"}])),
            "spec.service_and_builds[0].key_vals[0].value",
            "choose one of: low, high",
        ),
        (
            build(orders(key_vals=[{"key": "LEVLE", "value": "low"}])),
            "spec.service_and_builds[0].key_vals[0].key",
            "there are: LEVEL, FLAGS",
        ),
    ],
)
async def test_what_zadig_would_drop_or_misread_is_found(
    client: ZadigClient, job: dict[str, Any], path: str, text: str
) -> None:
    problems = await found(client, workflow(job))
    assert list(problems) == [f"stages[0].jobs[0].{path}"]
    assert text in problems[f"stages[0].jobs[0].{path}"]


async def test_parameters_must_exist_and_choices_be_offered(client: ZadigClient) -> None:
    params = ({"name": "versoin", "value": "2"}, {"name": "colour", "type": "choice", "value": "red"})
    assert await found(client, workflow(script(), params=params)) == {
        "params[0].name": "Shop release has no parameter versoin; it has: version, colour",
        "params[1].value": "red is not among the options; choose one of: blue, green",
    }


async def test_each_of_several_choices_must_be_offered(client: ZadigClient, zadig: Zadig) -> None:
    zadig.workflows["shop-release"]["params"][1]["type"] = "multi-select"
    several = {"name": "colour", "type": "multi-select", "choice_value": ["blue", "red"]}
    assert list(await found(client, workflow(script(), params=(several,)))) == ["params[0].choice_value"]


async def test_the_value_of_a_credential_is_told_by_no_problem(client: ZadigClient, zadig: Zadig) -> None:
    stored = zadig.workflows["shop-release"]
    stored["params"][1]["is_credential"] = True
    stored["stages"][0]["jobs"][0]["spec"]["service_and_builds_options"][0]["key_vals"][0]["is_credential"] = True
    wanted = workflow(
        build(orders(key_vals=[{"key": "LEVEL", "value": "s3cret"}])),
        params=({"name": "colour", "type": "choice", "value": "s3cret"},),
    )
    assert await found(client, wanted) == {}


async def test_a_foreign_job_is_left_to_zadig(client: ZadigClient) -> None:
    sign_off = {"name": "sign-off", "type": "approval", "spec": {"anything": [1]}}
    assert await found(client, workflow(sign_off)) == {}


async def test_a_job_counts_once(client: ZadigClient) -> None:
    assert list(await found(client, workflow(script(), script()))) == ["stages[0].jobs[1].name"]


async def test_something_must_run(client: ZadigClient) -> None:
    for policy in ("skip", "default_not_run"):
        assert list(await found(client, workflow(script() | {"run_policy": policy}))) == ["stages"]
    assert list(await found(client, workflow())) == ["stages"]


async def test_what_zadig_does_not_list_is_left_to_zadig(client: ZadigClient) -> None:
    deploy = {"name": "deploy", "type": "zadig-deploy", "spec": {"services": [{"service_name": "anything"}]}}
    assert await found(client, workflow(deploy)) == {}


async def test_what_may_be_distributed_is_known_by_its_options(client: ZadigClient, zadig: Zadig) -> None:
    (job,) = zadig.workflows["shop-release"]["stages"][2]["jobs"]
    job |= {"type": "zadig-distribute-image", "spec": {"targets": [], "target_options": [orders()]}}
    wanted = job | {"spec": {"targets": [orders(), orders(service_module="worker")]}}
    assert list(await found(client, workflow(wanted))) == ["stages[0].jobs[0].spec.targets[1]"]


async def test_variables_that_zadig_does_not_list_are_left_to_zadig(client: ZadigClient, zadig: Zadig) -> None:
    del zadig.workflows["shop-release"]["stages"][0]["jobs"][1]["spec"]["envs"]
    assert await found(client, workflow(script(envs=[{"key": "ANY", "value": "x"}]))) == {}


async def test_all_problems_are_found_at_once(client: ZadigClient) -> None:
    wanted = workflow(script() | {"name": "a"}, script() | {"name": "b"}, params=({"name": "c"},))
    assert list(await found(client, wanted)) == ["params[0].name", "stages[0].jobs[0].name", "stages[0].jobs[1].name"]
