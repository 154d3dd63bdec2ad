"""Mutations of collections."""

import strawberry

from db import models
from resolvers import collections
from resolvers.mutation_field import mutation
from schema.collection_inputs import CreateCollectionInput, UpdateCollectionInput
from schema.connection import Info
from schema.inputs import DeleteInput
from schema.payloads import CollectionPayload, DeletePayload


@strawberry.type
class CollectionMutations:
    @mutation(CollectionPayload, "collection", description="Makes a collection of the viewer's.", codes="INVALID_INPUT")
    async def create_collection(self, info: Info, input: CreateCollectionInput) -> models.Collection:
        return await collections.create_collection(
            info.context, title=input.title, description=input.description, movies=input.movies
        )

    @mutation(
        CollectionPayload,
        "collection",
        description="Changes one of the viewer's collections.",
        codes="INVALID_INPUT, INVALID_ID, COLLECTION_NOT_FOUND",
    )
    async def update_collection(self, info: Info, input: UpdateCollectionInput) -> models.Collection:
        return await collections.update_collection(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes one of the viewer's collections.",
        codes="INVALID_ID, COLLECTION_NOT_FOUND",
    )
    async def delete_collection(self, info: Info, input: DeleteInput) -> str:
        return await collections.delete_collection(info.context, input.id)
