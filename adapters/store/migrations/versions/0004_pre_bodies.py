"""Bodies of hooks are compressed with lz4, ten times as fast as PostgreSQL's own way, where the server knows it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_LZ4 = """
DO $$ BEGIN
    EXECUTE 'ALTER TABLE effect_bodies ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN
    NULL; -- built without it, or older than 14
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_LZ4)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE effect_bodies ALTER COLUMN body SET COMPRESSION default")
