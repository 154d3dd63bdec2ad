"""Places, and what they show."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from db.paging import Page, Window
from resolvers import movies, sessions
from resolvers.changes import drop_unset
from resolvers.connection_field import connection
from resolvers.field_metadata import PUBLIC, declare
from resolvers.planned_reads import EVERYBODY, ListPage
from schema.connection import Connection, Info
from schema.inputs import FROM_START, OF_MOVIE, TO_START, MovieSort, SortBy, read_order
from schema.movie import Movie
from schema.node import Node

if TYPE_CHECKING:
    from schema.session import Session

UNSET: Any = strawberry.UNSET


@strawberry.type(description="A cinema; each has one room.")
class Place(Node, row=models.Place, prefix="plc", visible_to=EVERYBODY):
    name: str = strawberry.field(description="What it is called.", metadata=declare(cache=PUBLIC))
    address: str = strawberry.field(description="Where it is.", metadata=declare(cache=PUBLIC))
    capacity: int = strawberry.field(description="Seats of its room.", metadata=declare(cache=PUBLIC))

    @connection(
        Connection[Movie],
        description="Movies with a session here that is still to come or running.",
        metadata=declare(cache=PUBLIC, reads=ListPage(movies.bind_movies_of_place)),
    )
    @staticmethod
    async def movies(
        root: Parent[models.Place],
        info: Info,
        page: Window,
        sort: SortBy = MovieSort.RATING,
    ) -> Page[Any]:
        return await movies.list_movies_of_place(info.context, root.id, page, sort=read_order(sort))

    @connection(
        Connection[Annotated["Session", strawberry.lazy("schema.session")]],
        description="Latest start first; both bounds are included.",
        metadata=declare(cache=PUBLIC, reads=ListPage(sessions.bind_sessions_of_place)),
    )
    @staticmethod
    async def sessions(
        root: Parent[models.Place],
        info: Info,
        page: Window,
        movie_id: OF_MOVIE = UNSET,
        from_: FROM_START = UNSET,
        to: TO_START = UNSET,
    ) -> Page[Any]:
        return await sessions.list_sessions_of_place(
            info.context,
            root.id,
            page,
            sessions.SessionFilter(
                movie_id=drop_unset(movie_id), starts_from=drop_unset(from_), starts_to=drop_unset(to)
            ),
        )
