"""What there is to buy: one session that does not sell out, and one that does."""

from typing import Final

import psycopg

CAPACITIES: Final = (90_000, 60)
MAKE: Final = """
    WITH movie AS (
        INSERT INTO movies (title, description, poster, duration) VALUES ('The Fault', 'What breaks.', '/p.svg', 90)
        RETURNING id
    ), place AS (
        INSERT INTO places (name, address, capacity) VALUES ('Odeon', '1 Main Street', 100000) RETURNING id
    )
    INSERT INTO sessions (movie_id, place_id, starts_at, ends_at, capacity)
    SELECT movie.id, place.id, clock_timestamp() + interval '1 day', clock_timestamp() + interval '1 day 90 minutes', %s
    FROM movie, place RETURNING id
"""


def make_sessions(url: str) -> list[int]:
    """Return the ids of new sessions."""
    with psycopg.connect(url) as connection:
        rows = [connection.execute(MAKE, [capacity]).fetchone() for capacity in CAPACITIES]
    return [row[0] for row in rows if row is not None]
