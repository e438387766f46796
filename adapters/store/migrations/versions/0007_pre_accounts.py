"""The accounts of people by platform, in place of a column for each chat.

The columns slack, feishu and dingtalk stay, for servers of the version before.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_PLATFORMS = ("slack", "feishu", "dingtalk")
_PEOPLE = "SELECT id, slack, feishu, dingtalk FROM people"
_SET = "UPDATE people SET accounts = :accounts WHERE id = :id"


def upgrade() -> None:
    op.add_column("people", sa.Column("accounts", sa.Text(), nullable=True))
    connection = op.get_bind()
    for person, *users in connection.execute(sa.text(_PEOPLE)).all():
        accounts = {platform: user for platform, user in zip(_PLATFORMS, users, strict=True) if user}
        written = json.dumps(accounts, ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.text(_SET), {"accounts": written, "id": person})


def downgrade() -> None:
    op.drop_column("people", "accounts")
