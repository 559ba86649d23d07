"""Alembic runs this file: upgrade on the connection, and in the transaction, that `Database.migrate` opened."""

from alembic import context

from softswitch.platform.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column in place: Alembic copies the table.
    render_as_batch=True,
)
context.run_migrations()
