"""Generations of tokens, which end all tokens of a user at once."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index; servers of the version before do not see them, and go on."""
    op.add_column("users", sa.Column("token_generation", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("users", sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "users_by_signed_out_at",
        "users",
        ["signed_out_at"],
        unique=False,
        postgresql_where=sa.text("signed_out_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Drop them. Tokens that were ended count again."""
    op.drop_index("users_by_signed_out_at", table_name="users")
    op.drop_column("users", "signed_out_at")
    op.drop_column("users", "token_generation")
