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


async def test_a_workflow_comes_back_as_it_was_given_empty_or_not_at_all(office: Office) -> None:
    repo = {"repo_name": "shop", "branch": "main", "tag": ""}
    env = {"key": "A", "type": "string", "value": "hunter2", "is_credential": True, "choice_value": []}
    job = {"name": "job", "type": "freestyle", "spec": {"ref_repos": False, "repos": [repo], "envs": [env]}}
    given = {"name": "deploy", "stages": [{"name": "all", "jobs": [job]}]}
    plan = await office.create(items=[workflow_item("deploy", workflow=given)])
    item_id = plan.items[next(iter(plan.items))].id

    masked = await office.store.read(lambda reading: reading.plans.get_masked([plan.id]))
    assert dict(await office.store.read(lambda reading: reading.plans.spec(plan.id, item_id))) == given
    assert dict((await office.stored(plan)).items[item_id].spec or {}) == given
    env |= {"value": MASK}
    assert dict(masked[plan.id].items[item_id].spec or {}) == given
