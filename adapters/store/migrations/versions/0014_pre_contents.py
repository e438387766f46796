"""Digests of what plans and items say, and the chain over the log entries of all plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_COLUMNS = {"plans": "content_sha256", "items": "sha256", "log": "link"}


def upgrade() -> None:
    for table, name in _COLUMNS.items():
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.add_column("log", sa.Column("link_seq", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_log_link_seq"), "log", ["link_seq"], unique=True)
    op.execute("INSERT INTO counters (name, value) VALUES ('log', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM counters WHERE name = 'log'")
    op.drop_index(op.f("ix_log_link_seq"), table_name="log")
    op.drop_column("log", "link_seq")
    for table, name in _COLUMNS.items():
        op.drop_column(table, name)
