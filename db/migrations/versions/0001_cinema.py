"""The cinema: accounts, movies, places, sessions, ratings, bookings and page views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# 41 bits of milliseconds since 2024-01-01, 10 bits of node, 12 bits of sequence. A standby never makes ids, so
# the node stays 0 unless several primaries feed one stock (then: ALTER DATABASE … SET matinee.node = n).
SNOWFLAKE = """
CREATE SEQUENCE snowflake_sequence AS integer MINVALUE 0 MAXVALUE 4095 START 0 CYCLE;

CREATE FUNCTION snowflake() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 22)
         | (coalesce(nullif(current_setting('matinee.node', true), '')::bigint, 0) << 12)
         | nextval('snowflake_sequence')
$$;
"""

# normalize() takes accents off as marks of their own, which then go: those of the alphabets of Europe, of Hebrew, Arabic
# and Japanese, and those that only choose a drawing; elsewhere a mark is part of the word. The letters that it leaves
# whole are replaced one by one.
MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
    r"\ufe00-\ufe0f\ufe20-\ufe2f"
)
FOLD = """
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(
        replace(replace(replace(translate(lower(normalize($1, NFKD)), 'øłđıς', 'oldiσ'), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
        '[MARKS]', '', 'g'), '[^[:alnum:]]+', ' ', 'g'))
$$;

CREATE FUNCTION trigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr('  ' || word || ' ', place, 3)), '{}')
    FROM regexp_split_to_table($1, ' ') AS word, generate_series(1, length(word) + 1) AS place
    WHERE word <> ''
$$;
""".replace("MARKS", MARKS)

# The movie's row is locked before the sessions are read: a rival's session is then either committed and seen, or waits.
AIRINGS = """
CREATE FUNCTION refresh_airings(movie_ids bigint[], place_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM movies WHERE id = ANY (movie_ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE movies SET
        airing_from = (SELECT min(starts_at) FROM sessions WHERE movie_id = movies.id),
        airing_to = (SELECT max(starts_at) FROM sessions WHERE movie_id = movies.id)
    WHERE id = ANY (movie_ids);
    DELETE FROM airings USING (SELECT DISTINCT * FROM unnest(movie_ids, place_ids) AS pair (movie_id, place_id)) AS pair
    WHERE airings.movie_id = pair.movie_id AND airings.place_id = pair.place_id
        AND NOT EXISTS (SELECT FROM sessions WHERE movie_id = pair.movie_id AND place_id = pair.place_id);
    INSERT INTO airings (movie_id, place_id, place_key, last_starts_at, last_ends_at)
    SELECT pair.movie_id, pair.place_id, places.name_key, max(sessions.starts_at), max(sessions.ends_at)
    FROM (SELECT DISTINCT * FROM unnest(movie_ids, place_ids) AS pair (movie_id, place_id)) AS pair
    JOIN places ON places.id = pair.place_id
    JOIN sessions ON sessions.movie_id = pair.movie_id AND sessions.place_id = pair.place_id
    GROUP BY pair.movie_id, pair.place_id, places.name_key
    ON CONFLICT (movie_id, place_id)
        DO UPDATE SET last_starts_at = excluded.last_starts_at, last_ends_at = excluded.last_ends_at;
END $$;

CREATE FUNCTION sessions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_airings(array_agg(movie_id), array_agg(place_id)) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION session_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_airings(ARRAY[OLD.movie_id, NEW.movie_id], ARRAY[OLD.place_id, NEW.place_id]);
    RETURN NULL;
END $$;

CREATE FUNCTION session_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ends_at := NEW.starts_at + (SELECT duration FROM movies WHERE id = NEW.movie_id) * interval '1 minute';
    RETURN NEW;
END $$;

CREATE FUNCTION movie_lasts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET ends_at = starts_at + NEW.duration * interval '1 minute' WHERE movie_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION place_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE airings SET place_key = NEW.name_key WHERE place_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER session_ends BEFORE INSERT OR UPDATE OF starts_at, movie_id ON sessions
    FOR EACH ROW EXECUTE FUNCTION session_ends();
CREATE TRIGGER sessions_added AFTER INSERT ON sessions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
-- By row, for a transition table takes no list of columns, and a change of `taken` must not pay for this.
CREATE TRIGGER session_moved AFTER UPDATE OF starts_at, ends_at, movie_id, place_id ON sessions
    FOR EACH ROW EXECUTE FUNCTION session_moved();
CREATE TRIGGER movie_lasts AFTER UPDATE OF duration ON movies
    FOR EACH ROW WHEN (OLD.duration <> NEW.duration) EXECUTE FUNCTION movie_lasts();
CREATE TRIGGER place_renamed AFTER UPDATE OF name ON places
    FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION place_renamed();
"""

# Sums in numeric: added and taken back again they never drift, as floats would.
RATINGS = """
CREATE FUNCTION ratings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE sign integer := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    PERFORM FROM movies WHERE id IN (SELECT movie_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE movies SET rating_sum = rating_sum + sign * given.total, rating_count = rating_count + sign * given.number
    FROM (SELECT movie_id, sum(value::numeric) AS total, count(*) AS number FROM changed GROUP BY movie_id) AS given
    WHERE movies.id = given.movie_id;
    RETURN NULL;
END $$;

CREATE FUNCTION rating_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE movies SET rating_sum = rating_sum - OLD.value::numeric + NEW.value::numeric WHERE id = NEW.movie_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ratings_added AFTER INSERT ON ratings
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ratings_changed();
CREATE TRIGGER ratings_removed AFTER DELETE ON ratings
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ratings_changed();
CREATE TRIGGER rating_replaced AFTER UPDATE OF value ON ratings
    FOR EACH ROW EXECUTE FUNCTION rating_replaced();
"""

FUNCTIONS = (
    "refresh_airings(bigint[], bigint[])",
    "sessions_changed()",
    "session_moved()",
    "session_ends()",
    "movie_lasts()",
    "place_renamed()",
    "ratings_changed()",
    "rating_replaced()",
    "trigrams(text)",
    "fold(text)",
    "snowflake()",
)
TABLES = (
    "page_views",
    "seat_reservations",
    "bookings",
    "ratings",
    "airings",
    "sessions",
    "places",
    "movies",
    "users",
)


def create_users() -> None:
    """Accounts."""
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("num_nonnulls(email, username) > 0", name="users_identity_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("users_email_key", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_index("users_username_key", "users", [sa.literal_column("lower(username)")], unique=True)


def create_movies() -> None:
    """Films and what is derived from their sessions and ratings."""
    op.create_table(
        "movies",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(collation="C"), sa.Computed("fold(title)", persisted=True), nullable=False),
        sa.Column(
            "title_trigrams",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("trigrams(fold(title))", persisted=True),
            nullable=False,
        ),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("poster", sa.Text(), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("genres", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("airing_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("airing_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating_sum", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "rating",
            sa.Double(),
            sa.Computed("(rating_sum / nullif(rating_count, 0))::double precision", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "rating_order",
            sa.Double(),
            sa.Computed("coalesce((rating_sum / nullif(rating_count, 0))::double precision, -1)", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "airing_from_order",
            sa.DateTime(timezone=True),
            sa.Computed("coalesce(airing_from, timestamptz '0001-01-02 00:00:00+00')", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "airing_to_order",
            sa.DateTime(timezone=True),
            sa.Computed("coalesce(airing_to, timestamptz '9999-12-30 00:00:00+00')", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint("duration BETWEEN 1 AND 1440", name="movies_duration_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("movies_by_airing_from", "movies", ["airing_from_order", "id"], unique=False)
    op.create_index("movies_by_airing_to", "movies", ["airing_to_order", "id"], unique=False)
    op.create_index("movies_by_genre", "movies", ["genres"], unique=False, postgresql_using="gin")
    op.create_index("movies_by_rating", "movies", ["rating_order", "id"], unique=False)
    op.create_index("movies_by_trigram", "movies", ["title_trigrams"], unique=False, postgresql_using="gin")


def create_places() -> None:
    """Cinemas."""
    op.create_table(
        "places",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), sa.Computed("fold(name)", persisted=True), nullable=False),
        sa.Column(
            "name_trigrams",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("trigrams(fold(name))", persisted=True),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.CheckConstraint("capacity BETWEEN 1 AND 100000", name="places_capacity_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("places_by_name", "places", ["name_key", "id"], unique=False)
    op.create_index("places_by_trigram", "places", ["name_trigrams"], unique=False, postgresql_using="gin")


def create_sessions() -> None:
    """Showings, each with its stock of seats."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("movie_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name="sessions_taken_check"),
        sa.ForeignKeyConstraint(
            ["movie_id"],
            ["movies.id"],
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sessions_of_movie", "sessions", ["movie_id", "starts_at", "id"], unique=False)
    op.create_index("sessions_of_movie_in_place", "sessions", ["movie_id", "place_id", "starts_at", "id"], unique=False)
    op.create_index("sessions_of_place", "sessions", ["place_id", "starts_at", "id"], unique=False)


def create_airings() -> None:
    """Where each movie is shown, kept by triggers."""
    op.create_table(
        "airings",
        sa.Column("movie_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("place_key", sa.Text(collation="C"), nullable=False),
        sa.Column("last_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["movie_id"], ["movies.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("movie_id", "place_id"),
    )
    op.create_index("airings_of_movie_by_place", "airings", ["movie_id", "place_key", "place_id"], unique=False)
    op.create_index(op.f("ix_airings_place_id"), "airings", ["place_id"], unique=False)


def create_ratings() -> None:
    """One value a user and movie."""
    op.create_table(
        "ratings",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("movie_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("value BETWEEN 0 AND 5", name="ratings_value_check"),
        sa.ForeignKeyConstraint(
            ["movie_id"],
            ["movies.id"],
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "movie_id", name="ratings_user_id_movie_id_key"),
    )
    op.create_index(op.f("ix_ratings_movie_id"), "ratings", ["movie_id"], unique=False)


def create_bookings() -> None:
    """Held and confirmed seats."""
    op.create_table(
        "bookings",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("reserved_seats", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('open', 'confirmed', 'cancelled', 'expired')", name="bookings_status_check"),
        sa.CheckConstraint("reserved_seats >= 0", name="bookings_reserved_seats_check"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bookings_due", "bookings", ["closes_at"], unique=False, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index("bookings_of_session", "bookings", ["session_id", "status"], unique=False)
    op.create_index("bookings_of_user", "bookings", ["user_id", "id"], unique=False)
    op.create_index(
        "bookings_open",
        "bookings",
        ["session_id", "closes_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )


def create_seat_reservations() -> None:
    """Every change of a booking's seats."""
    op.create_table(
        "seat_reservations",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("seat_reservations_of_booking", "seat_reservations", ["booking_id", "id"], unique=False)


def create_page_views() -> None:
    """Who looked at what."""
    op.create_table(
        "page_views",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False),
        sa.Column("tracking_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column(
            "occurred_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("type IN ('page_enter', 'page_exit')", name="page_views_type_check"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("page_views_by_time", "page_views", ["occurred_at", "id"], unique=False)
    op.create_index(
        "page_views_of_path",
        "page_views",
        [sa.literal_column("md5(path)"), sa.literal_column("occurred_at"), sa.literal_column("id")],
        unique=False,
    )
    op.create_index("page_views_of_tracking_id", "page_views", ["tracking_id", "occurred_at", "id"], unique=False)
    op.create_index("page_views_of_user", "page_views", ["user_id", "occurred_at", "id"], unique=False)


def upgrade() -> None:
    """Make everything, functions first: the columns' defaults call them."""
    run = op.get_bind().exec_driver_sql
    run(SNOWFLAKE)
    run(FOLD)
    create_users()
    create_movies()
    create_places()
    create_sessions()
    create_airings()
    create_ratings()
    create_bookings()
    create_seat_reservations()
    create_page_views()
    run(AIRINGS)
    run(RATINGS)


def downgrade() -> None:
    """Leave nothing behind."""
    for table in TABLES:
        op.drop_table(table)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP SEQUENCE snowflake_sequence")
