"""Databases of earlier versions hold plain texts where messages are now: they are read, and shown as they are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from adapters.store.open import open_store
from bot.cards.sentences import render_entry
from bot.i18n import Locale
from core import commands as c
from core.audit import first_broken_entry
from core.messages import Message
from core.ports.outbox import Attempt, DeliveryState, Settled
from core.status import PlanStatus, RunStatus
from tests.contract.store.offices import AUDIT_KEY, Office, item_of
from tests.worlds import PEOPLE, START, draft, stage, workflow_item

OLD = "its gateway answered 502"
TEXTS = (
    "UPDATE plans SET reason = :old, external_check = :check",
    "UPDATE items SET run_message = :old",
    "UPDATE runs SET message = :old",
    "UPDATE effects SET error = :old",
    "UPDATE attempts SET error = :old",
)


async def test_plain_texts_are_read_as_they_are(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    office = Office(store)
    plan = await office.create(draft(stage("bob"), items=[workflow_item("deploy")]))
    await office.do(c.Submit, plan)
    plan = await office.do(c.Approve, plan, "bob")
    plan = await office.do(c.Execute, plan, item_id=item_of(plan, "deploy").id)
    plan = await office.report(plan, "deploy", RunStatus.FAILED, message=Message.verbatim(OLD))
    claimed = await store.write(lambda writing: writing.outbox.claim(START, timedelta(minutes=1), 10))
    tries = [Settled(each.claim, DeliveryState.DEAD, Attempt(START, 1)) for each in claimed]
    await store.write(lambda writing: writing.outbox.settle(tries))
    check = json.dumps(["start_execute", 0, 1, "", OLD, 0])
    with closing(sqlite3.connect(sqlite_file)) as connection, connection:
        for statement in TEXTS:
            assert connection.execute(statement, {"old": OLD, "check": check}).rowcount
        (details,) = connection.execute("SELECT details FROM log WHERE event = 'run_ended'").fetchone()
    assert json.loads(details)["message"] == OLD
    assert "messages" not in json.loads(details), "an entry of an earlier version is this one"

    plan, entries = await office.stored(plan), await office.log(plan)
    run = item_of(plan, "deploy").run
    assert run is not None
    assert plan.check is not None
    assert plan.reason == run.message == plan.check.reason == Message.verbatim(OLD)
    page = await store.read(lambda reading: reading.deliveries.page(plan.id, DeliveryState.DEAD))
    attempts = await store.read(lambda reading: reading.deliveries.attempts(page.items[0].effect.id))
    assert page.items[0].error == attempts[0].error == Message.verbatim(OLD)
    [ended] = [entry for entry in entries if entry.event == "run_ended"]
    assert render_entry(ended, plan, Locale("zh_CN", "UTC"), PEOPLE).endswith(f"— {OLD}")
    assert first_broken_entry(entries, AUDIT_KEY) is None
    assert plan.status is PlanStatus.EXECUTING
    await store.close()
