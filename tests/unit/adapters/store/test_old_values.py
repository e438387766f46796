"""Databases of earlier versions hold values that are refused now: they are read, shown and changed all the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store.open import open_store
from bot.cards.plan import PlanCards
from bot.i18n import Locale
from core import commands as c
from core.audit import first_broken_entry
from core.card import plain
from core.decide.planning import draft_of
from core.draft import PlanDraft, PlanPatch
from core.plan import Window
from core.ports.plans import PlanQuery
from tests.contract.store.offices import AUDIT_KEY, Office
from tests.worlds import PEOPLE, draft, stage

LATEST = datetime(9998, 12, 31, 23, 59, 59, 999_999, UTC)
BEYOND_DATETIME = 253_402_343_999 * 1_000_000
"""9999-12-31T23:59:59-12:00, in the year 10000 of UTC, in microseconds since 1970."""


@pytest.mark.parametrize("stored", [BEYOND_DATETIME, BEYOND_DATETIME - 86_400_000_000, 2**63 - 1])
async def test_times_and_durations_out_of_bounds_are_read_as_the_nearest_within(sqlite_file: Path, stored: int) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    office = Office(store)
    plan = await office.create(draft(stage("bob")))
    _execute(
        sqlite_file,
        "UPDATE plans SET window_start = -1, window_end = :stored, schedule_at = :stored, expires_in = :stored,"
        " remind_every = 0",
        stored=stored,
    )

    plan = await office.stored(plan)
    assert plan.window == Window(datetime(1970, 1, 1, tzinfo=UTC), LATEST)
    assert plan.schedule_at == LATEST
    assert (plan.approval.expires_in, plan.approval.remind_every) == (timedelta(days=366), timedelta(seconds=1))
    [listed] = (await store.read(lambda reading: reading.plans.page(PlanQuery()))).items
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        card = PlanCards(Locale("en", zone), PEOPLE, "").plan(plan)
        assert any("999" in plain(line) for line in (*card.ask, *card.foot))
        assert Locale("en", zone).time(listed.schedule_at).startswith("999")
    assert first_broken_entry(await office.log(plan), AUDIT_KEY) is None
    assert PlanDraft.model_validate_json(draft_of(plan).model_dump_json()).window.end == LATEST

    plan = await office.do(c.Submit, plan)
    assert first_broken_entry(await office.log(plan), AUDIT_KEY) is None
    await store.close()


async def test_texts_that_are_refused_now_are_read_and_changed(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", b"key")
    office = Office(store)
    plan = await office.create(draft(stage("bob")))
    _execute(
        sqlite_file,
        "UPDATE plans SET name = ' '",
        "UPDATE stages SET name = ''",
        "UPDATE items SET name = '\u200b'",
        """UPDATE contents SET jira_sprints = '[{"x":1}]'""",
    )

    plan = await office.do(c.Edit, plan, patch=PlanPatch(description="why"))
    kept = draft_of(plan)
    assert (kept.name, kept.approval.stages[0].name, kept.items[0].name, kept.description) == (" ", "", "\u200b", "why")
    assert kept.jira_sprints == ({"x": 1},)
    plan = await office.do(c.Edit, plan, patch=PlanPatch(name="Payments", jira_sprints=()))
    assert (plan.name, draft_of(plan).jira_sprints) == ("Payments", ())
    await store.close()


def _execute(file: Path, *statements: str, **values: int) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement, values).rowcount
