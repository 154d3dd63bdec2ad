"""Places: lists, one by its id, and the mutations of staff."""

from typing import Any

from db import ids, lists, paging
from db.models import Place
from db.paging import Listing, Page, Window
from domain import place
from errors import check_all
from loaders.by_parent import make_list_key
from resolvers.changes import check_changes
from resolvers.context import Context
from resolvers.planned_reads import Arguments


async def list_places(context: Context, window: Window, *, search: str | None) -> Page[Place]:
    """Return a page of all places."""
    listing = lists.list_places(search_for=search)
    return await paging.read_page(context.programme, context.database.cursors, listing, window)


async def list_places_of_movie(context: Context, movie_id: int, window: Window) -> Page[Any]:
    """Return a page of the places that show a movie."""
    key = make_list_key(lists.list_places_of_movie(movie_id))
    return await context.loaders.programme_page.load((key, window))


async def place_by_id(context: Context, public_id: str) -> Place | None:
    """Return a place, None where there is none."""
    return await context.loaders.place_by_id.load(ids.expect("plc", public_id, "id"))


async def create_place(context: Context, *, name: str, address: str, capacity: int) -> Place:
    """Return the new place."""
    await context.require_staff()
    async with context.database.transaction() as tx:
        return await place.create_place(tx, name=name, address=address, capacity=capacity)


async def update_place(context: Context, update: Any) -> Place:
    """Return the place with the changes of an update's input."""
    await context.require_staff()
    place_id, changes = check_all(
        lambda: ids.expect("plc", update.id, "input", "id"), lambda: check_changes(update, place.check_place)
    )
    async with context.database.transaction() as tx:
        return await place.update_place(tx, place_id=place_id, **changes)


async def delete_place(context: Context, public_id: str) -> str:
    """Return the id of the deleted place."""
    await context.require_staff()
    place_id = ids.expect("plc", public_id, "input", "id")
    async with context.database.transaction() as tx:
        await place.delete_place(tx, place_id=place_id)
    return public_id


def bind_places(arguments: Arguments, _parent_id: int) -> Listing[Place]:
    """Return the list of the root field `places` for its arguments."""
    return lists.list_places(search_for=(arguments.get("filter") or {}).get("search"))


def bind_places_of_movie(_arguments: Arguments, movie_id: int) -> Listing[Place]:
    """Return the list of the places that show a movie."""
    return lists.list_places_of_movie(movie_id)
