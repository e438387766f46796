"""What a workflow touches, read out of the specs of its jobs."""

from __future__ import annotations

from typing import Any

import pytest

from core.workflow import UNREADABLE, JobType, Reach, Workflow, reach_of

DEPLOY = {"env": "prod", "production": True, "services": [{"service_name": "shop"}, {"service_name": "cart"}]}


def reach(*jobs: dict[str, Any], **workflow: Any) -> Reach:
    return reach_of(Workflow.model_validate({"name": "release", "stages": [{"jobs": jobs}]} | workflow))


def test_a_deployment_touches_its_environment_and_services() -> None:
    found = reach({"name": "deploy", "type": "zadig-deploy", "spec": DEPLOY})
    assert found == Reach(("zadig-deploy",), ("prod",), ("prod",), ("shop", "cart"))


def test_each_name_stands_once() -> None:
    job = {"name": "deploy", "type": "zadig-deploy", "spec": DEPLOY}
    assert reach(job, job) == reach(job)


@pytest.mark.parametrize(
    ("kind", "spec", "touched"),
    [
        ("zadig-vm-deploy", {"env": "hosts", "service_and_vm_deploys": [{"service_name": "a"}]}, "environments"),
        ("sql", {"id": "hosts", "sql": "SELECT 1"}, "databases"),
        ("zadig-build", {"service_and_builds": [{"service_name": "hosts"}]}, "services"),
        ("zadig-distribute-image", {"targets": [{"service_name": "hosts"}]}, "services"),
        ("apollo", {"namespaceList": [{"env": "hosts", "namespace": "n"}]}, "environments"),
        ("nacos", {"nacos_datas": [{"namespace_name": "hosts"}]}, "environments"),
        ("nacos", {"namespace_id": "hosts", "nacos_datas": [{"data_id": "d"}]}, "environments"),
    ],
)
def test_each_job_type_names_what_it_touches(kind: str, spec: dict[str, Any], touched: str) -> None:
    found = reach({"name": "job", "type": kind, "spec": spec})
    assert getattr(found, touched) == ("hosts",)
    assert found.unclear == ()


def test_only_entries_whose_value_changes_are_keys() -> None:
    namespace = {
        "env": "prod",
        "namespace": "app",
        "original_config": [{"key": "same", "val": "1"}, {"key": "other", "val": "1"}],
        "kv": [{"key": "same", "val": "1"}, {"key": "other", "val": "2"}, {"key": "new", "val": ""}],
    }
    assert reach({"type": "apollo", "spec": {"namespaceList": [namespace]}}).keys == ("app/other", "app/new")
    data = [
        {"group": "g", "data_id": "same", "namespace_id": "n", "content": "a", "original_content": "a"},
        {"group": "g", "data_id": "new", "namespace_id": "n", "content": "b", "original_content": "a"},
    ]
    assert reach({"type": "nacos", "spec": {"nacos_datas": data}}).keys == ("g/new",)


def test_a_parameter_stands_for_its_value() -> None:
    job = {"name": "deploy", "type": "zadig-deploy", "spec": {"env": "{{.workflow.params.where}}"}}
    assert reach(job, params=[{"name": "where", "value": "prod-eu"}]).environments == ("prod-eu",)
    for unreadable in (reach(job), reach(job, params=[{"name": "where", "value": ""}])):
        assert unreadable.environments == (UNREADABLE,)
        assert unreadable.unclear == ("deploy",)


@pytest.mark.parametrize("kind", ["zadig-deploy", "zadig-vm-deploy", "tapd", "k8s-blue-green-deploy"])
def test_a_job_whose_environment_cannot_be_read_is_named(kind: str) -> None:
    found = reach({"name": "somewhere", "type": kind, "spec": {}})
    assert (found.environments, found.unclear) == ((UNREADABLE,), ("somewhere",))


def test_a_database_that_only_the_run_knows_is_unreadable() -> None:
    found = reach({"name": "query", "type": "sql", "spec": {"id": "{{.job.build.db}}"}})
    assert (found.databases, found.environments, found.unclear) == ((UNREADABLE,), (), ("query",))


def test_nothing_can_be_read_of_a_workflow_without_jobs() -> None:
    found = reach_of(Workflow(name="stored in Zadig"))
    assert found.job_types == found.environments == found.databases == (UNREADABLE,)
    assert found.unclear == ("stored in Zadig",)


@pytest.mark.parametrize("policy", ["skip", "default_not_run"])
def test_jobs_that_do_not_run_touch_nothing(policy: str) -> None:
    idle = {"name": "deploy", "type": "zadig-deploy", "spec": DEPLOY, "run_policy": policy}
    query = {"name": "query", "type": "sql", "spec": {"id": "shop"}}
    assert reach(idle, query) == Reach(job_types=("sql",), databases=("shop",))


@pytest.mark.parametrize("kind", [JobType.FREESTYLE, JobType.TEST, JobType.SCANNING])
def test_jobs_that_name_no_target_touch_none(kind: str) -> None:
    assert reach({"name": "job", "type": kind, "spec": {}}) == Reach(job_types=(kind,))
