"""Inputs about collections."""

from uuid import UUID

import strawberry

from schema.inputs import clearable_field, optional_field, required_field


@strawberry.input(description="A movie of the third-party catalogue.")
class CatalogueMovieInput:
    uuid: UUID = required_field("The third party's own key; a movie that comes twice counts once.")
    title: str = required_field("Up to 500 characters.")
    description: str = strawberry.field(default="", description="Up to 10000 characters.")
    genres: list[str] = strawberry.field(default_factory=list, description="Without commas; 1000 characters together.")


@strawberry.input(description="A new collection.")
class CreateCollectionInput:
    title: str = required_field("Up to 200 characters.")
    description: str = strawberry.field(default="", description="Up to 5000 characters.")
    movies: list[CatalogueMovieInput] = strawberry.field(default_factory=list, description="In their order.")


@strawberry.input(
    description="The changes of a collection. What is left out stays. `movies` replaces the list. Null clears `description` and `movies`, and is refused for `title`."
)
class UpdateCollectionInput:
    id: strawberry.ID = required_field("The collection.")
    title: str | None = optional_field("Up to 200 characters.")
    description: str | None = clearable_field("Up to 5000 characters; null removes it.", empty="")
    movies: list[CatalogueMovieInput] | None = clearable_field(
        "All of them, in their order; null removes them all.", empty=()
    )
