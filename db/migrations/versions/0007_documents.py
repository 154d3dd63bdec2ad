"""Trusted documents."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHECK = "hash = encode(sha256(convert_to(text, 'UTF8')), 'hex')"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "trusted_documents",
        sa.Column("hash", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint(CHECK, name="trusted_documents_hash_check"),
        sa.PrimaryKeyConstraint("hash"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("trusted_documents")
