"""Runs migrations over the connection that `adapters.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from adapters.store.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
