"""The job queue: procrastinate's own schema, in a PostgreSQL schema of its own."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What this step makes is the schema of this release. When the lock file takes a newer one, the next step applies
# the newer one's migrations, and `upgrade` here must keep making what this release had (tests/db/test_migrations.py).
PROCRASTINATE = "3.10.0"


def upgrade() -> None:
    """Make the queue's tables and functions, all under the name `queue`."""
    run = op.get_bind().exec_driver_sql
    run("CREATE SCHEMA queue")
    run("SET LOCAL search_path = queue")
    # Doubled, for the driver takes a lone % for a parameter of its own.
    run(SchemaManager.get_schema().replace("%", "%%"))
    run("SET LOCAL search_path = public")


def downgrade() -> None:
    """Take the queue away, jobs included."""
    op.execute("DROP SCHEMA queue CASCADE")
