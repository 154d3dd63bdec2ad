"""Movies, and where and when they are shown."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from db.paging import Page, Window
from domain.session_days import MOST_DAYS
from edge import addresses
from resolvers import movies, places, sessions
from resolvers.changes import drop_unset
from resolvers.connection_field import connection
from resolvers.field_metadata import PUBLIC, declare
from resolvers.planned_reads import EVERYBODY, ListPage, OneRow, SameRow, SqlValue, read_column
from schema.connection import Connection, Info
from schema.inputs import AT_PLACE, DAYS_FROM, FIRST_DAYS, FROM_START, TO_START
from schema.node import Node

if TYPE_CHECKING:
    from schema.place import Place
    from schema.rating import Rating
    from schema.session import Session

UNSET: Any = strawberry.UNSET


@strawberry.type(description="The first and the last day of a movie.")
class AiringDates:
    """The source is a movie."""

    @strawberry.field(
        name="from",
        description="When its first session starts.",
        metadata=declare(cache=PUBLIC, reads=read_column("airing_from")),
    )
    @staticmethod
    def first(root: Parent[models.Movie]) -> datetime:
        """A trigger of the database keeps it up to date."""
        return root.airing_from  # type: ignore[return-value]  # there is no AiringDates without

    @strawberry.field(
        name="to",
        description="When its last session starts.",
        metadata=declare(cache=PUBLIC, reads=read_column("airing_to")),
    )
    @staticmethod
    def last(root: Parent[models.Movie]) -> datetime:
        """A trigger of the database keeps it up to date."""
        return root.airing_to  # type: ignore[return-value]  # there is no AiringDates without


@strawberry.type(description="A film.")
class Movie(Node, row=models.Movie, prefix="mov", visible_to=EVERYBODY):
    title: str = strawberry.field(description="What it is called.", metadata=declare(cache=PUBLIC))
    description: str = strawberry.field(description="What it is about.", metadata=declare(cache=PUBLIC))
    duration: int = strawberry.field(description="Minutes.", metadata=declare(cache=PUBLIC))
    genres: list[str] = strawberry.field(description="What kind of film it is.", metadata=declare(cache=PUBLIC))
    rating: float | None = strawberry.field(
        description="Mean of all ratings, 0 to 5; null until the first.", metadata=declare(cache=PUBLIC)
    )
    rating_count: int = strawberry.field(description="How many users have rated it.", metadata=declare(cache=PUBLIC))

    @strawberry.field(
        description="Address of the poster image.", metadata=declare(cache=PUBLIC, reads=SqlValue(movies.write_poster))
    )
    @staticmethod
    def poster(root: Parent[models.Movie], info: Info) -> str:
        """Absolute, because clients on other sites read it."""
        return addresses.make_absolute(root.poster, base=info.context.base)

    @strawberry.field(
        description="First and last session's start, both included; null while there is none.",
        metadata=declare(cache=PUBLIC, reads=SameRow(unless_null="airing_from")),
    )
    @staticmethod
    def airing_dates(root: Parent[models.Movie]) -> AiringDates | None:
        """The movie itself."""
        return None if root.airing_from is None else root  # type: ignore[return-value]  # the source

    @strawberry.field(
        graphql_type=Annotated["Rating", strawberry.lazy("schema.rating")] | None,
        description="What the signed-in viewer gave it.",
        metadata=declare(reads=OneRow(movies.select_viewer_rating, of_viewer=True)),
    )
    @staticmethod
    async def viewer_rating(root: Parent[models.Movie], info: Info) -> models.Rating | None:
        return await movies.find_viewer_rating(info.context, root.id)

    @connection(
        Connection[Annotated["Place", strawberry.lazy("schema.place")]],
        description="Places with a session of this movie that is still to come or running, by name.",
        metadata=declare(cache=PUBLIC, reads=ListPage(places.bind_places_of_movie)),
    )
    @staticmethod
    async def places(
        root: Parent[models.Movie],
        info: Info,
        page: Window,
    ) -> Page[Any]:
        return await places.list_places_of_movie(info.context, root.id, page)

    @strawberry.field(
        description="Start of the first session of each day that has one, earliest first. A day is one of the cinema's "
        "timezone. For more than `first` days ask again `from` the end of the last one."
    )
    @staticmethod
    async def session_days(
        root: Parent[models.Movie],
        info: Info,
        place_id: AT_PLACE = UNSET,
        from_: DAYS_FROM = UNSET,
        first: FIRST_DAYS = MOST_DAYS,
    ) -> list[datetime]:
        """One statement for all movies of a list."""
        return await sessions.list_session_days(
            info.context, root.id, place_id=drop_unset(place_id), starts_from=drop_unset(from_), first=first
        )

    @connection(
        Connection[Annotated["Session", strawberry.lazy("schema.session")]],
        description="Latest start first; both bounds are included.",
        metadata=declare(cache=PUBLIC, reads=ListPage(sessions.bind_sessions_of_movie)),
    )
    @staticmethod
    async def sessions(
        root: Parent[models.Movie],
        info: Info,
        page: Window,
        place_id: AT_PLACE = UNSET,
        from_: FROM_START = UNSET,
        to: TO_START = UNSET,
    ) -> Page[Any]:
        return await sessions.list_sessions_of_movie(
            info.context,
            root.id,
            page,
            sessions.SessionFilter(
                place_id=drop_unset(place_id), starts_from=drop_unset(from_), starts_to=drop_unset(to)
            ),
        )
