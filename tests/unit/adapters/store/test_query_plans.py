"""The cost of a click does not grow with the number of plans, items or effects: every statement goes by an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from adapters.store.open import open_store
from core import commands as c
from core.ports.digests import DigestRecord
from core.ports.outbox import Attempt, DeliveryState, Settled
from core.ports.plans import PlanQuery
from core.ports.store import Store
from core.status import RunStatus
from tests.contract.store.offices import Office, item_of
from tests.worlds import CI, START, draft, stage, text_item, workflow_item

LEASE = timedelta(minutes=1)


class Statements:
    """The statements that were sent to a database, each with parameters it had."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            self.sent[statement] = parameters[0] if many else parameters

    def scans(self, path: Path) -> list[str]:
        """Return the statements that read a whole table or index, with how."""
        found = []
        with closing(sqlite3.connect(path)) as connection:
            for statement, parameters in self.sent.items():
                steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                found += [f"{step[3]}: {statement}" for step in steps if step[3].startswith("SCAN")]
        return [scan for scan in found if not scan.startswith(("SCAN CONSTANT ROW", "SCAN 1 CONSTANT"))]


@contextmanager
def listening() -> Iterator[Statements]:
    statements = Statements()
    event.listen(Engine, "before_cursor_execute", statements.note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", statements.note)


async def live(store: Store) -> Office:
    """Let a plan go through everything that writes."""
    office = Office(store)
    items = [text_item("notes"), workflow_item("deploy", needs=["notes"])]
    approval = {"stages": [stage("bob")], "expires_in": "1h", "remind_every": "1m"}
    plan = await office.create(draft(items=items, approval=approval), key="create")
    await office.do(c.Submit, plan)
    await office.do(c.Replan, plan)
    await office.do(c.Submit, plan)
    await office.do(c.Approve, plan, "bob", key="click")
    await office.do(c.Execute, plan, item_id=item_of(plan, "notes").id)
    plan = await office.do(c.Execute, plan, item_id=item_of(plan, "deploy").id)
    await office.report(plan, "deploy", RunStatus.FAILED)
    await office.do(c.Cancel, plan)
    return office


async def deliver(store: Store) -> None:
    """Claim and settle effects and timers in every way."""
    claimed = await store.write(lambda writing: writing.outbox.claim(START, LEASE, 10, [CI]))
    tried = Attempt(START, 1)
    states = [DeliveryState.PENDING, *[DeliveryState.DONE] * len(claimed)]
    results = [Settled(d.claim, state, tried) for d, state in zip(claimed, states, strict=False)]
    await store.write(lambda writing: writing.outbox.settle(results))
    await store.write(lambda writing: writing.outbox.replay([d.effect.id for d in claimed], START))
    again = await store.write(lambda writing: writing.outbox.claim(START, LEASE, 10, [CI]))
    claims = [delivery.claim for delivery in again]
    assert claims
    await store.write(lambda writing: writing.outbox.renew(claims, START + LEASE))
    await store.write(lambda writing: writing.outbox.release(claims[:1], START))
    await store.write(lambda writing: writing.outbox.shorten_leases(START, LEASE))
    await store.write(lambda writing: writing.outbox.hasten(START - LEASE))
    await store.write(lambda writing: writing.timers.shorten_leases(START, LEASE))
    await store.write(lambda writing: writing.replicas.beat("one", START))
    due = await store.write(lambda writing: writing.timers.claim(START + timedelta(days=1), LEASE, 10))
    await store.write(lambda writing: writing.timers.drop(due))
    await store.write(lambda writing: writing.requests.forget(START))
    await store.write(lambda writing: writing.digests.put(DigestRecord("d1", "bob", "slack")))
    await store.write(lambda writing: writing.digests.forget_parts("bob"))


async def test_no_statement_that_writes_reads_a_whole_table(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    with listening() as statements:
        await live(store)
        await deliver(store)
    await store.close()
    assert len(statements.sent) > 30
    assert statements.scans(sqlite_file) == []


@pytest.mark.parametrize(
    "query",
    [
        PlanQuery(cursor="OQ"),
        PlanQuery(status="executing", cursor="OQ"),
        PlanQuery(manager="alice"),
        PlanQuery(manager="alice", status="executing"),
    ],
)
async def test_a_page_of_plans_is_found_by_an_index(sqlite_file: Path, query: PlanQuery) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    with listening() as statements:
        await store.read(lambda reading: reading.plans.page(query))
    await store.close()
    assert len(statements.sent) == 1
    assert statements.scans(sqlite_file) == []


async def test_what_waits_for_somebody_is_found_by_their_items(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    office = Office(store)
    items = [text_item(f"i{number}", assignee="erin" if number % 10 == 0 else "") for number in range(30)]
    await office.do(c.Submit, await office.create(draft(items=items)))
    with listening() as statements:
        assert len(await store.read(lambda reading: reading.plans.waiting("erin"))) == 3
    await store.close()
    assert statements.scans(sqlite_file) == []


async def test_what_is_shown_is_found_by_an_index(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    office = await live(store)
    with listening() as statements:
        plan_id = await store.read(lambda reading: reading.plans.id_of("1"))
        plan = await store.read(lambda reading: reading.plans.get(plan_id))
        await store.read(lambda reading: reading.plans.find_items(plan_id, "deploy"))
        await store.read(lambda reading: reading.plans.spec(plan_id, item_of(plan, "deploy").id))
        await store.read(lambda reading: reading.plans.failed_runs())
        await store.read(lambda reading: reading.log.of_plan(plan_id))
        await store.read(lambda reading: reading.log.since(0))
        await store.read(lambda reading: reading.log.newest())
        await store.read(lambda reading: reading.requests.find(["create", "click"]))
        await store.read(lambda reading: reading.deliveries.body("e1"))
        await store.read(lambda reading: reading.plans.versions(plan_id))
        await store.read(lambda reading: reading.deliveries.page(plan_id))
        await store.read(lambda reading: reading.deliveries.page(state="dead"))
        await store.read(lambda reading: reading.cards.of_plan(plan_id, "slack"))
        await store.read(lambda reading: reading.people.identity("slack", "U1"))
        await store.read(lambda reading: reading.digests.of_person("bob"))
        await store.read(lambda reading: reading.digests.parts(plan_id))
    await office.store.close()
    assert statements.scans(sqlite_file) == []
