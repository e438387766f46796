"""Whether people and groups were imported; of those who are there already, the settings say so at the next start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TABLES = ("people", "groups")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "imported")
