"""Movies: lists, one by its id, and the mutations of staff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select

from db import ids, lists, paging, selects
from db.json_text import Row
from db.models import Movie, Rating
from db.paging import Listing, Page, Window
from domain import movie
from errors import InvalidInput, check_all
from loaders.by_parent import make_list_key
from resolvers.changes import check_changes
from resolvers.context import Context
from resolvers.planned_reads import BASE, VIEWER, Arguments, Parent

# Genres in one filter.
MOST_GENRES: Final = 20


async def list_movies(
    context: Context,
    window: Window,
    *,
    sort: lists.MovieSort,
    search: str | None,
    airing_from: datetime | None,
    place_id: str | None,
    genre: str | None,
    genres: Sequence[str] | None = None,
) -> Page[Movie]:
    """Return a page of all movies."""
    listing = make_movie_list(
        sort=sort, search=search, airing_from=airing_from, place_id=place_id, genre=genre, genres=genres
    )
    return await paging.read_page(context.programme, context.database.cursors, listing, window)


def make_movie_list(
    *,
    sort: lists.MovieSort,
    search: str | None,
    airing_from: datetime | None,
    place_id: str | None,
    genre: str | None,
    genres: Sequence[str] | None = None,
) -> Listing[Movie]:
    """Return the list of movies for these arguments; raise InvalidId for `place_id`, InvalidInput for too many genres."""
    if genres and len(genres) > MOST_GENRES:
        raise InvalidInput(path=("filter", "genres"), field="filter.genres", problem=f"must be at most {MOST_GENRES}")
    some = sorted(set(genres)) if genres else None
    place = ids.expect("plc", place_id, "filter", "placeId") if place_id is not None else None
    return lists.list_movies(sort, search_for=search, airing_from=airing_from, place_id=place, genre=genre, genres=some)


async def list_genres(context: Context) -> list[str]:
    """Return every genre that a movie has, in alphabetical order; read once for each request."""

    async def load(keys: list[int]) -> list[list[str]]:
        rows = await context.programme.tuples(movie.GENRES)
        return [[name for (name,) in rows] for _ in keys]

    return await context.loaders.batch("genres", load).load(0)


async def list_movies_of_place(context: Context, place_id: int, window: Window, *, sort: lists.MovieSort) -> Page[Any]:
    """Return a page of the movies that a place shows."""
    key = make_list_key(lists.list_movies_of_place(place_id, sort))
    return await context.loaders.programme_page.load((key, window))


async def movie_by_id(context: Context, public_id: str) -> Movie | None:
    """Return a movie, None where there is none."""
    return await context.loaders.movie_by_id.load(ids.expect("mov", public_id, "id"))


async def find_viewer_rating(context: Context, movie_id: int) -> Rating | None:
    """Return the viewer's rating of a movie, None for an anonymous viewer."""
    if context.actor is None:
        return None
    return await context.loaders.rating_by_movie(context.actor.user_id).load(movie_id)


async def create_movie(
    context: Context, *, title: str, description: str, poster: str, duration: int, genres: Sequence[str]
) -> Movie:
    """Return the new movie."""
    await context.require_staff()
    async with context.database.transaction() as tx:
        return await movie.create_movie(
            tx, title=title, description=description, poster=poster, duration=duration, genres=genres
        )


async def update_movie(context: Context, update: Any) -> Movie:
    """Return the movie with the changes of an update's input."""
    await context.require_staff()
    movie_id, changes = check_all(
        lambda: ids.expect("mov", update.id, "input", "id"), lambda: check_changes(update, movie.check_movie)
    )
    async with context.database.transaction() as tx:
        return await movie.update_movie(tx, movie_id=movie_id, **changes)


async def delete_movie(context: Context, public_id: str) -> str:
    """Return the id of the deleted movie."""
    await context.require_staff()
    movie_id = ids.expect("mov", public_id, "input", "id")
    async with context.database.transaction() as tx:
        await movie.delete_movie(tx, movie_id=movie_id)
    return public_id


def bind_movies(arguments: Arguments, _parent_id: int) -> Listing[Movie]:
    """Return the list of the root field `movies` for its arguments."""
    only = arguments.get("filter") or {}
    return make_movie_list(
        sort=arguments["sort"].value,
        search=only.get("search"),
        airing_from=only.get("airingFrom"),
        place_id=only.get("placeId"),
        genre=only.get("genre"),
        genres=only.get("genres"),
    )


def bind_movies_of_place(arguments: Arguments, place_id: int) -> Listing[Movie]:
    """Return the list of the movies that a place shows, for the arguments of its field."""
    return lists.list_movies_of_place(place_id, arguments["sort"].value)


def select_viewer_rating(parent: Parent) -> Select[Any]:
    """Return the statement of the viewer's rating of a movie."""
    return selects.select_rating(VIEWER, parent("id"))


def write_poster(row: Row) -> str:
    """Return the SQL of the absolute address of a movie's poster."""
    address = row["poster"]
    return f"CASE WHEN starts_with({address}, '/') THEN {BASE} || {address} ELSE {address} END"
