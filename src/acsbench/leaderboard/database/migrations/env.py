"""How Alembic runs the migrations: on the connection that it is handed."""

from __future__ import annotations

from alembic import context

from acsbench.leaderboard.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite changes a table by copying it. We open its transactions ourselves, tables included,
    # so that an interrupted migration leaves the database as it was.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
