"""Places, and what they show."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from resolvers import movies, sessions
from schema.connection import After, Before, Connection, First, Info, Last, given, window
from schema.inputs import FROM_START, OF_MOVIE, TO_START, MovieSort, SortBy, order
from schema.movie import Movie
from schema.node import Node, identified

if TYPE_CHECKING:
    from schema.session import Session

UNSET: Any = strawberry.UNSET


@strawberry.type(description="A cinema; each has one room.")
class Place(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.Place)

    id = identified("plc", "place")
    name: str = strawberry.field(description="What it is called.")
    address: str = strawberry.field(description="Where it is.")
    capacity: int = strawberry.field(description="Seats of its room.")

    @strawberry.field(description="Movies with a session here that is still to come or running.")
    @staticmethod
    async def movies(
        root: Parent[models.Place],
        info: Info,
        sort: SortBy = MovieSort.RATING,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Movie]:
        """One statement for all places of a list."""
        asked = window(first, after, last, before)
        return await movies.movies_of_place(  # type: ignore[return-value]  # the source
            info.context, root.id, asked, sort=order(sort)
        )

    @strawberry.field(description="Latest start first; both bounds are included.")
    @staticmethod
    async def sessions(
        root: Parent[models.Place],
        info: Info,
        movie_id: OF_MOVIE = UNSET,
        from_: FROM_START = UNSET,
        to: TO_START = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Annotated["Session", strawberry.lazy("schema.session")]]:
        """One statement for all places of a list."""
        asked = window(first, after, last, before)
        return await sessions.sessions_of_place(  # type: ignore[return-value]  # the source
            info.context, root.id, asked, movie_id=given(movie_id), starts_from=given(from_), starts_to=given(to)
        )
