"""How replicas on one PostgreSQL database wake each other: NOTIFY with the commit."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

CHANNEL = "fabu"
_ANNOUNCE = select(func.pg_advisory_xact_lock(0x66616275), func.pg_notify(CHANNEL, bindparam("sender")))


def announce(connection: Connection) -> None:
    """Tell the other replicas, when this transaction commits, that there is something to do.

    The lock is held to the end of the transaction, and log entries are added under it: their ids ascend in the order
    of the commits, so that whoever follows the log by id misses nothing. SQLite has one writer, and nobody to tell.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ANNOUNCE, {"sender": connection.get_execution_options()["sender"]})
