"""Collections: create, list, read, change and delete one's own."""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

import errors
from db import ids, lists
from db.engine import StatementRunner
from db.models import Collection
from db.paging import Page, Window
from domain import collection
from rest.collections import answers
from rest.collections.catalogue import render_catalogue_movie
from rest.collections.payloads import CollectionsQuery, CreateCollection, UpdateCollection
from rest.endpoint import Call, Caller, Endpoint, render_json
from rest.pages import read_window
from rest.payloads import Query

TAG: Final = "Collections"
PATH: Final = "/collection/"
ONE: Final = "/collection/{collection_uuid}/"
# The contract has no pages here. A user with more collections follows `Link`.
MOST_AT_ONCE: Final = 1000
TOO_LONG: Final = errors.InvalidInput(field="title", problem=f"must have at most {collection.LONGEST_TITLE} characters")


async def list_collections(call: Call[CollectionsQuery]) -> Response:
    """Answer the caller's collections without their movies, newest first, and the genres they like best."""
    database = call.services.database
    asked = Window(MOST_AT_ONCE, after=call.asked.cursor)
    found = await read_window(database.primary, database.cursors, lists.list_collections(call.user_id), asked)
    genres = await collection.find_favourite_genres(database.primary, user_id=call.user_id)
    body: answers.Collections = {
        "is_success": True,
        "data": {
            "collections": [
                {"title": row.title, "uuid": str(ids.to_uuid("col", row.id)), "description": row.description}
                for row in found.rows
            ],
            "favourite_genres": ", ".join(genres),
        },
    }
    return render_json(body, headers=format_next_link(call, found))


async def create_collection(call: Call[CreateCollection]) -> Response:
    """Answer the new collection's UUID."""
    asked = call.asked
    async with call.services.database.transaction() as tx:
        made = await collection.create_collection(
            tx,
            user_id=call.user_id,
            title=asked.title,
            description=asked.description,
            movies=[movie.build_movie() for movie in asked.movies],
        )
    uuid = str(ids.to_uuid("col", made.id))
    body: answers.CreatedCollection = {"collection_uuid": uuid}
    return render_json(body, status=201, headers={"Location": f"{PATH}{uuid}/"})


async def get_collection(call: Call[Query]) -> Response:
    """Answer one collection with its movies."""
    runner = call.services.database.primary
    found = await collection.find_collection(
        runner, user_id=call.user_id, collection_id=call.read_path_id("collection_uuid")
    )
    return render_json(await render_collection(runner, found))


async def update_collection(call: Call[UpdateCollection]) -> Response:
    """Answer the collection as it is now; what was left out is as it was."""
    asked, given = call.asked, call.asked.model_fields_set
    async with call.services.database.transaction() as tx:
        changed = await collection.update_collection(
            tx,
            user_id=call.user_id,
            collection_id=call.read_path_id("collection_uuid"),
            title=asked.title if "title" in given else None,
            description=asked.description if "description" in given else None,
            movies=[movie.build_movie() for movie in asked.movies] if "movies" in given else None,
        )
        body = await render_collection(tx, changed)
    return render_json(body)


async def delete_collection(call: Call[Query]) -> Response:
    """Answer without a body once the collection is gone."""
    async with call.services.database.transaction() as tx:
        await collection.delete_collection(tx, user_id=call.user_id, collection_id=call.read_path_id("collection_uuid"))
    return Response(status_code=204)


async def render_collection(runner: StatementRunner, row: Collection) -> answers.Collection:
    """Return a collection as it is answered."""
    movies = await collection.find_movies(runner, [row.id])
    return {
        "title": row.title,
        "description": row.description,
        "movies": [render_catalogue_movie(movie) for movie in movies[row.id]],
    }


def format_next_link(call: Call[CollectionsQuery], found: Page[Collection]) -> dict[str, str]:
    """Return the `Link` header of the next part of the list (RFC 8288), nothing on the last part."""
    if not found.has_next:
        return {}
    return {"Link": f'<{call.base_url}{PATH}?{urlencode({"cursor": found.end_cursor})}>; rel="next"'}


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=PATH,
        answer=list_collections,
        takes=CollectionsQuery,
        caller=Caller.SIGNED_IN,
        answers={200: answers.Collections},
        refusals=(errors.InvalidCursor(field="cursor"),),
        headers=("Link",),
        tag=TAG,
        summary="List my collections and favourite genres",
        description="Newest first, 1000 at most; where there are more, `Link` leads on.",
    ),
    Endpoint(
        method="POST",
        path=PATH,
        answer=create_collection,
        takes=CreateCollection,
        caller=Caller.SIGNED_IN,
        answers={201: answers.CreatedCollection},
        refusals=(TOO_LONG,),
        headers=("Location",),
        tag=TAG,
        summary="Create a collection",
        description="Creates a collection, with its movies where they are given. `Location` leads to it.",
    ),
    Endpoint(
        method="GET",
        path=ONE,
        answer=get_collection,
        takes=Query,
        caller=Caller.SIGNED_IN,
        answers={200: answers.Collection},
        tag=TAG,
        summary="Get a collection with its movies",
        description="One of the caller's collections. Another user's is 404.",
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        answer=update_collection,
        takes=UpdateCollection,
        caller=Caller.SIGNED_IN,
        answers={200: answers.Collection},
        refusals=(TOO_LONG,),
        tag=TAG,
        summary="Change a collection",
        description="What is left out stays; `movies`, where given, replaces the list.",
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        answer=delete_collection,
        takes=Query,
        caller=Caller.SIGNED_IN,
        answers={204: None},
        tag=TAG,
        summary="Delete a collection",
        description="Deletes the collection with its movies.",
    ),
)
