"""Runs migrations on the connection that `schema.upgrade` passes in."""

from alembic import context

from claude_cost_exporter.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
