"""What can be changed of collections and of the request count."""

from typing import Annotated

import strawberry

from db import models
from resolvers import collections, request_count
from schema.collection_inputs import CreateCollectionInput, UpdateCollectionInput, told
from schema.connection import Info, given
from schema.inputs import DeleteInput
from schema.mutation_payload import about, changed
from schema.payloads import CollectionPayload, DeletePayload, ResetRequestCountPayload


@strawberry.type
class CollectingMutation:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Makes a collection of the viewer's.")
    async def create_collection(
        self, info: Info, input: Annotated[CreateCollectionInput, about("The collection.")]
    ) -> CollectionPayload | None:
        """INVALID_INPUT."""

        async def made() -> models.Collection:
            return await collections.create_collection(
                info.context, title=input.title, description=input.description, movies=told(input.movies)
            )

        return await changed(info, CollectionPayload, made(), "collection")

    @strawberry.mutation(description="Changes what is given of one of the viewer's collections.")
    async def update_collection(
        self, info: Info, input: Annotated[UpdateCollectionInput, about("The changes.")]
    ) -> CollectionPayload | None:
        """INVALID_INPUT, COLLECTION_NOT_FOUND."""

        async def made() -> models.Collection:
            movies = given(input.movies)
            return await collections.update_collection(
                info.context,
                input.id,
                title=given(input.title),
                description=given(input.description),
                movies=None if movies is None else told(movies),
            )

        return await changed(info, CollectionPayload, made(), "collection")

    @strawberry.mutation(description="Deletes one of the viewer's collections.")
    async def delete_collection(
        self, info: Info, input: Annotated[DeleteInput, about("The collection.")]
    ) -> DeletePayload | None:
        """COLLECTION_NOT_FOUND."""
        asked = collections.delete_collection(info.context, input.id)
        return await changed(info, DeletePayload, asked, "deleted_id")

    @strawberry.mutation(description="Begins to count requests anew, on all servers. For signed-in callers.")
    async def reset_request_count(self, info: Info) -> ResetRequestCountPayload | None:
        """UNAUTHENTICATED."""
        return await changed(info, ResetRequestCountPayload, request_count.reset(info.context), "request_count")
