"""How many of a stage's approval forms do not count any more; stages are looked up by their form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_FORMED = sa.text("form != ''")


def upgrade() -> None:
    op.add_column("stages", sa.Column("void_forms", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_stages_form", "stages", ["form"], sqlite_where=_FORMED, postgresql_where=_FORMED)


def downgrade() -> None:
    op.drop_index("ix_stages_form", table_name="stages")
    op.drop_column("stages", "void_forms")
