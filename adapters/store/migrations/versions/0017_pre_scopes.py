"""What a token lets its person do, and the token with which it was made; tokens that exist keep what they can."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("tokens", sa.Column("scopes", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("parent", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("tokens", "parent")
    op.drop_column("tokens", "scopes")
