"""The chain over the log entries of all plans, and what the digests of a plan are checked against."""

from __future__ import annotations

import asyncio

from core import commands as c
from core.audit import Head, LogEntry, link_entries
from core.plan import Plan
from core.ports.store import Store
from tests.contract.store.offices import AUDIT_KEY, SECRET, Office, item_of, with_secret
from tests.worlds import draft, stage


async def read_chain(store: Store) -> tuple[list[LogEntry], Head]:
    return await store.read(lambda reading: (reading.log.since(0), reading.log.head()))


def assert_linked(entries: list[LogEntry], head: Head) -> None:
    """Assert that the entries are linked in their order without a gap, and that the newest is the head."""
    assert entries == link_entries(entries, Head(), AUDIT_KEY)
    assert [entry.link_seq for entry in entries] == list(range(1, len(entries) + 1))
    assert head == Head(entries[-1].link_seq, entries[-1].link)


async def test_an_empty_log_has_an_empty_head(store: Store) -> None:
    assert await read_chain(store) == ([], Head())


async def test_the_entries_of_all_plans_are_linked_in_their_order(office: Office) -> None:
    one, two = await office.create(draft(stage("bob"))), await office.create(draft(stage("carol")))
    await office.do(c.Submit, two)
    await office.do(c.Submit, one)
    await office.do(c.Reject, one, "bob", reason="no")
    await office.do(c.Delete, await office.create())
    entries, head = await read_chain(office.store)
    assert len({entry.plan_id for entry in entries}) == 3
    assert_linked(entries, head)


async def test_replicas_that_write_at_once_extend_one_chain(offices: list[Office]) -> None:
    async def release(office: Office) -> None:
        plan = await office.create(draft(stage("bob")))
        await office.do(c.Submit, plan)
        await office.do(c.Approve, plan, "bob")

    await asyncio.gather(*(release(office) for office in offices * 4))
    for office in offices:
        assert_linked(*await read_chain(office.store))


async def test_the_newest_entry_of_some_events_is_found(office: Office) -> None:
    one, two = await office.create(draft(stage("bob"))), await office.create()
    await office.do(c.Submit, one)
    await office.do(c.Reject, one, "bob", reason="no")

    async def latest(plan: Plan, *events: str) -> LogEntry | None:
        return await office.store.read(lambda reading: reading.log.latest(plan.id, events))

    log = await office.log(one)
    voted = next(entry for entry in log if entry.event == "voted")
    assert await latest(one, "voted") == voted
    assert await latest(one, "created", "voted") == voted
    assert await latest(one, "run_requested") is None
    assert await latest(two, "voted") is None


async def test_the_parts_that_a_digest_is_made_of_are_read_alone(office: Office) -> None:
    plan = await office.create(draft(items=[with_secret()], description="about"))
    deploy = item_of(plan, "deploy")
    masked, whole, content = await office.store.read(
        lambda reading: (
            reading.plans.masked_spec(plan.id, deploy.id),
            reading.plans.spec(plan.id, deploy.id),
            reading.plans.content(plan.id),
        )
    )
    assert SECRET in str(whole)
    assert SECRET not in str(masked)
    assert masked["name"] == whole["name"]
    assert content == plan.content
