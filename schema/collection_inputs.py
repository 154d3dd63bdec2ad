"""What clients may give about collections."""

from uuid import UUID

import strawberry

from domain.collection import CatalogueMovie
from resolvers import collections
from schema.inputs import field, required


@strawberry.input(description="A movie of the third-party catalogue.")
class CatalogueMovieInput:
    """See the fields."""

    uuid: UUID = required("The third party's own key; a movie that comes twice counts once.")
    title: str = required("Up to 500 characters.")
    description: str = strawberry.field(default="", description="Up to 10000 characters.")
    genres: list[str] = strawberry.field(default_factory=list, description="Without commas; 1000 characters together.")


@strawberry.input(description="A new collection.")
class CreateCollectionInput:
    """See the fields."""

    title: str = required("Up to 200 characters.")
    description: str = strawberry.field(default="", description="Up to 5000 characters.")
    movies: list[CatalogueMovieInput] = strawberry.field(default_factory=list, description="In their order.")


@strawberry.input(description="What is left out stays; `movies`, where given, replaces the list.")
class UpdateCollectionInput:
    """See the fields."""

    id: strawberry.ID = required("The collection.")
    title: str | None = field("Up to 200 characters.")
    description: str | None = field("Up to 5000 characters.")
    movies: list[CatalogueMovieInput] | None = field("All of them, in their order.")


def told(movies: list[CatalogueMovieInput]) -> list[CatalogueMovie]:
    """Return movies as the rules know them."""
    return collections.told([(movie.uuid, movie.title, movie.description, movie.genres) for movie in movies])
