"""Collections: the viewer's own collections, and the mutations that change them."""

from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Select

from db import ids, lists, selects
from db.json_text import Row
from db.models import CollectedMovie, Collection
from db.paging import Listing, Page, Window
from domain import collection
from domain.collection import FAVOURITE_GENRES, MOST_FAULTS, CatalogueMovie
from domain.text import has_visible
from errors import check_all, refuse
from loaders.by_parent import make_list_key
from resolvers.changes import collect_changes
from resolvers.context import Context
from resolvers.planned_reads import Arguments, Parent

# No user has this id: their lists are empty.
NOBODY: Final = 0


class MovieInput(Protocol):
    """A movie as callers describe it."""

    uuid: UUID
    title: str
    description: str
    genres: list[str]


A_GENRE: Final = "must be one genre, without a comma"


async def list_collections(context: Context, user_id: int, window: Window) -> Page[Any]:
    """Return a page of the viewer's collections; of another user there are none, not even for staff."""
    listing = lists.list_collections(user_id if is_viewer(context, user_id) else NOBODY)
    return await context.loaders.private_page.load((make_list_key(listing), window))


async def find_favourite_genres(context: Context, user_id: int) -> list[str]:
    """Return the viewer's favourite genres; none of another user."""
    if not is_viewer(context, user_id):
        return []
    return await collection.find_favourite_genres(context.database.primary, user_id=user_id)


def is_viewer(context: Context, user_id: int) -> bool:
    """Return whether the user is the viewer."""
    return context.actor is not None and context.actor.user_id == user_id


async def find_own_collection(context: Context, collection_id: int) -> Collection | None:
    """Return a collection if it is the viewer's."""
    found = await context.loaders.collection_by_id.load(collection_id) if context.actor else None
    return found if found and is_viewer(context, found.user_id) else None


async def load_movies(context: Context, row: Collection) -> list[CollectedMovie]:
    """Return a collection's movies."""
    return await context.loaders.movies_by_collection.load(row.id)


async def create_collection(
    context: Context, *, title: str, description: str, movies: Sequence[MovieInput]
) -> Collection:
    """Return the viewer's new collection."""
    user_id, movies_ = context.user_id, read_movies(movies)
    async with context.database.transaction() as tx:
        return await collection.create_collection(
            tx, user_id=user_id, title=title, description=description, movies=movies_
        )


async def update_collection(context: Context, update: Any) -> Collection:
    """Return the collection with the changes of an update's input; `movies`, where given, replaces the list."""
    user_id = context.user_id
    collection_id, changes = check_all(
        lambda: ids.expect("col", update.id, "input", "id"), lambda: collect_changes(update)
    )
    if "movies" in changes:
        changes["movies"] = read_movies(changes["movies"])
    async with context.database.transaction() as tx:
        return await collection.update_collection(tx, user_id=user_id, collection_id=collection_id, **changes)


async def delete_collection(context: Context, public_id: str) -> str:
    """Return the id of the deleted collection."""
    user_id, collection_id = context.user_id, ids.expect("col", public_id, "input", "id")
    async with context.database.transaction() as tx:
        await collection.delete_collection(tx, user_id=user_id, collection_id=collection_id)
    return public_id


def read_movies(movies: Sequence[MovieInput]) -> list[CatalogueMovie]:
    """Return movies as the domain takes them, genres as one text; raise InvalidInput for a genre with a comma."""
    faults = [
        collection.make_fault(A_GENRE, "movies", str(place), "genres", str(number))
        for place, movie in enumerate(movies)
        for number, genre in enumerate(movie.genres)
        if "," in genre or not has_visible(genre)
    ]
    refuse(faults[:MOST_FAULTS])
    return [CatalogueMovie(movie.uuid, movie.title, movie.description, ",".join(movie.genres)) for movie in movies]


def bind_collections(_arguments: Arguments, user_id: int) -> Listing[Collection]:
    """Return the list of a user's collections."""
    return lists.list_collections(user_id)


def select_movies(parent: Parent) -> Select[Any]:
    """Return the statement of the movies of a collection."""
    return selects.select_collected_movies(parent("id"))


def write_favourite_genres(row: Row) -> str:
    """Return the SQL of the viewer's favourite genres as JSON; of another user there are none."""
    rows = FAVOURITE_GENRES.replace("%(user_id)s", f"{row['id']} AND {row['id']} = %(viewer)s::bigint")
    return f"to_json(ARRAY({rows}))::text"
