"""Whatever is sent is answered with a status of the 400s and JSON, in the reader's language, never repeating it."""

from __future__ import annotations

import gzip
import json
import logging
from io import BytesIO
from typing import Any

import pytest

from tests.unit.bot.api.serving import BODY, Answered, Site, draft
from tests.worlds import stage, text_item, workflow_item


async def send(fabu: Site, raw: bytes | BytesIO, kind: str = "application/json", path: str = "/plans") -> Answered:
    headers = {**fabu.headers("alice"), "Content-Type": kind}
    async with fabu.client.post(f"/api/v1{path}", data=raw, headers=headers) as response:
        return Answered(response.status, await response.json(), response.headers.copy())


@pytest.mark.parametrize(
    "raw",
    [b"{", b"\xff\xfe", b'{"name": NaN}', b"[" * 100_000, b'{"a":' * 5000, b"1" * 5000, b'\xef\xbb\xbf{"name":"x"}'],
    ids=["cut", "utf16", "nan", "deep list", "deep object", "long number", "bom"],
)
async def test_what_is_no_json_is_a_bad_request(fabu: Site, raw: bytes) -> None:
    refused = await send(fabu, raw)
    assert (refused.status, refused.json["code"]) == (400, "bad_request")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"null", b"5"])
async def test_a_body_must_be_an_object(fabu: Site, raw: bytes) -> None:
    refused = await send(fabu, raw)
    assert (refused.status, refused.json["params"]["problems"][0]["message"]) == (422, "write an object with fields")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "a\0b"}, "name"),
        ({"description": "\ud800"}, "description"),
        ({"jira_sprints": [{"x": ["\udfff"]}]}, "jira_sprints[0].x[0]"),
        ({"jira_sprints": [{"a\0": 1}]}, "jira_sprints[0]"),
        ({"jira_sprints": [{"\ud800": "\ud800"}]}, "jira_sprints[0].\\ud800"),
        ({"jira_sprints": [{"x": 2**65}]}, "jira_sprints[0].x"),
        ({"items": [text_item("a", content="\0")]}, "items[0].content"),
    ],
)
async def test_what_cannot_be_stored_is_named(fabu: Site, fields: dict[str, Any], path: str) -> None:
    refused = await send(fabu, json.dumps(draft(**fields)).encode())
    assert refused.status == 422
    assert path in [problem["path"] for problem in refused.json["params"]["problems"]]


async def test_no_value_is_taken_for_one_of_another_type(fabu: Site) -> None:
    approval = {"stages": [stage("bob", rule="2")], "allow_self_approval": 0, "expires_in": True}
    body = draft(approval=approval, schedule_at=True, items=[text_item("a", name=7)])
    refused = await fabu.ask("POST", "/plans", body)
    assert {problem["path"] for problem in refused.json["params"]["problems"]} == {
        "approval.stages[0].rule",
        "approval.allow_self_approval",
        "approval.expires_in",
        "schedule_at",
        "items[0].name",
    }


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-12:00", "1969-12-31T23:59:59Z"])
async def test_a_time_that_no_zone_could_show_is_refused(fabu: Site, end: str) -> None:
    refused = await fabu.ask("POST", "/plans", {"name": "Late", "window": {"end": end}})
    assert refused.status == 422
    assert refused.json["params"]["problems"] == [
        {"path": "window.end", "message": "write a time between the years 1970 and 9998", "params": {}}
    ]


@pytest.mark.parametrize(
    "sprint",
    [{"x": 1}, {}, {"sprint_id": 0}, {"sprint_id": "7"}, {"sprint_id": True}, {"sprint_name": " \u200b"},
     {"sprint_id": 7, "x": 1}, {"board_id": 7}],
)  # fmt: skip
async def test_a_sprint_that_nobody_could_find_is_refused(fabu: Site, sprint: dict[str, Any]) -> None:
    refused = await fabu.ask("POST", "/plans", draft(jira_sprints=[{"sprint_id": 7, "project_key": "PAY"}, sprint]))
    [problem] = refused.json["params"]["problems"]
    assert (problem["path"], problem["message"][:15]) == ("jira_sprints[1]", "write sprint_id")


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u3000\ufeff", "\u3164\n"])
async def test_a_blank_name_is_refused(fabu: Site, blank: str) -> None:
    body = draft(name=blank, approval={"stages": [stage("bob", name=blank)]}, items=[text_item("a", name=blank)])
    refused = await fabu.ask("POST", "/plans", body)
    assert [problem["path"] for problem in refused.json["params"]["problems"]] == [
        "name", "approval.stages[0].name", "items[0].name",
    ]  # fmt: skip
    plan = await fabu.plan()
    for path in (f"/plans/{plan['id']}/copy", "/tokens"):
        assert (await fabu.ask("POST", path, {"name": blank})).status == 422


async def test_an_endless_number_is_refused(fabu: Site) -> None:
    refused = await send(fabu, b'{"name": "x", "jira_sprints": [{"x": 1e999}]}')
    assert refused.json["params"]["problems"][0]["path"] == "jira_sprints[0].x"


async def test_every_problem_is_told_with_the_path_of_its_field(fabu: Site) -> None:
    jobs = [{"type": "freestyle", "spec": {"envs": [{"key": 1}]}}, {"name": "no type"}]
    body = {
        "name": "",
        "window": {"start": "tomorrow"},
        "approval": {"stages": [{"name": "QA", "approvers": ["bob"], "rule": "most"}], "expires_in": "soon"},
        "items": [
            {"type": "text"},
            {"type": "workflow", "key": "b", "runner": "!", "workflow": {"stages": [{"jobs": jobs}]}},
            {"type": "odd"},
            {},
            5,
            workflow_item("k", workflow={"params": [{"type": "name", "name": 7}]}),
        ],
        "extra": True,
    }
    refused = await fabu.ask("POST", "/plans", body)
    assert (refused.status, refused.json["code"]) == (422, "invalid")
    found = {problem["path"]: problem["message"] for problem in refused.json["params"]["problems"]}
    assert found == {
        "name": "too short: the least is 1",
        "window.start": "write a time with its zone, such as 2026-01-31T20:00:00+08:00",
        "approval.stages[0].rule": "write one of: all, any",
        "approval.expires_in": "write a duration such as 90s, 10m, 1h30m or 2d",
        "items[0].key": "this field is required",
        "items[0].name": "this field is required",
        "items[1].name": "this field is required",
        "items[1].runner": "the text must fit the pattern ^[\\w-]+$",
        "items[1].workflow.stages[0].jobs[0].spec.envs[0].key": "write a text",
        "items[1].workflow.stages[0].jobs[1].type": "this field is required",
        "items[2].type": "write one of: text, workflow",
        "items[3].type": "this field is required",
        "items[4]": "write an object with fields",
        "items[5].workflow.params[0].name": "write a text",
        "extra": "there is no such field",
    }


async def test_what_the_engine_refuses_has_paths_too(fabu: Site) -> None:
    body = draft(manager="nobody", items=[text_item("a", needs=["b"]), text_item("a")])
    refused = await fabu.ask("POST", "/plans", body)
    problems = {problem["path"]: problem for problem in refused.json["params"]["problems"]}
    assert problems.keys() == {"manager", "items[0].needs[0]", "items[1].key"}
    assert problems["items[0].needs[0]"]["params"] == {"key": "b"}


async def test_what_was_sent_is_not_repeated(fabu: Site) -> None:
    secret = "hunter2-credential"
    body = draft(name={"x": secret}, manager=[secret], items=[{"type": secret}, text_item("a", needs=secret)])
    refused = await fabu.ask("POST", "/plans", body)
    assert refused.status == 422
    assert secret not in json.dumps(refused.json)


async def test_problems_have_an_end(fabu: Site) -> None:
    for items in ([5] * 1900, [text_item("a", content="\0")] * 1900):
        refused = await fabu.ask("POST", "/plans", draft(items=items))
        assert len(refused.json["params"]["problems"]) == 100


async def test_another_type_or_too_much_is_refused(fabu: Site) -> None:
    assert (await send(fabu, b"name=x", "application/x-www-form-urlencoded")).status == 415
    assert (await send(fabu, b'{"name":"x"}', "text/plain")).json["code"] == "unsupported_media_type"
    large = await send(fabu, BytesIO(b" " * (BODY + 1)))
    assert (large.status, large.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/callback/release_plan", "/nothing"])
async def test_a_compressed_body_is_refused_before_it_is_read(fabu: Site, path: str) -> None:
    bomb = gzip.compress(b" " * (50 * BODY))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "Connection": "close"}
    async with fabu.client.post(path, data=BytesIO(bomb), headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (415, "unsupported_media_type")


async def test_a_body_that_says_that_it_is_not_compressed_is_read(fabu: Site) -> None:
    created = await fabu.ask("POST", "/plans", {"name": "plain"}, Content_Encoding="identity")
    assert created.status == 201


async def test_unknown_addresses_and_methods_answer_json(fabu: Site) -> None:
    missing = await fabu.ask("GET", "/nothing")
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    async with fabu.client.get("/nothing") as response:
        assert (response.status, (await response.json())["code"]) == (404, "not_found")
    wrong = await fabu.ask("PUT", "/plans", {})
    assert (wrong.status, wrong.json["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "GET,POST")


REFS = ["%00", "..%2F..", "%ED%A0%80", "%F0%9F%98%80", "9" * 30, "0", "-1", "1.5", "²", "a" * 65, "{x}", "'--", "%25"]


@pytest.mark.parametrize("ref", REFS)
async def test_an_id_of_any_shape_is_not_found(fabu: Site, ref: str) -> None:
    plan = await fabu.executing()
    paths = [
        ("GET", f"/plans/{ref}"),
        ("PATCH", f"/plans/{ref}"),
        ("DELETE", f"/plans/{ref}"),
        ("POST", f"/plans/{ref}/submit"),
        ("POST", f"/plans/{ref}/copy"),
        ("GET", f"/plans/{ref}/log"),
        ("GET", f"/plans/{ref}/versions/{ref}/diff"),
        ("GET", f"/plans/{plan['id']}/versions/{ref}/diff"),
        ("GET", f"/plans/{ref}/deliveries"),
        ("POST", f"/plans/{plan['id']}/items/{ref}/execute"),
        ("DELETE", f"/tokens/{ref}"),
        ("POST", f"/deliveries/{ref}/replay"),
    ]
    for method, path in paths:
        answered = await fabu.ask(method, path, by="root")
        assert (answered.status, answered.json["code"]) == (404, "not_found"), path


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=!", "cursor=%00", "q=%00", "odd=1", "status=5"],
)
async def test_a_query_of_any_shape_is_answered(fabu: Site, query: str) -> None:
    refused = await fabu.ask("GET", f"/plans?{query}")
    assert (refused.status, refused.json["code"]) == (422, "invalid")
    assert refused.json["params"]["problems"][0]["path"] == query.split("=")[0]


async def test_the_reader_s_language_is_spoken(fabu: Site) -> None:
    english = (await fabu.ask("GET", "/plans/99", Accept_Language="en")).json["message"]
    assert english == "There is no plan 99. Use `list` to see what there is."
    for header in ("fr, zh-CN;q=0.9, en;q=0.5", "en; q=0.1, zh", "zh-TW"):
        chinese = await fabu.ask("GET", "/plans/99", Accept_Language=header)
        assert chinese.json["code"] == "not_found"
        assert chinese.json["params"] == {"what": "plan", "ref": "99"}
    for header in ("", "*", "fr", "en;q=x"):
        assert (await fabu.ask("GET", "/plans/99", Accept_Language=header)).json["message"] == english


class Broken(Exception):
    """Something that nobody foresaw."""


async def test_the_unforeseen_is_logged_and_not_shown(fabu: Site, caplog: pytest.LogCaptureFixture) -> None:
    services = fabu.services

    async def broken(_: object) -> Any:
        raise Broken("the secret detail")

    object.__setattr__(services, "chat", broken)
    answered = await fabu.ask("POST", "/chat", {"text": "help"})
    assert (answered.status, answered.json["code"]) == (500, "internal")
    assert "secret detail" not in json.dumps(answered.json)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert answered.json["params"]["request_id"] in logged[0].getMessage()
    assert "the secret detail" in str(logged[0].exc_info)


async def test_the_access_log_holds_no_query_and_no_body(fabu: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot.access")
    plan = await fabu.plan(name="told to nobody")
    await fabu.ask("GET", "/plans?q=told")
    async with fabu.client.get("/sign-in/one-time-secret"):
        pass
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.access"]
    assert [line.split()[:3] for line in lines] == [
        ["POST", "/api/v1/plans", "201"],
        ["GET", "/api/v1/plans", "200"],
        ["GET", "unknown", "404"],
    ]
    assert not any(word in line for line in lines for word in ("told", "secret", plan["id"]))
