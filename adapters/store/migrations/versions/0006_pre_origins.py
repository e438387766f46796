"""Store with the plan of a gate what the gate requests; until now only the first entry of the log had it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_GATES = """
SELECT log.plan_id, log.details FROM log JOIN plans ON plans.id = log.plan_id
WHERE log.seq = 1 AND plans.created_by LIKE 'gate:%'
"""
_SET = "UPDATE plans SET origin = :origin WHERE id = :plan_id"


def upgrade() -> None:
    op.add_column("plans", sa.Column("origin", sa.Text(), nullable=True))
    connection = op.get_bind()
    for plan_id, details in connection.execute(sa.text(_GATES)).all():
        origin = json.dumps(json.loads(details)["origin"], ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.text(_SET), {"plan_id": plan_id, "origin": origin})


def downgrade() -> None:
    op.drop_column("plans", "origin")
