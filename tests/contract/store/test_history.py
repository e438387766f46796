"""The operation log, the versions, and the credentials that are in neither."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.store.open import open_store
from core import commands as c
from core.audit import first_broken_entry
from core.draft import PlanDraft, PlanPatch
from core.errors import Forbidden, NotFound, Unavailable
from core.workflow import MASK
from tests.contract.store.offices import AUDIT_KEY, SECRET, Office, item_of, with_secret
from tests.worlds import draft, stage, workflow_item


async def test_the_chain_of_the_log_holds_after_a_round_trip(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")))
    await office.do(c.Submit, plan)
    await office.do(c.Approve, plan, "bob", comment="好 “ok” \\ \n 🚀")
    with pytest.raises(Forbidden):
        await office.do(c.Cancel, plan, "erin")
    await office.do(c.Reject, plan, "carol", reason="no")
    log = await office.log(plan)
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert first_broken_entry(log, AUDIT_KEY) is None
    forged = [replace(log[0], actor="mallory"), *log[1:]]
    assert first_broken_entry(forged, AUDIT_KEY) == forged[0]


async def test_the_log_is_read_from_where_it_was_left(office: Office) -> None:
    one, two = await office.create(), await office.create()
    await office.do(c.Submit, one)
    log = await office.store.read(lambda reading: reading.log.of_plan(one.id))
    assert await office.store.read(lambda reading: reading.log.of_plan(one.id, after=1)) == log[1:]
    assert await office.store.read(lambda reading: reading.log.of_plan(one.id, after=0, limit=1)) == log[:1]
    every = await office.store.read(lambda reading: reading.log.since(0))
    assert [entry.plan_id for entry in every] == [one.id, two.id, *[one.id] * (len(log) - 1)]
    assert await office.store.read(lambda reading: reading.log.since(every[0].id, limit=2)) == every[1:3]


async def test_the_newest_entry_is_found(office: Office) -> None:
    assert await office.store.read(lambda reading: reading.log.newest()) == 0
    for _ in range(3):
        plan = await office.create()
        newest = (await office.log(plan))[-1].id
        assert await office.store.read(lambda reading: reading.log.newest()) == newest


async def test_each_revision_is_kept_as_a_version_without_credentials(office: Office) -> None:
    plan = await office.create(draft(stage("bob"), items=[with_secret()], description="first"))
    await office.do(c.Edit, plan, patch=PlanPatch(description="second"))
    edited = await office.stored(plan)
    first, second = await office.store.read(lambda reading: reading.plans.versions(plan.id))
    assert (first.revision, first.by, first.instance_code) == (1, "alice", plan.instance_code)
    assert (second.revision, second.at, second.instance_code) == (2, edited.updated_at, edited.instance_code)
    assert (first.content["description"], second.content["description"]) == ("first", "second")
    assert first.content["items"][0]["workflow"]["params"][0]["value"] == MASK
    assert SECRET not in str(first) + str(second)


async def test_edits_that_come_together_are_versions_of_their_own(office: Office) -> None:
    plan = await office.create()
    patches = [PlanPatch(description=text) for text in ("second", "third")]
    await asyncio.gather(*(office.ask(c.Edit, plan, patch=patch) for patch in patches))
    versions = await office.store.read(lambda reading: reading.plans.versions(plan.id))
    assert [(v.revision, v.content["description"]) for v in versions] == [(1, ""), (2, "second"), (3, "third")]
    assert len({version.instance_code for version in versions}) == 3


async def test_a_version_can_be_read_as_a_draft_again(office: Office) -> None:
    made = draft(approval={"stages": [stage("bob")], "expires_in": "1h30m"}, items=[workflow_item("deploy")])
    plan = await office.create(made)
    (version,) = await office.store.read(lambda reading: reading.plans.versions(plan.id))
    assert PlanDraft.model_validate(version.content) == made


async def test_credentials_come_back_with_the_spec(office: Office) -> None:
    plan = await office.create(draft(stage("bob"), items=[with_secret()]))
    item = item_of(plan, "deploy")
    assert item.spec is not None
    assert item.spec["params"][0]["value"] == SECRET
    assert await office.store.read(lambda reading: reading.plans.spec(plan.id, item.id)) == item.spec
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.spec(plan.id, "none"))
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.spec("none", item.id))


async def test_credentials_are_encrypted_at_rest(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"one key")
    office = Office(store)
    plan = await office.create(draft(stage("bob"), items=[with_secret()]))
    await office.do(c.Submit, plan)
    raw = b"".join(path.read_bytes() for path in sqlite_file.parent.glob("fabu.db*"))
    assert b"TOKEN" in raw
    assert SECRET.encode() not in raw
    await store.close()
    other = open_store(f"sqlite:///{sqlite_file}", b"another key")
    with pytest.raises(Unavailable, match="secret key"):
        await other.read(lambda reading: reading.plans.get(plan.id, whole=True))
    await other.close()
