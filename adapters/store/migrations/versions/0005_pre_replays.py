"""Store with the key of a replay how many deliveries it replayed; until now only the log had the number."""

from __future__ import annotations

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_REPLAYS = "SELECT details FROM log WHERE event = 'replayed' AND plan_id IN (SELECT plan_id FROM inbox)"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("replayed", sa.Integer(), nullable=True))
    connection = op.get_bind()
    replays = [json.loads(details) for details in connection.execute(sa.text(_REPLAYS)).scalars()]
    totals = {details["request"]: details["total"] for details in replays if details.get("request")}
    keys = connection.execute(sa.text("SELECT key FROM inbox")).scalars().all() if totals else ()
    for key in keys:
        if total := totals.get(sha256(key.encode()).hexdigest()):
            connection.execute(
                sa.text("UPDATE inbox SET replayed = :total WHERE key = :key"), {"total": total, "key": key}
            )


def downgrade() -> None:
    op.drop_column("inbox", "replayed")
