"""Migrations lead to the tables that the program uses, on both databases."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect, text

from adapters.store import migrate
from adapters.store.open import open_store
from adapters.store.sql.databases import parse_url
from adapters.store.sql.tables import metadata
from adapters.store.sqlite_file import prepare
from core import commands as c
from core.errors import Unavailable
from core.people import Person, gate
from tests.contract.store.offices import Office
from tests.services import fresh_database
from tests.worlds import draft

SCRIPTS = Path(migrate.__file__).parent / "migrations"


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    with fresh_database("PostgreSQL", postgres_url) as own:
        yield own


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/fabu.db"
    own: str = request.getfixturevalue("empty_database")
    return own


def migrated(url: str) -> None:
    """Make tables as in a database that began with the first version."""
    Path(str(parse_url(url).database)).parent.mkdir(parents=True, exist_ok=True)
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        migrate.migrate(connection)


def taken_back(url: str, revision: str) -> list[str]:
    """Take migrations back and return the tables that are left."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        downgrade(config, revision)
        return inspect(connection).get_table_names()


WAYS = pytest.mark.parametrize("way", [migrated, migrate.upgrade])


@WAYS
def test_both_ways_make_the_tables_that_are_declared(url: str, way: Callable[[str], None]) -> None:
    prepare(url)
    assert not migrate.is_current(url)
    way(url)
    assert migrate.is_current(url)
    with create_engine(parse_url(url), poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_heads() == (migrate.HEAD,)


def test_both_ways_are_the_same_to_sqlite(tmp_path: Path) -> None:
    made = []
    for way in (migrated, migrate.upgrade):
        way(f"sqlite:///{tmp_path}/{way.__name__}.db")
        with closing(sqlite3.connect(tmp_path / f"{way.__name__}.db")) as connection:  # the order of words differs
            made.append(sorted(re.findall(r"[\w']+", "".join(connection.iterdump()))))
    assert made[0] == made[1]


@WAYS
def test_postgresql_compresses_bodies_the_fast_way(empty_database: str, way: Callable[[str], None]) -> None:
    way(empty_database)
    with create_engine(parse_url(empty_database), poolclass=NullPool).connect() as connection:
        compression = (
            "SELECT attcompression FROM pg_attribute WHERE attrelid = 'effect_bodies'::regclass AND attname = 'body'"
        )
        assert connection.execute(text(compression)).scalar() == "l"


@WAYS
def test_migrations_can_be_taken_back(url: str, way: Callable[[str], None]) -> None:
    way(url)
    assert taken_back(url, "base") == ["alembic_version"]


def test_an_upgrade_brings_what_is_lacking_and_changes_nothing_else(url: str) -> None:
    migrated(url)
    taken_back(url, "0002")
    assert not migrate.is_current(url)
    for _ in range(2):
        migrate.upgrade(url)
        assert migrate.is_current(url)


async def test_a_replay_of_an_earlier_version_keeps_its_answer(url: str) -> None:
    migrate.upgrade(url)
    store = open_store(url, b"key")
    office = Office(store)
    plan = await office.create(key="other")
    replay = c.Replay(plan_id=plan.id, deliveries=("d1",), destinations=("slack",), total=3)
    await office.engine.execute(replay, office.engine.directory.actor("root", "api"), "k", "asked")
    await store.close()
    taken_back(url, "0004")
    details = json.dumps({"total": 3, "request": sha256(b"k").hexdigest()})  # what the log had then
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE log SET details = :details WHERE event = 'replayed'"), {"details": details})
    migrate.upgrade(url)
    store = open_store(url, b"key")
    found = await store.read(lambda reading: reading.requests.find(["k", "other"]))
    await store.close()
    assert {key: request.replayed for key, request in found.items()} == {"k": 3, "other": 0}


async def test_a_gate_of_an_earlier_version_keeps_its_question(url: str) -> None:
    migrate.upgrade(url)
    store = open_store(url, b"key")
    office = Office(store)
    origin = ("release", "code", "start_execute")
    command = c.Create(plan_id="0" * 24, draft=draft(), origin=origin)
    await office.engine.execute(command, gate("zadig"))
    plan = await office.create()
    await store.close()
    taken_back(url, "0005")
    details = {"details": json.dumps({"origin": origin}), "plan_id": command.plan_id}  # what the log had then
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE log SET details = :details WHERE plan_id = :plan_id AND seq = 1"), details)
    migrate.upgrade(url)
    store = open_store(url, b"key")
    stored = await store.read(lambda reading: [reading.plans.get(each) for each in (command.plan_id, plan.id)])
    await store.close()
    assert [each.origin for each in stored] == [origin, ()]


async def test_copies_of_an_earlier_version_belong_to_the_lineage_of_the_first(url: str) -> None:
    migrate.upgrade(url)
    store = open_store(url, b"key")
    office = Office(store)
    first = await office.create()
    plans, actor = [first], office.engine.directory.actor("root", "api")
    for source in ("first", "copy"):
        command = c.Create(plan_id=office.ids.new_plan(), draft=draft(name=source), copied_from=plans[-1].id)
        plans.append((await office.engine.execute(command, actor)).plan)
    await store.close()
    taken_back(url, "0015")
    migrate.upgrade(url)
    store = open_store(url, b"key")
    stored = await store.read(lambda reading: [reading.plans.get(each.id).lineage for each in plans])
    await store.close()
    assert stored == ["", first.id, first.id]


async def test_people_of_an_earlier_version_keep_their_accounts(url: str) -> None:
    migrate.upgrade(url)
    alice, bob = Person("alice", "Alice", accounts={"slack": "U1", "dingtalk": "李"}), Person("bob", "Bob")
    store = open_store(url, b"key")
    await store.write(lambda writing: writing.people.put([alice, bob], []))
    await store.close()
    taken_back(url, "0006")
    migrate.upgrade(url)
    store = open_store(url, b"key")
    directory = await store.read(lambda reading: reading.people.directory())
    await store.close()
    assert directory.people == {person.id: replace(person, imported=True) for person in (alice, bob)}, "until the start"


async def test_servers_of_the_earlier_version_share_accounts(url: str) -> None:
    migrate.upgrade(url)
    store = open_store(url, b"key")
    alice = Person("alice", "Alice", accounts={"slack": "U1", "a chat of tomorrow": "A"})
    await store.write(lambda writing: writing.people.put([alice], []))
    with create_engine(parse_url(url), poolclass=NullPool).begin() as connection:
        assert connection.execute(text("SELECT slack, feishu, dingtalk FROM people")).one() == ("U1", "", "")
        connection.execute(text("UPDATE people SET accounts = NULL, feishu = 'ou_1'"))  # as they write
    directory = await store.read(lambda reading: reading.people.directory())
    await store.close()
    assert directory.people["alice"].accounts == {"slack": "U1", "feishu": "ou_1"}


async def test_a_new_database_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        stores = list(threads.map(lambda _: open_store(f"sqlite:///{tmp_path}/fabu.db", b"key"), range(4)))
    for store in stores:
        await store.close()


def test_the_head_is_the_newest_migration_and_names_say_when_to_run() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    assert scripts.get_heads() == [migrate.HEAD]
    for script in scripts.walk_revisions():
        revision, moment, _ = Path(script.path).stem.split("_", 2)
        assert revision == script.revision
        assert moment in ("pre", "post")


def test_a_newer_database_is_current(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/fabu.db"
    migrate.upgrade(url)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrate.is_current(url)


async def test_an_sqlite_database_is_upgraded_when_it_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/fabu.db"
    await open_store(url, b"key").close()
    assert migrate.is_current(url)


def test_a_postgresql_database_is_not_upgraded_by_the_way(empty_database: str) -> None:
    with pytest.raises(Unavailable, match="fabu db upgrade"):
        open_store(empty_database, b"key")


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        open_store("postgresql://nobody@127.0.0.1:1/none", b"key")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x"])
def test_other_databases_are_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        open_store(url, b"key")


@pytest.mark.parametrize(("url", "absent"), [("sqlite:///{}/fabu.db", "alembic"), ("memory://", "sqlalchemy")])
def test_what_is_not_needed_is_not_imported(url: str, absent: str, tmp_path: Path) -> None:
    url = url.format(tmp_path)
    if url != "memory://":
        migrate.upgrade(url)
    code = (
        "import sys; from adapters.store.open import open_store; open_store(sys.argv[1], b'key'); print(*sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True, text=True)
    assert absent not in process.stdout.split()
