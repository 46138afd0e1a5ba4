"""Run migrations on the connection handed in by ``tenant.migrations``; there is no offline mode."""

from alembic import context

import audit.models  # noqa: F401 - registers its tables
import tenant.models

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tenant.models.Base.metadata,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
