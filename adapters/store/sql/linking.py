"""The chain over the log entries of all plans: it is extended in the transaction that adds the entries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, Integer, bindparam, select, update

from adapters.store.sql.tables import counters, log
from core.audit import Head, LogEntry, link_entries

_COUNT = "log"
"""The row of `counters` that counts the linked entries: the newest entry has this number."""
_ADDED: BindParameter[int] = bindparam("added", type_=Integer)
_RESERVE = (
    update(counters)
    .where(counters.c.name == _COUNT)
    .values(value=counters.c.value + _ADDED)
    .returning(
        counters.c.value,
        select(log.c.link).where(log.c.link_seq == counters.c.value - _ADDED).correlate(counters).scalar_subquery(),
    )
)
_HEAD = (
    select(counters.c.value, log.c.link)
    .select_from(counters.outerjoin(log, log.c.link_seq == counters.c.value))
    .where(counters.c.name == _COUNT)
)


def extend_chain(connection: Connection, entries: Sequence[LogEntry], key: bytes) -> list[LogEntry]:
    """Return entries linked to the newest one, and count them: the counter's row stays locked until the commit.

    Call it after `announce`, under whose lock one transaction at a time extends the chain. A removed entry does not
    stop the log: the chain goes on, and its verification finds the gap.
    """
    last, link = connection.execute(_RESERVE, {"added": len(entries)}).one()
    return link_entries(entries, Head(last - len(entries), link or ""), key)


def read_head(connection: Connection) -> Head:
    """Return the newest entry of the chain, as the counter names it; its link is empty when the entry is missing."""
    row = connection.execute(_HEAD).first()
    return Head(row.value, row.link or "") if row else Head()
