"""Whole plans for outside systems: everything but the credentials."""

from __future__ import annotations

import json

from core.workflow import MASK
from tests.contract.store.offices import Office
from tests.worlds import text_item, workflow, workflow_item

SECRET = {"name": "password", "type": "string", "value": "hunter2", "is_credential": True}


async def test_masked_plans_are_whole_but_for_their_credentials(office: Office) -> None:
    items = [text_item("notes"), workflow_item("deploy", workflow=workflow("true") | {"params": [SECRET]})]
    plan = await office.create(items=items, description="why")
    other = await office.create()
    masked = await office.store.read(lambda reading: reading.plans.get_masked([plan.id, other.id, "none"]))

    assert masked.keys() == {plan.id, other.id}
    notes, deploy = masked[plan.id].items.values()
    assert notes.spec == {"content": "by hand"}
    assert deploy.spec is not None
    assert deploy.spec["params"][0]["value"] == MASK
    assert masked[plan.id].content == plan.content
    assert "hunter2" not in json.dumps([dict(item.spec or {}) for item in masked[plan.id].items.values()])

    whole = await office.store.read(lambda reading: reading.plans.get(plan.id, whole=True))
    assert "hunter2" in json.dumps([dict(item.spec or {}) for item in whole.items.values()])
