"""The tables, the same on SQLite and PostgreSQL.

Rows that every click reads and writes are narrow; long values (specs, descriptions, bodies) have tables of their own.
Times and durations are integers of microseconds (UTC), structured values are JSON in text columns: both databases
return them exactly as they were stored, which the hash chain of the operation log requires.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    event,
    literal_column,
    true,
)
from sqlalchemy.types import TypeEngine

from core.status import RunStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def _col(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Text, *, null: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=null)


def _index_part(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> None:
    """Declare an index of the rows that fulfil a condition.

    The dialect hears of it when it makes the table: naming dialects here would keep each of them in memory (2 MB).
    """
    index = Index(name, *columns, unique=unique)

    def narrow(_: Table, connection: Connection, **__: Any) -> None:
        index.dialect_kwargs[f"{connection.dialect.name}_where"] = where

    event.listen(columns[0].table, "before_create", narrow)


def _id() -> Column[str]:
    return Column("id", Text, primary_key=True)


def _imported() -> Column[bool]:
    return Column("imported", Boolean, nullable=False, server_default=true())


def _of_plan(*, primary_key: bool = False) -> Column[str]:
    return Column("plan_id", Text, ForeignKey("plans.id"), primary_key=primary_key, nullable=False)


def _moment(name: str, *, null: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


plans = Table(
    "plans",
    metadata,
    _id(),
    Column("number", Integer, nullable=False, unique=True),
    _col("created_by"),
    _moment("created_at", null=False),
    _col("origin", null=True),
    _col("lineage", null=True),
    # The content: changes only with the revision.
    _col("name"),
    _col("manager"),
    _col("collaborators"),
    _col("editors", null=True),
    _col("labels", null=True),
    _col("revision", Integer),
    _col("instance_code"),
    _col("nonce"),
    _moment("window_start"),
    _moment("window_end"),
    _moment("schedule_at"),
    _col("check_events", null=True),
    _col("allow_self_approval", Boolean),
    Column("expires_in", BigInteger),
    Column("remind_every", BigInteger),
    # What the policies demand: found when the plan is finished.
    _col("controls", null=True),
    _col("content_sha256", null=True),
    # The progress: changes with nearly every command.
    _col("status"),
    _col("updated_by"),
    _moment("updated_at", null=False),
    _moment("next_schedule"),
    _col("stage", Integer),
    _moment("asked_at"),
    _col("reminders", Integer),
    _col("delegates"),
    _col("todo", Integer),
    _col("running", Integer),
    _col("done", Integer),
    _col("skipped", Integer),
    _col("failed", Integer),
    _col("external_check", null=True),
    _col("answers"),
    _col("submitting", Boolean),
    _col("window_open", Boolean),
    _col("reason"),
    _moment("planning_at"),
    _moment("approval_at"),
    _moment("executing_at"),
    _moment("success_at"),
    _col("version", Integer),
    _col("log_seq", Integer),
    _col("log_head"),
    _col("deleted", Boolean),
    Index(None, "status", "number"),
    Index(None, "manager", "number"),
    Index(None, "manager", "status"),
)
_index_part("ix_plans_lineage", plans.c.lineage, where=plans.c.lineage.is_not(None))

contents = Table("contents", metadata, _of_plan(primary_key=True), _col("description"), _col("jira_sprints"))

stages = Table(
    "stages",
    metadata,
    _of_plan(primary_key=True),
    Column("position", Integer, primary_key=True),
    _col("name"),
    _col("approvers"),
    _col("rule"),
    _col("channel"),
    _col("form"),
    _col("policy", null=True),
    _col("reason", null=True),
    Column("void_forms", Integer, nullable=False, server_default="0"),
)
FORMED = stages.c.form != literal_column("''")
"""Stages with a vendor's approval form."""
_index_part("ix_stages_form", stages.c.form, where=FORMED)

votes = Table(
    "votes",
    metadata,
    _of_plan(),
    _col("revision", Integer),
    _col("stage", Integer),
    _col("person"),
    _col("position", Integer),
    _col("decision"),
    _col("comment"),
    _moment("at", null=False),
    _col("delegate"),
    PrimaryKeyConstraint("plan_id", "revision", "stage", "person"),
)

items = Table(
    "items",
    metadata,
    _id(),
    _of_plan(),
    _col("key"),
    _col("position", Integer),
    _col("name"),
    _col("type"),
    _col("status"),
    _col("assignee"),
    _col("needs"),
    _col("labels", null=True),
    _col("runner"),
    _col("project"),
    _col("workflow"),
    _col("sha256", null=True),
    _col("executed_by"),
    _moment("executed_at"),
    _col("remark"),
    # The current run; `runs` has all of them.
    _col("run_id", null=True),
    _col("run_attempt", Integer, null=True),
    _col("run_status", null=True),
    _col("run_external_id", null=True),
    _col("run_url", null=True),
    _col("run_message", null=True),
    _moment("run_started_at"),
    _moment("run_ended_at"),
    Index(None, "plan_id", "position"),
)
ASSIGNED = items.c.assignee != literal_column("''")
"""Items with an assignee."""
_index_part("ix_items_assigned", items.c.assignee, items.c.status, where=ASSIGNED)
RUN_OPEN = items.c.run_status.in_([literal_column(f"'{status}'") for status in RunStatus if not status.ended])
"""Items whose run has not ended. Literals: a partial index serves only the exact condition of its definition."""
_index_part("ix_items_run_open", items.c.id, where=RUN_OPEN)

item_specs = Table(
    "item_specs",
    metadata,
    Column("item_id", Text, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    _col("spec"),
    Column("secrets", LargeBinary),
    Column("given", Text),
)

runs = Table(
    "runs",
    metadata,
    _id(),
    _of_plan(),
    _col("item_id"),
    _col("attempt", Integer),
    _col("status"),
    _col("external_id"),
    _col("url"),
    _col("message"),
    _moment("started_at"),
    _moment("ended_at"),
    Index(None, "plan_id", "item_id"),
)

log = Table(
    "log",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    _of_plan(),
    _col("seq", Integer),
    _moment("at", null=False),
    _col("actor"),
    _col("actor_kind"),
    _col("via"),
    _col("event"),
    _col("details"),
    _col("hash"),
    # The chain over all plans; NULL for entries of versions without it.
    Column("link_seq", BigInteger, index=True, unique=True),
    _col("link", null=True),
    UniqueConstraint("plan_id", "seq"),
    sqlite_autoincrement=True,
)

versions = Table(
    "versions",
    metadata,
    _of_plan(primary_key=True),
    Column("revision", Integer, primary_key=True),
    _moment("at", null=False),
    _col("by"),
    _col("instance_code"),
    _col("content"),
)

effects = Table(
    "effects",
    metadata,
    # Allocated while the plan is locked: the order of delivery holds even where the clocks of replicas differ.
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    _col("plan_id"),
    _col("destination"),
    _col("kind"),
    _col("ref"),
    # Of a sync: the parts of it that wait.
    _col("payload"),
    _col("state"),
    _col("attempts", Integer),
    # When it may be claimed next: while it is being sent, the end of the lease. NULL when it has ended.
    _moment("due_at"),
    _moment("created_at", null=False),
    _moment("settled_at"),
    _col("error"),
    Index(None, "plan_id", "seq"),
    Index(None, "state", "seq"),
    sqlite_autoincrement=True,
)
OPEN = effects.c.due_at.is_not(None)
"""Effects whose delivery has not ended."""
PENDING_SYNC = and_(effects.c.kind == literal_column("'sync'"), effects.c.state == literal_column("'pending'"))
"""Syncs that nobody has claimed: at most one for each plan and destination."""
_index_part("ix_effects_due", effects.c.due_at, where=OPEN)
_index_part("ix_effects_queue", effects.c.plan_id, effects.c.destination, effects.c.seq, where=OPEN)
_index_part("uq_effects_sync", effects.c.plan_id, effects.c.destination, unique=True, where=PENDING_SYNC)

effect_bodies = Table(
    "effect_bodies",
    metadata,
    Column("effect_id", Text, ForeignKey("effects.id", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

COMPRESS_BODIES = DDL(  # type: ignore[no-untyped-call]
    """
    DO $$ BEGIN
        EXECUTE 'ALTER TABLE effect_bodies ALTER COLUMN body SET COMPRESSION lz4';
    EXCEPTION WHEN feature_not_supported OR syntax_error THEN
        NULL; -- built without it, or older than 14
    END $$
"""
)
"""The default compression of PostgreSQL is ten times slower, and takes half of the time to store a body."""
event.listen(effect_bodies, "after_create", COMPRESS_BODIES.execute_if(dialect="postgresql"))

attempts = Table(
    "attempts",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("effect_id", Text, ForeignKey("effects.id", ondelete="CASCADE"), nullable=False, index=True),
    _moment("at", null=False),
    _col("ms", Integer),
    _col("status", Integer),
    _col("error"),
    _col("answer"),
)

timers = Table(
    "timers",
    metadata,
    _of_plan(primary_key=True),
    Column("kind", Text, primary_key=True),
    _moment("due_at", null=False),
    # When it may be claimed next: when it is due, or at the end of the lease.
    Column("claim_at", BigInteger, nullable=False, index=True),
)
CLAIMED_TIMER = timers.c.claim_at != timers.c.due_at
"""Timers that a server is firing, or was when it died."""
_index_part("ix_timers_claimed", timers.c.claim_at, where=CLAIMED_TIMER)

replicas = Table(
    "replicas",
    metadata,
    _id(),
    _col("beats", BigInteger),
    _moment("seen_at", null=False),
)

cards = Table(
    "cards",
    metadata,
    _id(),
    _col("plan_id"),
    _col("platform"),
    _col("purpose"),
    _col("audience"),
    _col("revision", Integer),
    _col("stage", Integer),
    _col("item_id"),
    _col("channel"),
    _col("message"),
    _col("version", Integer),
    _col("log_seq", Integer),
    _moment("posted_at"),
    Index(None, "plan_id", "platform"),
)

digests = Table(
    "digests", metadata, _id(), Column("person", Text, nullable=False, index=True),
    *map(_col, ("platform", "channel", "message", "content", "shown")),
    _moment("posted_at"), _col("moved", Boolean), _col("refused", Boolean),
)  # fmt: skip

digest_parts = Table(
    "digest_parts", metadata, _of_plan(primary_key=True), Column("person", Text, primary_key=True, index=True),
    _col("content"),
)  # fmt: skip

seen = Table(
    "seen", metadata, _of_plan(primary_key=True), Column("person", Text, primary_key=True),
    Column("revision", Integer, primary_key=True), _col("at", BigInteger),
)  # fmt: skip

inbox = Table(
    "inbox",
    metadata,
    Column("key", Text, primary_key=True),
    _of_plan(),
    Column("at", BigInteger, index=True, nullable=False),
    # How many deliveries of all plans a replay replayed.
    Column("replayed", Integer),
)

answered = Table(
    "answered", metadata, Column("key", Text, primary_key=True), Column("at", BigInteger, index=True, nullable=False)
)

counters = Table("counters", metadata, Column("name", Text, primary_key=True), _col("value", BigInteger))

people = Table(
    "people",
    metadata,
    _id(),
    _col("name"),
    _col("email"),
    _col("phone"),
    _col("slack"),
    _col("feishu"),
    _col("dingtalk"),
    _col("accounts", null=True),
    _col("language"),
    _col("timezone"),
    _col("active", Boolean),
    _col("admin", Boolean),
    _imported(),
)

groups = Table("groups", metadata, _id(), _col("members"), _imported())

identities = Table(
    "identities",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    _col("person"),
    _moment("at", null=False),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("digest", Text, nullable=False, unique=True),
    Column("person", Text, nullable=False, index=True),
    _col("name"),
    _moment("created_at", null=False),
    _moment("expires_at"),
    _moment("revoked_at"),
    _moment("used_at"),
    _col("single_use", Boolean),
    _col("scopes", null=True),
    Column("parent", Text, nullable=False, server_default=""),
)
