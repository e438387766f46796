"""Credentials can be masked everywhere, kept apart, and put back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workflow import (
    MASK,
    Workflow,
    credentials,
    join_credentials,
    mask_credentials,
    split_credentials,
)
from tests.fixtures import hook_example

secrets = st.from_regex(r"s3cret-[0-9a-f]{8}", fullmatch=True)
plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
secret_lists = st.lists(secrets, max_size=2)


def marked(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"is_credential": st.just(True), "description": plain}, optional=fields)


params = marked(value=secrets, default=secrets, choice_value=secret_lists, choice_options=secret_lists)
variables = marked(value=secrets | st.just(""), script=secrets, choice_value=secret_lists, choice_option=secret_lists)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | plain,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(plain, inner, max_size=2),
    max_leaves=5,
)
foreign = st.recursive(
    anything | marked(value=st.dictionaries(plain, secrets) | secrets | secret_lists, default=secrets),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(plain | st.just("a/b~c"), inner, max_size=2),
    max_leaves=6,
)
jobs = st.one_of(
    st.fixed_dictionaries({"type": st.just("freestyle"), "spec": st.fixed_dictionaries({"envs": st.lists(variables)})}),
    st.fixed_dictionaries({"type": st.just("tapd"), "spec": foreign}),
    st.fixed_dictionaries({"type": st.just("sql"), "spec": st.none(), "extra": foreign}),
)
workflows = st.builds(
    lambda params, jobs: Workflow.model_validate({"params": params, "stages": [{"name": "s", "jobs": jobs}]}),
    st.lists(params, max_size=2),
    st.lists(jobs, max_size=3),
)


@given(workflows)
def test_what_is_split_can_be_joined_and_is_masked_meanwhile(workflow: Workflow) -> None:
    masked, apart = split_credentials(workflow)

    assert b"s3cret-" not in masked.dump_json()
    assert join_credentials(masked, json.loads(json.dumps(apart))) == workflow
    assert mask_credentials(workflow) == masked
    assert split_credentials(masked) == (masked, {})
    assert credentials(masked) == []


@given(workflows)
def test_every_secret_is_listed(workflow: Workflow) -> None:
    text = workflow.dump_json().decode()
    for secret in credentials(workflow):
        text = text.replace(secret, MASK)

    assert "s3cret-" not in text


def one_param(**fields: object) -> Workflow:
    return Workflow.model_validate({"params": [{"name": "p", **fields}]})


def test_what_is_masked_in_a_credential() -> None:
    workflow = one_param(is_credential=True, value="v", default="d", choice_value=["a", "b"], description="what it is")

    param = mask_credentials(workflow).params[0]
    assert (param.value, param.default, param.choice_value) == (MASK, MASK, (MASK,))
    assert (param.name, param.description, param.choice_option) == ("p", "what it is", ())


def test_paths_are_json_pointers_under_zadigs_names() -> None:
    assert split_credentials(one_param(is_credential=True, value="v", choice_options=["é"]))[1] == {
        "/params/0/value": "v",
        "json:/params/0/choice_option": '["é"]',
    }


def test_what_is_no_credential_stays() -> None:
    workflow = one_param(is_credential=False, value="v")

    assert split_credentials(workflow) == (workflow, {})


def test_an_empty_credential_stays_empty() -> None:
    workflow = one_param(is_credential=True, value="")

    assert split_credentials(workflow) == (workflow, {})
    assert credentials(workflow) == []


@pytest.mark.parametrize(
    ("mark", "secret"),
    [(True, True), ("true", True), (1, True), (False, False), ("false", False), ("", False), (None, False)],
)
@pytest.mark.parametrize("key", ["is_credential", "is_sensitive"])
def test_marks_of_unknown_specs_need_not_be_booleans(key: str, mark: object, secret: bool) -> None:
    job = {"type": "tapd", "spec": {key: mark, "value": "v"}}
    workflow = Workflow.model_validate({"stages": [{"jobs": [job]}]})

    assert credentials(workflow) == (["v"] if secret else [])


def test_longer_secrets_come_first_and_once() -> None:
    workflow = one_param(is_credential=True, value="ab", default="abc", choice_value=["ab", "b"])

    assert credentials(workflow) == ["abc", "ab", "b"]


def test_numbers_in_unknown_specs_are_secrets_and_come_back_as_numbers() -> None:
    job = {"type": "tapd", "spec": {"is_credential": True, "value": 1234, "default": {"pin": 5.5, "on": True}}}
    workflow = Workflow.model_validate({"stages": [{"jobs": [job]}]})

    masked, apart = split_credentials(workflow)
    assert credentials(workflow) == ["1234", "5.5"]
    assert masked.dump()["stages"][0]["jobs"][0]["spec"] == {"is_credential": True, "value": MASK, "default": MASK}
    assert join_credentials(masked, apart) == workflow


@pytest.mark.parametrize("path", ["/params/0/value", "/params/7/value", "/name", "nonsense", ""])
def test_secrets_of_another_workflow_are_not_put_in(path: str) -> None:
    with pytest.raises(ValueError, match="no masked credential at"):
        join_credentials(one_param(is_credential=True, value="not masked"), {path: "s"})


def test_the_example_of_the_document_has_its_three_credentials_apart() -> None:
    workflow = Workflow.model_validate(hook_example()["release_plan"]["jobs"][0]["spec"]["workflow"])

    masked, apart = split_credentials(workflow)
    assert sorted(apart.values()) == ["b", "b", "b"]
    assert join_credentials(masked, apart) == workflow
