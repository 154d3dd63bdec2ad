"""Movies: staff create, change and delete them."""

from collections.abc import Iterator, Sequence
from typing import Final

from db import paging, selects
from db.engine import Transaction
from db.models import Movie
from domain import session
from domain.text import find_number_faults, find_text_faults
from domain.web_address import is_own_path, is_web_address
from errors import InvalidInput, MovieNotFound, Refusal, SessionOverlaps, refuse

LONGEST_TITLE: Final = 200
LONGEST_DESCRIPTION: Final = 5000
LONGEST_ADDRESS: Final = 2048
LONGEST_DURATION: Final = 1440
LONGEST_GENRE: Final = 50
MOST_GENRES: Final = 10

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Movie))
BY_ID: Final = paging.compile_sql(selects.select_by_ids(Movie))
CREATE: Final = f"""
    INSERT INTO movies (title, description, poster, duration, genres)
    VALUES (%(title)s, %(description)s, %(poster)s, %(duration)s, %(genres)s)
    RETURNING {COLUMNS}
"""
GENRES: Final = "SELECT DISTINCT unnest(genres) AS genre FROM movies ORDER BY genre"
UPDATE: Final = f"""
    UPDATE movies SET
        title = coalesce(%(title)s, title),
        description = coalesce(%(description)s, description),
        poster = coalesce(%(poster)s, poster),
        duration = coalesce(%(duration)s, duration),
        genres = coalesce(%(genres)s, genres)
    WHERE id = %(id)s
    RETURNING {COLUMNS}
"""
# Places are locked before movies, as when a session is scheduled, because sessions may overlap after this change.
LOCK_PLACES: Final = """
    SELECT id FROM places WHERE id IN (SELECT place_id FROM airings WHERE movie_id = %(id)s)
    ORDER BY id FOR NO KEY UPDATE
"""
# The movie may have got a session in a new place during the wait for its row. This lock does not wait (NOWAIT): waiting
# for a place while holding the movie could deadlock.
LOCK_NEW_PLACES: Final = f"{LOCK_PLACES} NOWAIT"
RUNS_INTO_ANOTHER: Final = """
    SELECT EXISTS (
        SELECT FROM sessions AS ours JOIN sessions AS other ON other.place_id = ours.place_id AND other.id <> ours.id
        WHERE ours.movie_id = %(id)s AND ours.ends_at > clock_timestamp()
            AND other.starts_at < ours.ends_at AND other.ends_at > ours.starts_at
            AND other.starts_at > ours.starts_at - interval '1 day'
    )
"""


async def create_movie(
    tx: Transaction, *, title: str, description: str, poster: str, duration: int, genres: Sequence[str]
) -> Movie:
    """Return the new movie; `duration` is in minutes. Raises all InvalidInputs at once."""
    values = check_movie(title=title, description=description, poster=poster, duration=duration, genres=genres)
    (made,) = await tx.rows(Movie, CREATE, **values)
    tx.touch("programme", made.id)
    return made


async def update_movie(
    tx: Transaction,
    *,
    movie_id: int,
    title: str | None = None,
    description: str | None = None,
    poster: str | None = None,
    duration: int | None = None,
    genres: Sequence[str] | None = None,
) -> Movie:
    """Return the movie with the given values.

    Raises all InvalidInputs at once, MovieNotFound, and SessionOverlaps where a longer duration (minutes) would make
    a session that has not ended overlap the next one, and Unavailable while a new place of the movie is being changed.
    """
    values = check_movie(title=title, description=description, poster=poster, duration=duration, genres=genres)
    if duration is not None:
        await tx.tuples(LOCK_PLACES, id=movie_id)
    movie = await tx.row(Movie, UPDATE, id=movie_id, **values)
    if movie is None:
        raise MovieNotFound
    tx.touch("programme", movie_id)
    if duration is not None:
        await tx.tuples(LOCK_NEW_PLACES, id=movie_id)
        if await tx.value(RUNS_INTO_ANOTHER, id=movie_id):
            raise SessionOverlaps(path=("input", "duration"))
    return movie


async def delete_movie(tx: Transaction, *, movie_id: int) -> None:
    """Delete the movie with its ratings and sessions; raise MovieNotFound, or StillInUse while bookings refer to it."""
    await tx.tuples(LOCK_PLACES, id=movie_id)
    if await tx.value("SELECT id FROM movies WHERE id = %(id)s FOR UPDATE", id=movie_id) is None:
        raise MovieNotFound
    await session.delete_sessions(tx, movie_id=movie_id)
    await tx.execute("DELETE FROM ratings WHERE movie_id = %(id)s", id=movie_id)
    await tx.execute("DELETE FROM movies WHERE id = %(id)s", id=movie_id)
    tx.touch("programme", movie_id)


def check_movie(
    *,
    title: str | None = None,
    description: str | None = None,
    poster: str | None = None,
    duration: int | None = None,
    genres: Sequence[str] | None = None,
) -> dict[str, object]:
    """Return the values as they are stored; raise all their faults."""
    faults: list[Refusal] = [
        *find_text_faults("title", title, longest=LONGEST_TITLE),
        *find_text_faults("description", description, longest=LONGEST_DESCRIPTION),
        *find_poster_faults(poster),
        *find_number_faults("duration", duration, smallest=1, largest=LONGEST_DURATION),
        *find_genre_faults(genres),
    ]
    refuse(faults)
    trimmed = None if genres is None else list(dict.fromkeys(genre.strip() for genre in genres))
    return {"title": title, "description": description, "poster": poster, "duration": duration, "genres": trimmed}


def find_poster_faults(poster: str | None) -> Iterator[InvalidInput]:
    """Yield the faults of a poster's address: it must be an http or https address, or a path of this server."""
    faults = list(find_text_faults("poster", poster, longest=LONGEST_ADDRESS))
    yield from faults
    if poster and not faults and not is_own_path(poster) and not is_web_address(poster):
        problem = "must be an http or https address, or a path of this server"
        yield InvalidInput(path=("input", "poster"), field="poster", problem=problem)


def find_genre_faults(genres: Sequence[str] | None) -> Iterator[InvalidInput]:
    """Yield the faults of a movie's genres."""
    for genre in genres or ():
        yield from find_text_faults("genres", genre, longest=LONGEST_GENRE)
    if genres is not None and len(genres) > MOST_GENRES:
        yield InvalidInput(path=("input", "genres"), field="genres", problem=f"must be at most {MOST_GENRES}")
