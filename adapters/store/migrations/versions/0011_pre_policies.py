"""What the policies demand of a plan, labels, and who made its revisions, which the versions say of older plans."""

from __future__ import annotations

import json
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COLUMNS = {"plans": ("editors", "labels", "controls"), "stages": ("policy", "reason"), "items": ("labels",)}


def upgrade() -> None:
    for table, names in _COLUMNS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    connection = op.get_bind()
    versions = sa.table("versions", sa.column("plan_id"), sa.column("revision"), sa.column("by"))
    editors: defaultdict[str, list[str]] = defaultdict(list)
    for plan_id, by in connection.execute(sa.select(versions.c.plan_id, versions.c.by).order_by(versions.c.revision)):
        editors[plan_id] = [*(person for person in editors[plan_id] if person != by), by]
    for plan_id, people in editors.items():
        text = json.dumps(people, ensure_ascii=False, separators=(",", ":"))
        connection.execute(
            sa.text("UPDATE plans SET editors = :text WHERE id = :plan_id"), {"text": text, "plan_id": plan_id}
        )


def downgrade() -> None:
    for table, names in _COLUMNS.items():
        for name in names:
            op.drop_column(table, name)
