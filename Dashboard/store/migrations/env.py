"""Run by Alembic: the migrations over the connection that it is given, in one transaction."""

from alembic import context

from Dashboard.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a column by copying its table
)
context.run_migrations()
