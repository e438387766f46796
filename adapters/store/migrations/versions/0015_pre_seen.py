"""Which revisions of plans people were shown: a vote counts for one that its voter has seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "seen",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_seen_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "person", "revision", name=op.f("pk_seen")),
    )


def downgrade() -> None:
    op.drop_table("seen")
