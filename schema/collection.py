"""Collections of third-party movies."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import Parent

from db import ids, models
from domain import collection
from resolvers import collections
from resolvers.field_metadata import declare
from resolvers.planned_reads import OWNER, ManyRows, read_column, read_uuid
from schema.connection import Info
from schema.node import Node


@strawberry.type(
    description="A movie of the third-party catalogue, or of a collection as the catalogue told of it then."
)
class CatalogueMovie:
    """The source is a row, or a movie of the third party's answer."""

    uuid: UUID = strawberry.field(description="The third party's own key.", metadata=declare(reads=read_column("uuid")))
    title: str = strawberry.field(description="Its title.", metadata=declare(reads=read_column("title")))
    description: str = strawberry.field(
        description="What it is about; may be empty.", metadata=declare(reads=read_column("description"))
    )

    @strawberry.field(
        description="Each once; none where the third party names none.",
        metadata=declare(reads=read_column("genre_names")),
    )
    @staticmethod
    def genres(root: Parent[models.CollectedMovie | collection.CatalogueMovie]) -> list[str]:
        """The third party's text, split at its commas."""
        return root.genre_names


@strawberry.type(description="Movies of the third-party catalogue that a user has put together. Nobody else sees it.")
class Collection(Node, row=models.Collection, prefix="col", visible_to=OWNER):
    title: str = strawberry.field(description="Its title.")
    description: str = strawberry.field(description="What its user says of it; may be empty.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(
        description="The same identity for callers of the REST collections API.",
        metadata=declare(reads=read_uuid("col")),
    )
    @staticmethod
    def uuid(root: Parent[models.Collection]) -> UUID:
        """The id, spelled as a UUID."""
        return ids.to_uuid("col", root.id)

    @strawberry.field(
        graphql_type=list[CatalogueMovie],
        description="In the order in which they were given.",
        metadata=declare(reads=ManyRows(collections.select_movies, keys=("position",))),
    )
    @staticmethod
    async def movies(root: Parent[models.Collection], info: Info) -> list[models.CollectedMovie]:
        return await collections.load_movies(info.context, root)
