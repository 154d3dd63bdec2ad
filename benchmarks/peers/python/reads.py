"""The statements of the Strawberry peer's reads, each for one parent or for many at once."""

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.peers.python.pool import Pool, rows
from db import search

MOVIE_COLUMNS: Final = "id, title, description, duration, genres, rating, rating_count, airing_from, airing_to"
MOVIES: Final = f"SELECT {MOVIE_COLUMNS} FROM movies ORDER BY rating_order DESC, id DESC LIMIT %(limit)s"
# As in Matinee (docs/adr/0052, 0057): few matches are found by the index, of many a page is read in the list's order.
SEARCHED: Final = f"""
    WITH frequency AS (
        SELECT (
            SELECT count(*) >= 3 FROM (SELECT title_lexemes FROM movies ORDER BY id DESC LIMIT 50) AS sample
            WHERE title_lexemes @@ %(beginnings)s::tsquery
        ) AND (
            SELECT count(*) >= 5
            FROM (SELECT title_lexemes FROM movies ORDER BY rating_order DESC, id DESC LIMIT 100) AS sample
            WHERE title_lexemes @@ %(beginnings)s::tsquery
        ) AS frequent
    ), few AS (
        SELECT rating_order, id FROM movies
        WHERE title_lexemes @@ %(query)s::tsquery AND NOT (SELECT frequent FROM frequency) LIMIT 500
    )
    SELECT {MOVIE_COLUMNS} FROM movies WHERE id = ANY (ARRAY (SELECT id FROM (
        (SELECT rating_order, id FROM few WHERE (SELECT count(*) < 500 FROM few)
         ORDER BY rating_order DESC, id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT rating_order, id FROM movies
         WHERE ((SELECT frequent FROM frequency) OR NOT (SELECT count(*) < 500 FROM few))
           AND coalesce(title_lexemes @@ %(query)s::tsquery, false)
         ORDER BY rating_order DESC, id DESC LIMIT %(limit)s)
    ) AS found)) ORDER BY rating_order DESC, id DESC LIMIT %(limit)s
"""
MOVIE: Final = f"SELECT {MOVIE_COLUMNS} FROM movies WHERE id = ANY (%(ids)s)"
PLACE: Final = "SELECT id, name, address, capacity FROM places WHERE id = ANY (%(ids)s)"
SESSION: Final = "SELECT id, movie_id, place_id, starts_at, capacity FROM sessions WHERE id = ANY (%(ids)s)"
PLACES: Final = """
    SELECT asked.id AS parent, each.* FROM unnest(%(ids)s::bigint[]) AS asked (id) CROSS JOIN LATERAL (
        SELECT places.id, name, address, capacity FROM airings JOIN places ON places.id = place_id
        WHERE movie_id = asked.id AND last_ends_at > clock_timestamp()
        ORDER BY place_key, place_id LIMIT %(limit)s
    ) AS each
"""
SESSIONS: Final = """
    SELECT asked.id AS parent, each.* FROM unnest(%(ids)s::bigint[]) AS asked (id) CROSS JOIN LATERAL (
        SELECT id, movie_id, place_id, starts_at, capacity FROM sessions
        WHERE place_id = asked.id ORDER BY starts_at DESC, id DESC LIMIT %(limit)s
    ) AS each
"""
LAPSED: Final = "(status = 'open' AND closes_at <= clock_timestamp())"
BOOKING_COLUMNS: Final = f"""id, session_id, created_at, closes_at,
    CASE WHEN {LAPSED} THEN 'expired' ELSE status END AS status,
    CASE WHEN {LAPSED} THEN 0 ELSE reserved_seats END AS reserved_seats"""
BOOKINGS: Final = f"""
    SELECT {BOOKING_COLUMNS} FROM bookings WHERE user_id = %(user_id)s ORDER BY id DESC LIMIT %(limit)s
"""
USER: Final = "SELECT id, email, username FROM users WHERE id = ANY (%(ids)s)"
USER_BY_EMAIL: Final = "SELECT id, email, username, password_hash FROM users WHERE lower(email) = lower(%(email)s)"


async def pages(pool: Pool, statement: str, ids: Sequence[int], *, first: int) -> list[list[Any]]:
    """Return the first rows of each parent's list, and one more where there is one."""
    found: dict[int, list[Any]] = {identity: [] for identity in ids}
    for row in await rows(pool, statement, ids=list(found), limit=first + 1):
        found[row["parent"]].append(row)
    return [found[identity] for identity in ids]


async def by_ids(pool: Pool, statement: str, ids: Sequence[int]) -> list[Any]:
    """Return rows in the order of their ids, None for what is not there."""
    found = {row["id"]: row for row in await rows(pool, statement, ids=list(ids))}
    return [found.get(identity) for identity in ids]


async def movies(pool: Pool, *, first: int, text: str | None) -> list[Any]:
    """Return the best rated movies, those that match a search where there is one, and one more than `first`."""
    words = tuple(search.read_words(text or ""))
    if not words:
        return await rows(pool, MOVIES, limit=first + 1)
    query, beginnings = search.write_query(words), search.write_beginnings(words)
    return await rows(pool, SEARCHED, limit=first + 1, query=query, beginnings=beginnings)


async def bookings(pool: Pool, *, user_id: int, first: int) -> list[Any]:
    """Return a user's newest bookings, and one more than `first`."""
    return await rows(pool, BOOKINGS, user_id=user_id, limit=first + 1)
