"""An index for the list of all sessions, which reads them by their start."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("sessions_by_start", "sessions", ["starts_at", "id"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("sessions_by_start", table_name="sessions")
