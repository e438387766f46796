from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import FeishuError
from tests.simulators.feishu import FeishuSimulator

FORM = [{"id": "plan", "type": "input", "value": "Release 7"}]


def definition(node_type: str = "AND") -> dict[str, Any]:
    widget = {"id": "plan", "type": "input", "name": "@i18n@plan", "required": True}
    return {
        "approval_name": "@i18n@name",
        "viewers": [{"viewer_type": "NONE"}],
        "form": {"form_content": json.dumps([widget])},
        "node_list": [
            {"id": "START"},
            {"id": "ops", "name": "@i18n@ops", "node_type": node_type, "approver": [{"type": "Free"}]},
            {"id": "END"},
        ],
        "i18n_resources": [{"locale": "zh-CN", "texts": [{"key": "@i18n@name", "value": "发布"}], "is_default": True}],
    }


async def start(client: FeishuClient, code: str, uuid: str = "u1") -> str:
    return await client.start_instance(code, "ou_carol", FORM, {"ops": ["ou_alice", "ou_bob"]}, uuid, "#7 Release")


async def test_a_form_is_started_once_and_decided_by_all(feishu: FeishuSimulator, client: FeishuClient) -> None:
    code = await client.create_definition(definition())
    await client.subscribe(code)
    await client.subscribe(code)
    instance = await start(client, code)
    assert await start(client, code) == instance
    assert len(feishu.approvals.instances) == 1
    feishu.approvals.decide(instance, "ou_alice", "APPROVED")
    assert (await client.get_instance(instance))["status"] == "PENDING"
    feishu.approvals.decide(instance, "ou_bob", "APPROVED")
    assert (await client.get_instance("u1"))["status"] == "APPROVED"


async def test_one_of_several_may_suffice(feishu: FeishuSimulator, client: FeishuClient) -> None:
    instance = await start(client, await client.create_definition(definition("OR")))
    feishu.approvals.decide(instance, "ou_bob", "APPROVED")
    answer = await client.get_instance(instance)
    assert answer["status"] == "APPROVED"
    assert {task["open_id"]: task["status"] for task in answer["task_list"]} == {
        "ou_alice": "DONE",
        "ou_bob": "APPROVED",
    }


async def test_a_definition_is_updated_under_its_code(feishu: FeishuSimulator, client: FeishuClient) -> None:
    code = await client.create_definition(definition())
    assert await client.create_definition(definition("OR") | {"approval_code": code}) == code
    assert feishu.approvals.definitions[code]["node_list"][1]["node_type"] == "OR"


async def test_a_form_is_withdrawn_by_who_submitted_it(client: FeishuClient) -> None:
    code = await client.create_definition(definition())
    instance = await start(client, code)
    with pytest.raises(FeishuError, match="permission"):
        await client.cancel_instance(code, instance, "ou_alice")
    await client.cancel_instance(code, instance, "ou_carol")
    assert (await client.get_instance(instance))["status"] == "CANCELED"


async def test_unknown_definitions_are_refused(client: FeishuClient) -> None:
    with pytest.raises(FeishuError, match="approval code not found"):
        await client.subscribe("nowhere")
    with pytest.raises(FeishuError, match="approval code not found"):
        await start(client, "nowhere")
