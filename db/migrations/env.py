"""What Alembic runs: every step inside one transaction, on the connection that db/migrate.py hands in."""

from alembic import context
from sqlmodel import SQLModel

import db.models  # noqa: F401  # fills the metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
