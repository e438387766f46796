"""How replicas on one PostgreSQL database notify one another of work: NOTIFY with the commit."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

CHANNEL = "fabu"
_ANNOUNCE = select(func.pg_advisory_xact_lock(0x66616275), func.pg_notify(CHANNEL, bindparam("sender")))


def announce(connection: Connection) -> None:
    """Notify the other replicas, when this transaction commits, that there is work to do.

    The lock is held to the end of the transaction, and log entries are added under it: their ids ascend in the order
    of the commits, so that readers who follow the log by id miss no entry. SQLite has no other replicas.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ANNOUNCE, {"sender": connection.get_execution_options()["sender"]})
