"""What was answered survives the death of the process; nothing that was not decided appears."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.store.open import open_store
from core.audit import first_broken_entry
from core.errors import Unavailable
from tests.contract.store.conftest import SECRET_KEY
from tests.contract.store.offices import AUDIT_KEY, Office

_WRITER = """
import asyncio, sys
from adapters.store.open import open_store
from tests.contract.store.offices import Office

async def write_without_end(office):
    while True:
        plan = await office.create()
        print(plan.id, flush=True)

async def main():
    office = Office(open_store(sys.argv[1], b"a key for tests"))
    await asyncio.gather(*(write_without_end(office) for _ in range(8)))

asyncio.run(main())
"""


def write_until_killed(url: str) -> list[str]:
    """Let a process make plans, kill it in the middle, and return the plans that it said were made."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    return [line.strip() for line in acknowledged if line.endswith("\n")]


async def test_what_was_acknowledged_is_there_after_a_kill(sqlite_file: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    acknowledged = await asyncio.to_thread(write_until_killed, url)
    store = open_store(url, SECRET_KEY)
    office = Office(store)
    entries = await store.read(lambda reading: reading.log.since(0, limit=100_000))
    plans = {entry.plan_id for entry in entries}
    assert len(acknowledged) >= 200
    assert plans >= set(acknowledged)
    stored = await store.read(lambda reading: [reading.plans.get(plan_id).number for plan_id in plans])
    assert sorted(stored) == list(range(1, len(plans) + 1))
    assert len(entries) == len(plans)
    assert all(first_broken_entry([entry], AUDIT_KEY) is None for entry in entries)
    assert (await office.create()).number == len(plans) + 1
    await store.close()


async def test_close_finishes_what_was_begun(sqlite_file: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    store = open_store(url, SECRET_KEY)
    office = Office(store)
    asked = [asyncio.create_task(office.create()) for _ in range(20)]
    await asyncio.sleep(0)
    await office.engine.drain()
    await store.close()
    await asyncio.gather(*asked, return_exceptions=True)
    reopened = open_store(url, SECRET_KEY)
    assert (await reopened.read(lambda reading: reading.plans.counts())) == {"planning": 20}
    await reopened.close()


async def test_a_database_that_another_process_holds_is_unavailable(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}?timeout=0.05", SECRET_KEY)
    office = Office(store)
    await office.create()
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await office.create()
        assert await store.read(lambda reading: reading.plans.counts()) == {"planning": 1}
        assert await store.read(lambda reading: reading.deliveries.counts()) == {"pending": 2}
        other.execute("ROLLBACK")
    assert (await office.create()).number == 2
    await store.close()


async def test_a_database_that_cannot_be_written_is_unavailable_and_recovers(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", SECRET_KEY)
    office = Office(store)
    plan = await office.create()
    with closing(sqlite3.connect(sqlite_file)) as other:
        other.execute("ALTER TABLE inbox RENAME TO elsewhere")
    with pytest.raises(Unavailable):
        await office.create(key="key")
    with closing(sqlite3.connect(sqlite_file)) as other:
        other.execute("ALTER TABLE elsewhere RENAME TO inbox")
    assert (await office.create(key="key")).number == plan.number + 1
    await store.close()
