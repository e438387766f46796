"""From which plan a copy descends, through all copies in between; until now only the logs had it, copy by copy."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_CREATED = "SELECT plan_id, details FROM log WHERE seq = 1 AND details LIKE '%copied_from%' ORDER BY plan_id"
_SET = "UPDATE plans SET lineage = :lineage WHERE id = :plan_id"


def upgrade() -> None:
    op.add_column("plans", sa.Column("lineage", sa.Text(), nullable=True))
    connection = op.get_bind()
    lineages: dict[str, str] = {}
    for plan_id, details in connection.execute(sa.text(_CREATED)).all():  # the ids of plans are in order of time
        if source := json.loads(details).get("copied_from"):
            lineages[plan_id] = lineages.get(source, source)
    for plan_id, lineage in lineages.items():
        connection.execute(sa.text(_SET), {"plan_id": plan_id, "lineage": lineage})
    where = sa.text("lineage IS NOT NULL")
    op.create_index("ix_plans_lineage", "plans", ["lineage"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_plans_lineage", "plans")
    op.drop_column("plans", "lineage")
