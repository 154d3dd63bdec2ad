"""What Alembic runs: every step inside one transaction, on the connection that db/migrate.py hands in."""

from alembic import context
from sqlmodel import SQLModel

import db.collecting  # fills the metadata, with what it imports
import db.documents  # fills the metadata, with what it imports
import db.pricing  # fills the metadata, with what it imports
import db.ticketing  # noqa: F401  # fills the metadata, with what it imports

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
