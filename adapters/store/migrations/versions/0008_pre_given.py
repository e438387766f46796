"""The fields of a workflow that were given, beside all of its fields.

What is stored without them is read as before: an empty field counts as one that was not given.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("item_specs", sa.Column("given", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("item_specs", "given")
