"""Sessions: lists, one by its id, and the mutations of staff."""

from datetime import datetime
from typing import Any

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


async def list_sessions(
    context: Context,
    window: Window,
    *,
    movie_id: str | None,
    place_id: str | None,
    starts_from: datetime | None,
    starts_to: datetime | None,
) -> Page[Session]:
    """Return a page of all sessions, of one movie or in one place if named; raise InvalidId or InvalidDate."""
    listing = make_session_list(movie_id=movie_id, place_id=place_id, starts_from=starts_from, starts_to=starts_to)
    return await paging.read_page(context.programme, context.database.cursors, listing, window)


def make_session_list(
    *, movie_id: str | None, place_id: str | None, starts_from: datetime | None, starts_to: datetime | None
) -> Listing[Session]:
    """Return the list of sessions for these arguments; raise InvalidId or InvalidDate."""
    movie, place, _ = check_all(
        lambda: ids.expect("mov", movie_id, "movieId") if movie_id is not None else None,
        lambda: ids.expect("plc", place_id, "placeId") if place_id is not None else None,
        lambda: instants.check_range(starts_from, starts_to),
    )
    return lists.list_sessions(movie_id=movie, place_id=place, starts_from=starts_from, starts_to=starts_to, parent="")


async def list_sessions_of_movie(
    context: Context,
    movie_id: int,
    window: Window,
    *,
    place_id: str | None,
    starts_from: datetime | None,
    starts_to: datetime | None,
) -> Page[Any]:
    """Return a page of a movie's sessions, at one place if one is named."""
    listing = make_movie_session_list(movie_id, place_id=place_id, starts_from=starts_from, starts_to=starts_to)
    return await context.loaders.programme_page.load((make_list_key(listing), window))


def make_movie_session_list(
    movie_id: int, *, place_id: str | None, starts_from: datetime | None, starts_to: datetime | None
) -> Listing[Session]:
    """Return the list of a movie's sessions for these arguments; raise InvalidId or InvalidDate."""
    place = ids.expect("plc", place_id, "placeId") if place_id is not None else None
    instants.check_range(starts_from, starts_to)
    return lists.list_sessions(
        movie_id=movie_id, place_id=place, starts_from=starts_from, starts_to=starts_to, parent="movie_id"
    )


async def list_sessions_of_place(
    context: Context,
    place_id: int,
    window: Window,
    *,
    movie_id: str | None,
    starts_from: datetime | None,
    starts_to: datetime | None,
) -> Page[Any]:
    """Return a page of a place's sessions, of one movie if one is named."""
    listing = make_place_session_list(place_id, movie_id=movie_id, starts_from=starts_from, starts_to=starts_to)
    return await context.loaders.programme_page.load((make_list_key(listing), window))


def make_place_session_list(
    place_id: int, *, movie_id: str | None, starts_from: datetime | None, starts_to: datetime | None
) -> Listing[Session]:
    """Return the list of a place's sessions for these arguments; raise InvalidId or InvalidDate."""
    movie = ids.expect("mov", movie_id, "movieId") if movie_id is not None else None
    instants.check_range(starts_from, starts_to)
    return lists.list_sessions(
        movie_id=movie, place_id=place_id, starts_from=starts_from, starts_to=starts_to, parent="place_id"
    )


async def list_session_days(
    context: Context, movie_id: int, *, place_id: str | None, starts_from: datetime | None, first: int
) -> list[datetime]:
    """Return the first session's start of each day that has one; one statement for all movies of a list."""
    place = ids.expect("plc", place_id, "placeId") if place_id is not None else None
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
    return make_session_list(
        movie_id=arguments.get("movieId"),
        place_id=arguments.get("placeId"),
        starts_from=arguments.get("from"),
        starts_to=arguments.get("to"),
    )


def bind_sessions_of_movie(arguments: Arguments, movie_id: int) -> Listing[Session]:
    """Return the list of a movie's sessions for the arguments of its field."""
    return make_movie_session_list(
        movie_id,
        place_id=arguments.get("placeId"),
        starts_from=arguments.get("from"),
        starts_to=arguments.get("to"),
    )


def bind_sessions_of_place(arguments: Arguments, place_id: int) -> Listing[Session]:
    """Return the list of a place's sessions for the arguments of its field."""
    return make_place_session_list(
        place_id,
        movie_id=arguments.get("movieId"),
        starts_from=arguments.get("from"),
        starts_to=arguments.get("to"),
    )


def write_seats_available(row: Row) -> str:
    """Return the SQL of a session's free seats."""
    for name in ("id", "capacity", "taken"):
        row.ask(name)
    return selects.write_seats_available(of=row.alias)
