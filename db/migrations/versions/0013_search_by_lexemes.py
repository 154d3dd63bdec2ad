"""Search by lexemes: an index that finds the words of a title and those with one typing error, and no others."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Frozen copy of UNSPACED of db/search.py.
UNSPACED = (
    r"\u0e01-\u0e5b\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
# The same as lexemes() of db/search.py for each word of a text.
FUNCTION = r"""
CREATE FUNCTION lexemes(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_to_tsvector(array_agg(DISTINCT lexeme)), '') FROM (
        SELECT left(word, 33) AS lexeme FROM unnest(string_to_array($1, ' ')) AS word WHERE word <> ''
        UNION ALL
        SELECT '?' || overlay(word PLACING '?' FROM place)
        FROM unnest(string_to_array($1, ' ')) AS word, generate_series(1, length(word)) AS place
        WHERE length(word) BETWEEN 4 AND 33
        UNION ALL
        SELECT '+' || substr(word, place, 32)
        FROM unnest(string_to_array($1, ' ')) AS word, generate_series(1, length(word)) AS place
        WHERE substr(word, place, 1) ~ '[UNSPACED]'
    ) AS lexemes
$$
""".replace("UNSPACED", UNSPACED)

COLUMNS = {"movies": "title", "places": "name", "events": "name", "movie_offers": "title"}


def upgrade() -> None:
    """Derive the lexemes and index them. The trigrams stay for servers of the version before, without an index."""
    op.execute(FUNCTION)
    for table, column in COLUMNS.items():
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column}_lexemes tsvector NOT NULL"
            f" GENERATED ALWAYS AS (lexemes(fold({column}))) STORED"
        )
        op.create_index(f"{table}_by_lexeme", table, [f"{column}_lexemes"], postgresql_using="gin")
        op.drop_index(f"{table}_by_trigram", table_name=table)


def downgrade() -> None:
    """Bring the indexes on trigrams back, and drop the lexemes."""
    for table, column in COLUMNS.items():
        op.create_index(f"{table}_by_trigram", table, [f"{column}_trigrams"], postgresql_using="gin")
        op.drop_column(table, f"{column}_lexemes")
    op.execute("DROP FUNCTION lexemes(text)")
