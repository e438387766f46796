"""Rows of the table of differences between the document and Zadig, and what the models promise beyond them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from core.workflow import (
    ApolloJob,
    BuildJob,
    BuildSpec,
    FreestyleSpec,
    JobType,
    KeyVal,
    Param,
    Repo,
    UnknownJob,
    Workflow,
    WorkflowJob,
    WorkflowStage,
)

JOB: TypeAdapter[WorkflowJob] = TypeAdapter(WorkflowJob)


def spec(job_type: str, value: Any) -> Any:
    """Return a spec as the API reads it, strictly, and hooks and plan files do, leniently."""
    job = {"name": "a", "type": job_type, "spec": value}
    strict = JOB.validate_json(json.dumps(job), strict=True)
    assert strict == JOB.validate_python(job)
    return strict.spec


ALIASES = [
    ("zadig-test", "testing_type", "test_type", "service_test"),
    ("zadig-scanning", "scannings_type", "scanning_type", "service_scanning"),
    ("zadig-scanning", "scannings_modules", "scannings", [{"name": "go", "repos": [], "key_vals": []}]),
    ("apollo", "apollo_id", "apolloID", "1"),
    ("apollo", "namespace_list", "namespaceList", []),
]


@pytest.mark.parametrize(("job_type", "document", "zadig", "value"), ALIASES)
def test_both_names_are_read_and_that_of_zadig_is_written(
    job_type: str, document: str, zadig: str, value: object
) -> None:
    read = spec(job_type, {document: value})

    assert read == spec(job_type, {zadig: value})
    assert read.dump()[zadig] == value
    assert document not in read.dump()
    assert read.dump(document_aliases=True)[document] == value


def test_both_names_are_read_inside_lists() -> None:
    apollo = spec("apollo", {"namespace_list": [{"app_id": "a", "cluster_id": "c", "kv": [{"key": "k", "val": "v"}]}]})
    nacos = spec("nacos", {"nacos_datas": [{"data_id": "d", "desc": "what it is"}]})

    assert apollo.dump() == {
        "apolloID": "",
        "namespaceList": [
            {"appID": "a", "clusterID": "c", "env": "", "namespace": "", "type": "", "kv": [{"key": "k", "val": "v"}]}
        ],
    }
    assert nacos.dump()["nacos_datas"][0]["description"] == "what it is"
    assert nacos.dump(document_aliases=True)["nacos_datas"][0]["desc"] == "what it is"


def test_choice_options_of_a_parameter() -> None:
    workflow = Workflow.model_validate({"params": [{"name": "p", "choice_options": ["a", "b"]}]})

    assert workflow.params[0].choice_option == ("a", "b")
    assert "choice_options" not in workflow.dump()["params"][0]
    assert workflow.dump(document_aliases=True)["params"][0]["choice_options"] == ["a", "b"]


def test_names_of_the_document_are_added_in_the_json_too() -> None:
    param = Param(name="p", choice_option=("a",))

    assert b'"choice_options":["a"]' in param.dump_json(document_aliases=True)
    assert b"choice_options" not in param.dump_json()


def test_the_value_of_the_table_for_several_scans_is_read_as_zadigs() -> None:
    assert spec("zadig-scanning", {"scannings_type": "service_scannings"}).scanning_type == "service_scanning"


@pytest.mark.parametrize(("value", "options"), [("", []), ("a", ["a"]), (["a", "b"], ["a", "b"]), (None, [])])
def test_options_of_a_variable_may_be_text(value: object, options: list[str]) -> None:
    deploy = spec("zadig-deploy", {"services": [{"variable_kvs": [{"key": "k", "options": value}]}]})

    assert deploy.dump()["services"][0]["variable_kvs"][0]["options"] == options


@pytest.mark.parametrize("value", ["20221", 20221, True, None, {"a": [1.5]}, []])
def test_a_deployed_value_may_be_any_json(value: object) -> None:
    deploy = spec("zadig-deploy", {"services": [{"variable_kvs": [{"key": "k", "value": value}]}]})

    assert deploy.dump()["services"][0]["variable_kvs"][0]["value"] == value


@pytest.mark.parametrize(
    ("value", "enabled"), [(True, True), (False, False), ("true", True), ("false", False), ("", False), (None, False)]
)
def test_the_tag_rule_may_be_text(value: object, enabled: bool) -> None:
    rule = spec("zadig-distribute-image", {"enable_target_image_tag_rule": value}).enable_target_image_tag_rule

    assert rule is enabled


@pytest.mark.parametrize("prs", [{}, {"prs": None}, {"prs": []}])
def test_prs_are_written_as_a_list_and_unknown_keys_are_kept(prs: dict[str, object]) -> None:
    assert Repo.model_validate(prs | {"submodules": False}).dump().items() >= {"prs": [], "submodules": False}.items()


def test_the_type_of_a_variable_is_free() -> None:
    assert KeyVal.model_validate({"type": "text"}).type == "text"


@pytest.mark.parametrize("job_type", JobType)
def test_null_and_missing_are_the_zero_value(job_type: str) -> None:
    """Writes every key of the type as `null`, one at a time and all together."""
    empty = spec(job_type, None)

    assert empty == spec(job_type, {})
    keys = {field.serialization_alias or name for name, field in type(empty).model_fields.items()}
    assert spec(job_type, dict.fromkeys(keys)) == empty
    assert None not in empty.dump().values()


def test_empty_values_are_omitted_where_zadig_omits_them() -> None:
    assert set(KeyVal().dump()) == {"key", "value", "registry_id", "is_credential", "description", "source"}
    assert (
        KeyVal(required=True, file_id="1", choice_value=("a",)).dump().items()
        >= {
            "required": True,
            "file_id": "1",
            "choice_value": ["a"],
        }.items()
    )
    target = spec("zadig-distribute-image", {"targets": [{"source_tag": ""}]}).dump()["targets"][0]
    assert set(target) == {"service_name", "service_module", "update_tag"}


def test_script_and_timeout_are_for_the_local_runner_only() -> None:
    assert FreestyleSpec().dump().keys().isdisjoint({"script", "timeout"})
    assert (
        FreestyleSpec(script="make deploy", timeout="10m").dump().items()
        >= {
            "script": "make deploy",
            "timeout": "10m",
        }.items()
    )


@pytest.mark.parametrize("value", [{"tapd_id": "1", "status": None, "iterations": [{"error": ""}]}, None, [], "x", 1])
def test_the_spec_of_an_unknown_job_is_kept_untouched(value: object) -> None:
    job = JOB.validate_python({"name": "t", "type": "tapd", "spec": value, "run_policy": "skip", "more": {"a": 1}})

    assert isinstance(job, UnknownJob)
    assert not job.known
    assert job.dump() == {"name": "t", "type": "tapd", "spec": value, "run_policy": "skip", "more": {"a": 1}}


def test_a_known_type_is_no_unknown_job() -> None:
    with pytest.raises(ValidationError):
        UnknownJob(type="sql")


@pytest.mark.parametrize("job", [{"name": "a"}, {"type": None}, {"type": 1}, {"type": []}, {"type": "sql", "spec": []}])
def test_a_job_without_a_type_or_with_a_wrong_spec_is_refused(job: object) -> None:
    with pytest.raises(ValidationError):
        JOB.validate_python(job)


def test_the_error_of_a_known_job_names_its_place() -> None:
    with pytest.raises(ValidationError) as error:
        JOB.validate_python({"name": "a", "type": "sql", "spec": {"sql": 3}})

    assert [problem["loc"] for problem in error.value.errors()] == [("known", "sql", "spec", "sql")]


@pytest.mark.parametrize(
    "value",
    ["\0", "\ud800", ["\0"], {"\0": 1}, {"a": "\ud800"}, 2**64, -(2**65), float("nan"), {1: 2}, object()],
)
def test_what_could_not_be_stored_is_refused_in_unknown_keys_too(value: object) -> None:
    for data in ({"more": value}, {"value": value}):
        with pytest.raises(ValidationError):
            Param.model_validate(data)


@pytest.mark.parametrize(("levels", "fits"), [(100, True), (101, False), (300, False)])
def test_unknown_values_are_not_nested_without_limit(levels: int, fits: bool) -> None:
    value: object = 1
    for _ in range(levels):
        value = [value]

    if fits:
        param = Param.model_validate({"more": value})
        assert Param.model_validate_json(param.dump_json()) == param
    else:
        with pytest.raises(ValidationError):
            Param.model_validate({"more": value})


def test_models_are_made_by_name_and_do_not_change() -> None:
    job = BuildJob(name="b", spec=BuildSpec(job_name="x"))
    stage = WorkflowStage(name="s", jobs=(job, UnknownJob(name="u", type="tapd"), ApolloJob(name="a")))

    assert Workflow.model_validate(Workflow(stages=(stage,)).dump()).stages[0] == stage
    with pytest.raises(ValidationError):
        setattr(job, "name", "c")  # noqa: B010 - the type checker knows that it is read-only


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_models_have_a_json_schema(mode: Any) -> None:
    schema = Workflow.model_json_schema(mode=mode)

    job_types = {name for name in schema["$defs"] if name.endswith("Job")}
    assert len(job_types) == len(JobType) + 1
