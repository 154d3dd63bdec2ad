"""Sessions: lists, one by its id, and the mutations of staff."""

from datetime import datetime
from typing import Any, NamedTuple

from db import ids, lists, paging, selects
from db.json_text import Row
from db.models import Session
from db.paging import Listing, Page, Window
from domain import instants, session
from domain.session_days import check_days, find_session_days
from errors import check_all
from loaders.by_parent import make_list_key
from resolvers.context import Context
from resolvers.planned_reads import Arguments


class SessionFilter(NamedTuple):
    """Which sessions a list shows: ids as clients spell them, and the earliest and the latest start, both included."""

    movie_id: str | None = None
    place_id: str | None = None
    starts_from: datetime | None = None
    starts_to: datetime | None = None


async def list_sessions(context: Context, window: Window, only: SessionFilter) -> Page[Session]:
    """Return a page of all sessions, of one movie or in one place if named; raise InvalidId or InvalidDate."""
    return await paging.read_page(context.programme, context.database.cursors, make_session_list(only), window)


def make_session_list(only: SessionFilter) -> Listing[Session]:
    """Return the list of the sessions that a filter chooses; raise InvalidId or InvalidDate."""
    movie, place, _ = check_all(
        lambda: expect_movie(only.movie_id),
        lambda: expect_place(only.place_id),
        lambda: instants.check_range(only.starts_from, only.starts_to),
    )
    return make_list(only, movie_id=movie, place_id=place, parent="")


async def list_sessions_of_movie(context: Context, movie_id: int, window: Window, only: SessionFilter) -> Page[Any]:
    """Return a page of a movie's sessions, at one place if one is named."""
    key = make_list_key(make_movie_session_list(movie_id, only))
    return await context.loaders.programme_page.load((key, window))


def make_movie_session_list(movie_id: int, only: SessionFilter) -> Listing[Session]:
    """Return the list of a movie's sessions that a filter chooses; raise InvalidId or InvalidDate."""
    place = expect_place(only.place_id)
    instants.check_range(only.starts_from, only.starts_to)
    return make_list(only, movie_id=movie_id, place_id=place, parent="movie_id")


async def list_sessions_of_place(context: Context, place_id: int, window: Window, only: SessionFilter) -> Page[Any]:
    """Return a page of a place's sessions, of one movie if one is named."""
    key = make_list_key(make_place_session_list(place_id, only))
    return await context.loaders.programme_page.load((key, window))


def make_place_session_list(place_id: int, only: SessionFilter) -> Listing[Session]:
    """Return the list of a place's sessions that a filter chooses; raise InvalidId or InvalidDate."""
    movie = expect_movie(only.movie_id)
    instants.check_range(only.starts_from, only.starts_to)
    return make_list(only, movie_id=movie, place_id=place_id, parent="place_id")


def expect_movie(movie_id: str | None) -> int | None:
    """Return the number in the movie's id, None where no movie is named; raise InvalidId."""
    return ids.expect("mov", movie_id, "movieId") if movie_id is not None else None


def expect_place(place_id: str | None) -> int | None:
    """Return the number in the place's id, None where no place is named; raise InvalidId."""
    return ids.expect("plc", place_id, "placeId") if place_id is not None else None


def make_list(only: SessionFilter, *, movie_id: int | None, place_id: int | None, parent: str) -> Listing[Session]:
    """Return the list of sessions between the bounds of a filter."""
    return lists.list_sessions(
        movie_id=movie_id, place_id=place_id, starts_from=only.starts_from, starts_to=only.starts_to, parent=parent
    )


async def list_session_days(
    context: Context, movie_id: int, *, place_id: str | None, starts_from: datetime | None, first: int
) -> list[datetime]:
    """Return the first session's start of each day that has one; one statement for all movies of a list."""
    place = expect_place(place_id)
    most, zone = check_days(first), str(context.services.settings.timezone)

    async def load(movie_ids: list[int]) -> list[list[datetime]]:
        found = await find_session_days(
            context.programme, movie_ids=movie_ids, place_id=place, starts_from=starts_from, zone=zone, most=most
        )
        return [found.get(each, []) for each in movie_ids]

    return await context.loaders.batch(f"session days {place} {starts_from} {most}", load).load(movie_id)


async def session_by_id(context: Context, public_id: str) -> Session | None:
    """Return a session, None where there is none."""
    return await context.loaders.session_by_id.load(ids.expect("ses", public_id, "id"))


async def schedule_session(context: Context, *, movie_id: str, place_id: str, starts_at: datetime) -> Session:
    """Return the new session."""
    await context.require_staff()
    movie, place, _ = check_all(
        lambda: ids.expect("mov", movie_id, "input", "movieId"),
        lambda: ids.expect("plc", place_id, "input", "placeId"),
        lambda: session.check_start(starts_at),
    )
    async with context.database.transaction() as tx:
        return await session.schedule_session(tx, movie_id=movie, place_id=place, starts_at=starts_at)


async def reschedule_session(context: Context, public_id: str, *, starts_at: datetime) -> Session:
    """Return the session with its new start."""
    await context.require_staff()
    session_id, _ = check_all(
        lambda: ids.expect("ses", public_id, "input", "id"), lambda: session.check_start(starts_at)
    )
    async with context.database.transaction() as tx:
        return await session.reschedule_session(tx, session_id=session_id, starts_at=starts_at)


async def delete_session(context: Context, public_id: str) -> str:
    """Return the id of the deleted session."""
    await context.require_staff()
    session_id = ids.expect("ses", public_id, "input", "id")
    async with context.database.transaction() as tx:
        await session.delete_session(tx, session_id=session_id)
    return public_id


def bind_sessions(arguments: Arguments, _parent_id: int) -> Listing[Session]:
    """Return the list of the root field `sessions` for its arguments."""
    only = SessionFilter(arguments.get("movieId"), arguments.get("placeId"), *read_starts(arguments))
    return make_session_list(only)


def bind_sessions_of_movie(arguments: Arguments, movie_id: int) -> Listing[Session]:
    """Return the list of a movie's sessions for the arguments of its field."""
    return make_movie_session_list(movie_id, SessionFilter(None, arguments.get("placeId"), *read_starts(arguments)))


def bind_sessions_of_place(arguments: Arguments, place_id: int) -> Listing[Session]:
    """Return the list of a place's sessions for the arguments of its field."""
    return make_place_session_list(place_id, SessionFilter(arguments.get("movieId"), None, *read_starts(arguments)))


def read_starts(arguments: Arguments) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest start that the arguments of a field ask for."""
    return arguments.get("from"), arguments.get("to")


def write_seats_available(row: Row) -> str:
    """Return the SQL of a session's free seats."""
    for name in ("id", "capacity", "taken"):
        row.ask(name)
    return selects.write_seats_available(of=row.alias)
