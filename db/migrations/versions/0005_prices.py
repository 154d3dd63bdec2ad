"""Prices of two providers, and exports of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    """Make the tables."""
    create_movie_offers()
    create_provider_movies()
    create_price_providers()
    create_movie_exports()


def downgrade() -> None:
    """Take all of it away."""
    for table in ("movie_exports", "price_providers", "provider_movies", "movie_offers"):
        op.drop_table(table)


def create_movie_offers() -> None:
    """Movies that providers sell."""
    op.create_table(
        "movie_offers",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(collation="C"), sa.Computed("fold(title)", persisted=True), nullable=False),
        sa.Column(
            "title_trigrams",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("trigrams(fold(title))", persisted=True),
            nullable=False,
        ),
        sa.Column("year", sa.Text(), nullable=True),
        sa.Column("poster", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("movie_offers_by_title", "movie_offers", ["title_key", "id"])
    op.create_index("movie_offers_by_trigram", "movie_offers", ["title_trigrams"], postgresql_using="gin")


def create_provider_movies() -> None:
    """What each provider told of each of its movies."""
    tail = "CASE WHEN provider_movie_id ~ '^[A-Za-z]{2}.' THEN lower(substr(provider_movie_id, 3)) END"
    op.create_table(
        "provider_movies",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_movie_id", sa.Text(collation="C"), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(collation="C"), sa.Computed("fold(title)", persisted=True), nullable=False),
        sa.Column("tail", sa.Text(collation="C"), sa.Computed(tail, persisted=True), nullable=True),
        sa.Column("year", sa.Text(), nullable=True),
        sa.Column("poster", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("priced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("price >= 0", name="provider_movies_price_check"),
        sa.ForeignKeyConstraint(["offer_id"], ["movie_offers.id"]),
        sa.PrimaryKeyConstraint("provider", "provider_movie_id"),
    )
    op.create_index("provider_movies_of_offer", "provider_movies", ["offer_id"])
    op.create_index("provider_movies_by_tail", "provider_movies", ["tail"])
    op.create_index("provider_movies_by_title", "provider_movies", ["title_key"])
    op.create_index("provider_movies_listed", "provider_movies", ["provider"], postgresql_where=sa.text("listed"))


def create_price_providers() -> None:
    """How providers did."""
    op.create_table(
        "price_providers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )


def create_movie_exports() -> None:
    """Exports, their progress and their end."""
    op.create_table(
        "movie_exports",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'expired')", name="movie_exports_status_check"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("movie_exports_of_user", "movie_exports", ["user_id", "id"])
    op.create_index(
        "movie_exports_due", "movie_exports", ["expires_at"], postgresql_where=sa.text("status = 'completed'")
    )
