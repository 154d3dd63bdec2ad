"""Announces changes of the catalogue to the servers that keep answers in memory (db/programme_changes.py)."""

from typing import Final

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# In the writer's transaction: PostgreSQL sends it with the commit and not without, whoever writes. A transaction that names
# a part twice sends it once.
FUNCTION: Final = """
CREATE FUNCTION announce_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('matinee_catalogue', TG_ARGV[0]);
    RETURN NULL;
END $$
"""
# The parts of each table, by the columns that belong to them. `sessions.taken` is in none: a booking announces nothing.
# Generated columns follow the columns that they are made of.
PARTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "movies": {
        "movies": ("id", "title", "description", "poster", "duration", "genres", "airing_from", "airing_to"),
        "ratings": ("rating_sum", "rating_count"),
    },
    "places": {"places": ("id", "name", "address", "capacity")},
    "sessions": {"sessions": ("id", "movie_id", "place_id", "starts_at", "ends_at", "capacity")},
    "airings": {"airings": ("movie_id", "place_id", "place_key", "last_starts_at", "last_ends_at")},
}


def triggers() -> dict[tuple[str, str], str]:
    """Return the SQL of each trigger, by its name and table."""
    found = {}
    for table, parts in PARTS.items():
        found["catalogue_rows", table] = f"INSERT OR DELETE OR TRUNCATE ON {table}", table
        for part, columns in parts.items():
            found[f"catalogue_{part}", table] = f"UPDATE OF {', '.join(columns)} ON {table}", part
    return {
        key: f"CREATE TRIGGER {key[0]} AFTER {event} FOR EACH STATEMENT EXECUTE FUNCTION announce_catalogue_change('{part}')"
        for key, (event, part) in found.items()
    }


def upgrade() -> None:
    """Make the triggers, and the index that finds the next airing to end."""
    op.execute(FUNCTION)
    for (name, table), create in triggers().items():
        op.execute(create)
        # ALWAYS: a replication worker, or a session that silences triggers, changes the catalogue as well.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    op.create_index("airings_by_end", "airings", ["last_ends_at"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("airings_by_end", table_name="airings")
    for name, table in triggers():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute("DROP FUNCTION announce_catalogue_change()")
