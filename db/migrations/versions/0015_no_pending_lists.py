"""Indexes of searches without pending lists, which every search would read from end to end."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INDEXES = (
    "movies_by_lexeme",
    "movies_by_genre",
    "places_by_lexeme",
    "events_by_lexeme",
    "movie_offers_by_lexeme",
)


def upgrade() -> None:
    """Put new entries into the index at once, and those that wait now."""
    for index in INDEXES:
        op.execute(f"ALTER INDEX {index} SET (fastupdate = off)")
        op.execute(f"SELECT gin_clean_pending_list('{index}')")


def downgrade() -> None:
    """Let new entries wait again."""
    for index in INDEXES:
        op.execute(f"ALTER INDEX {index} RESET (fastupdate)")
