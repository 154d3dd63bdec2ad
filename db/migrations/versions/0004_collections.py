"""Collections of third-party movies, and the request count."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The third party writes genres as one text with commas. What stands between them counts once, without the white space
# around it (all of Unicode's, as Python's strip() knows it), in the order of the text.
GENRE_NAMES = """
CREATE FUNCTION genre_names(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(name ORDER BY place), '{}') FROM (
        SELECT btrim(part, E' \\t\\n\\r\\x0b\\x0c\\x1c\\x1d\\x1e\\x1f\\u0085\\u00a0\\u1680\\u2000\\u2001\\u2002\\u2003\\u2004'
            '\\u2005\\u2006\\u2007\\u2008\\u2009\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000') AS name, min(place) AS place
        FROM unnest(string_to_array($1, ',')) WITH ORDINALITY AS parts (part, place) GROUP BY 1
    ) AS names WHERE name <> ''
$$;
"""


def upgrade() -> None:
    """Make the tables, and the function that reads a text of genres."""
    op.execute(GENRE_NAMES)
    create_collections()
    create_request_count()


def downgrade() -> None:
    """Take all of it away."""
    for table in ("request_count_resets", "request_counts", "collected_movies", "collections"):
        op.drop_table(table)
    op.execute("DROP FUNCTION genre_names(text)")


def create_collections() -> None:
    """Collections and their movies."""
    op.create_table(
        "collections",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("collections_of_user", "collections", ["user_id", "id"])
    op.create_table(
        "collected_movies",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("genres", sa.Text(), nullable=False),
        sa.Column(
            "genre_names",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("genre_names(genres)", persisted=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection_id", "position"),
        sa.UniqueConstraint("collection_id", "uuid", name="collected_movies_collection_id_uuid_key"),
    )


def create_request_count() -> None:
    """What each run of a server has counted, and how often all of it was reset."""
    op.create_table(
        "request_counts",
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("counted >= 0", name="request_counts_counted_check"),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_table(
        "request_count_resets",
        sa.Column("id", sa.Integer(), server_default=sa.text("1"), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="request_count_resets_id_check"),
        sa.PrimaryKeyConstraint("id"),
    )
