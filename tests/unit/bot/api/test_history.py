from __future__ import annotations

from typing import Any

import pytest

from tests.unit.bot.api.serving import Site
from tests.worlds import text_item, workflow_item


@pytest.mark.parametrize("parameter", ["cursor", "after"])
async def test_the_log_is_read_in_parts(fabu: Site, parameter: str) -> None:
    plan = await fabu.plan()
    for number in range(4):
        await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": f"Release {number}"})
    seen: list[tuple[int, str, str, str]] = []
    after = "0" if parameter == "after" else ""
    while after or not seen:
        page = (await fabu.ask("GET", f"/plans/{plan['number']}/log?limit=2&{parameter}={after}")).json
        seen += [(entry["seq"], entry["event"], entry["actor"], entry["via"]) for entry in page["items"]]
        after = page["next_cursor"]
    assert seen == [(1, "created", "alice", "api")] + [(seq, "edited", "alice", "api") for seq in (2, 3, 4, 5)]


async def test_versions_tell_what_each_revision_changed(fabu: Site) -> None:
    plan = await fabu.plan(manager="alice", items=[text_item("a")])
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "Two", "items": [text_item("b"), text_item("a")]})
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"description": "new"})
    versions = (await fabu.ask("GET", f"/plans/{plan['id']}/versions")).json["items"]
    assert [(version["revision"], version["by"]) for version in versions] == [(1, "alice"), (2, "alice"), (3, "alice")]
    assert {version["instance_code"] for version in versions} == {""}, "they are for administrators"
    known = (await fabu.ask("GET", f"/plans/{plan['id']}/versions", by="root")).json["items"]
    present = (await fabu.ask("GET", f"/plans/{plan['id']}", by="root")).json["instance_code"]
    assert known[-1]["instance_code"] == present != known[0]["instance_code"] != ""

    second = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/2/diff")).json
    assert (second["revision"], second["against"]) == (2, 1)
    assert [place["path"] for place in second["differences"]] == ["name", "items[b]"]
    third = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/3/diff?against=1")).json
    assert [place["path"] for place in third["differences"]] == ["name", "description", "items[b]"]
    first = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/1/diff")).json
    assert (first["against"], first["differences"][0]["before"]) == (0, None)
    assert (await fabu.ask("GET", f"/plans/{plan['id']}/versions/4/diff")).status == 404
    assert (await fabu.ask("GET", f"/plans/{plan['id']}/versions/2/diff?against=9")).status == 404


async def test_a_revision_that_only_took_the_plan_back_changed_nothing(fabu: Site) -> None:
    plan = await fabu.plan()
    await fabu.ask("POST", f"/plans/{plan['id']}/submit", {})
    assert (await fabu.ask("POST", f"/plans/{plan['id']}/replan", {})).json["revision"] == 2
    found = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/2/diff")).json
    assert (found["revision"], found["against"], found["differences"]) == (2, 1, [])
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "Release 2"})
    found = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/3/diff")).json
    assert (found["against"], [place["path"] for place in found["differences"]]) == (2, ["name"])


async def test_the_log_keeps_what_an_edit_changed_from_what_to_what_without_credentials(fabu: Site) -> None:
    def deploy(secret: str, target: str) -> dict[str, Any]:
        params = [
            {"name": "TOKEN", "type": "string", "value": secret, "is_credential": True},
            {"name": "TARGET", "type": "string", "value": target},
        ]
        item = workflow_item("deploy")
        return item | {"workflow": item["workflow"] | {"params": params}}

    plan = await fabu.plan(items=[text_item("a"), deploy("hunter2", "dev")])
    patch = {"name": "Two", "description": "x" * 600, "items": [text_item("a"), deploy("hunter3", "prod")]}
    await fabu.ask("PATCH", f"/plans/{plan['id']}", patch)
    entry = (await fabu.ask("GET", f"/plans/{plan['id']}/log")).json["items"][-1]
    name, description, token, target = entry["details"]["differences"]
    assert name == {"path": "name", "before": plan["name"], "after": "Two"}
    assert (description["path"], len(description["after"])) == ("description", 500)
    assert token == {"path": "items[deploy].workflow.params[0].value", "before": "********", "after": "********"}
    assert target == {"path": "items[deploy].workflow.params[1].value", "before": "dev", "after": "prod"}
    assert "hunter" not in str(entry)
    assert set(entry["details"]["changed"]) == {"name", "description", "items"}


async def test_a_diff_names_the_credentials_that_changed_without_their_values(fabu: Site) -> None:
    def deploy(secret: str) -> list[dict[str, Any]]:
        params = [{"name": "TOKEN", "type": "string", "value": secret, "is_credential": True}]
        item = workflow_item("deploy")
        return [item | {"workflow": item["workflow"] | {"params": params}}]

    plan = await fabu.plan(items=deploy("hunter2"))
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "Two"})
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"items": deploy("hunter3")})
    changed = {"path": "items[deploy].workflow.params[0].value", "before": "********", "after": "********"}
    for query, differences in (("3/diff", [changed]), ("2/diff?against=3", [changed]), ("2/diff", [])):
        answer = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/{query}")).json
        assert [each for each in answer["differences"] if each["path"] != "name"] == differences
        assert "hunter" not in str(answer)


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"schedule_at": "2030-01-01T08:00:00+08:00"}, []),
        ({"checks": ["start_execute", "finish_planning"]}, []),
        ({"checks": ["start_execute"]}, ["checks"]),
        ({"schedule_at": "2030-01-01T00:00:01Z"}, ["schedule_at"]),
    ],
)
async def test_two_spellings_of_one_value_do_not_differ(fabu: Site, edit: dict[str, Any], changed: list[str]) -> None:
    plan = await fabu.plan(schedule_at="2030-01-01T00:00:00Z", checks=["finish_planning", "start_execute"])
    await fabu.ask("PATCH", f"/plans/{plan['id']}", edit)
    edits = list((await fabu.ask("GET", f"/plans/{plan['id']}/log")).json["items"])[1:]
    assert [name for entry in edits for name in entry["details"]["changed"]] == changed


async def test_a_flag_and_a_number_differ(fabu: Site) -> None:
    def deploy(value: object) -> list[dict[str, Any]]:
        services = [{"service_name": "shop", "variable_kvs": [{"key": "debug", "value": value}]}]
        jobs = [{"name": "deploy", "type": "zadig-deploy", "spec": {"services": services}}]
        item = workflow_item("deploy")
        return [item | {"workflow": item["workflow"] | {"stages": [{"name": "s", "jobs": jobs}]}}]

    plan = await fabu.plan(items=deploy(True))
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"items": deploy(1)})
    (place,) = (await fabu.ask("GET", f"/plans/{plan['id']}/versions/2/diff")).json["differences"]
    assert (place["before"], place["after"]) == (True, 1)


async def test_the_log_keeps_the_first_of_very_many_changes(fabu: Site) -> None:
    plan = await fabu.plan(items=[text_item(f"i{number}") for number in range(150)])
    items = [text_item(f"i{number}", name=f"New {number}") for number in range(150)]
    await fabu.ask("PATCH", f"/plans/{plan['id']}", {"items": items})
    entry = (await fabu.ask("GET", f"/plans/{plan['id']}/log")).json["items"][-1]
    assert len(entry["details"]["differences"]) == 100
