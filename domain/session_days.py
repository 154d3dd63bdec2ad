"""The days on which a movie has sessions, for calendars."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from db.engine import StatementRunner
from errors import InvalidLimit

MOST_DAYS: Final = 100

# One index probe for each day, however many sessions it has. Without a place, the index over movies alone has this order.
DAYS: Final = """
    SELECT movie.id, days.starts_at
    FROM unnest(%(movie_ids)s::bigint[]) AS movie (id) CROSS JOIN LATERAL (
        WITH RECURSIVE day AS (
            (SELECT starts_at, 1 AS number FROM sessions
            WHERE movie_id = movie.id {at_place} AND starts_at >= coalesce(%(starts_from)s::timestamptz, clock_timestamp())
            ORDER BY starts_at LIMIT 1)
            UNION ALL
            SELECT later.starts_at, day.number + 1 FROM day CROSS JOIN LATERAL (
                SELECT starts_at FROM sessions
                WHERE movie_id = movie.id {at_place} AND starts_at >=
                    (date_trunc('day', day.starts_at AT TIME ZONE %(zone)s) + interval '1 day') AT TIME ZONE %(zone)s
                ORDER BY starts_at LIMIT 1
            ) AS later
            WHERE day.number < %(most)s
        )
        SELECT starts_at FROM day
    ) AS days
    ORDER BY movie.id, days.starts_at
"""
DAYS_OF_MOVIE: Final = DAYS.format(at_place="")
DAYS_AT_PLACE: Final = DAYS.format(at_place="AND place_id = %(place_id)s")


def check_days(number: int) -> int:
    """Return a number of days; raise InvalidLimit unless it is from 1 to MOST_DAYS."""
    if not 1 <= number <= MOST_DAYS:
        raise InvalidLimit(path=("first",), field="first", problem=f"must be a whole number from 1 to {MOST_DAYS}")
    return number


async def find_session_days(
    runner: StatementRunner,
    *,
    movie_ids: Sequence[int],
    place_id: int | None,
    starts_from: datetime | None,
    zone: str,
    most: int,
) -> dict[int, list[datetime]]:
    """Return, for each movie, the first session's start of each day in the timezone that has one, earliest first.

    `starts_from` is by default the database's clock. A movie without such days is not among the keys.
    """
    parameters = {"movie_ids": list(movie_ids), "starts_from": starts_from, "zone": zone, "most": most}
    statement = DAYS_OF_MOVIE if place_id is None else DAYS_AT_PLACE
    if place_id is not None:
        parameters["place_id"] = place_id
    found: dict[int, list[datetime]] = {}
    for movie_id, starts_at in await runner.tuples(statement, **parameters):
        found.setdefault(movie_id, []).append(starts_at)
    return found
