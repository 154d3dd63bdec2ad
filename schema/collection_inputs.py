"""Inputs about collections."""

from uuid import UUID

import strawberry

from schema.inputs import clearable, field, required


@strawberry.input(description="A movie of the third-party catalogue.")
class CatalogueMovieInput:
    uuid: UUID = required("The third party's own key; a movie that comes twice counts once.")
    title: str = required("Up to 500 characters.")
    description: str = strawberry.field(default="", description="Up to 10000 characters.")
    genres: list[str] = strawberry.field(default_factory=list, description="Without commas; 1000 characters together.")


@strawberry.input(description="A new collection.")
class CreateCollectionInput:
    title: str = required("Up to 200 characters.")
    description: str = strawberry.field(default="", description="Up to 5000 characters.")
    movies: list[CatalogueMovieInput] = strawberry.field(default_factory=list, description="In their order.")


@strawberry.input(
    description="The changes of a collection. What is left out stays. `movies` replaces the list. Null clears `description` and `movies`, and is refused for `title`."
)
class UpdateCollectionInput:
    id: strawberry.ID = required("The collection.")
    title: str | None = field("Up to 200 characters.")
    description: str | None = clearable("Up to 5000 characters; null removes it.", empty="")
    movies: list[CatalogueMovieInput] | None = clearable(
        "All of them, in their order; null removes them all.", empty=()
    )
