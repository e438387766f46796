"""Compress the bodies of hooks with lz4."""

from __future__ import annotations

from alembic import op

from adapters.store.sql.tables import COMPRESS_BODIES

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(COMPRESS_BODIES)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE effect_bodies ALTER COLUMN body SET COMPRESSION default")
