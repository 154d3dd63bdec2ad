"""The queries."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import models
from db.paging import Page, Window
from domain import collection, offer
from resolvers import (
    bookings,
    catalogue,
    events,
    exports,
    movies,
    nodes,
    offers,
    page_views,
    places,
    request_count,
    sessions,
    tickets,
    users,
)
from resolvers.changes import drop_unset
from resolvers.connection_field import connection
from resolvers.field_metadata import PUBLIC, declare
from resolvers.planned_reads import ListPage, NodeRow, ViewerRow, find_by_id, find_own_by_id
from resolvers.upstream_pages import UpstreamPage
from schema.booking import Booking
from schema.collection import CatalogueMovie
from schema.connection import After, Connection, First, Info
from schema.event import Event
from schema.event_inputs import EventFilter
from schema.export import MovieExport
from schema.inputs import (
    AT_PLACE,
    FROM_START,
    OF_MOVIE,
    TO_START,
    MovieFilter,
    MovieSort,
    PageViewFilter,
    PlaceFilter,
    SortBy,
    read_order,
)
from schema.movie import Movie
from schema.node import Node
from schema.offer import MovieOffer, ProviderStatus
from schema.page_view import PageView
from schema.place import Place
from schema.session import Session
from schema.show import Show, Ticket
from schema.user import User

UNSET: Any = strawberry.UNSET

Identity = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
Identities = Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
WhichMovies = Annotated[MovieFilter | None, strawberry.argument(description="Only those that match.")]
WhichTitles = Annotated[str | None, strawberry.argument(description="Words of the title; a typing error is forgiven.")]
WhichPlaces = Annotated[PlaceFilter | None, strawberry.argument(description="Only those that match.")]
WhichEvents = Annotated[EventFilter | None, strawberry.argument(description="Only those that match.")]
ShowIdentity = Annotated[strawberry.ID | None, strawberry.argument(description="Its id.")]
ShowTiming = Annotated[datetime | None, strawberry.argument(description="When it begins.")]
WhichPageViews = Annotated[PageViewFilter | None, strawberry.argument(description="Only those that match.")]


@strawberry.type(description="What can be asked. Siblings are answered side by side.")
class Query:
    """The root of queries."""

    @strawberry.field(
        description="Any object by its id; null if there is none, or if the viewer may not see it.",
        metadata=declare(cache=PUBLIC, reads=NodeRow()),
    )
    async def node(self, info: Info, id: Identity) -> Node | None:
        return await nodes.find_node(info.context, id)  # type: ignore[no-any-return]  # a row of any kind

    @strawberry.field(
        description="As many objects as ids (at most 100), in their order, null for what is not there.",
        metadata=declare(cache=PUBLIC, reads=NodeRow(is_list=True)),
    )
    async def nodes(self, info: Info, ids: Identities) -> list[Node | None]:
        return await nodes.find_nodes(info.context, ids)

    @strawberry.field(
        graphql_type=User | None,
        description="The signed-in user; null for an anonymous caller.",
        metadata=declare(reads=ViewerRow()),
    )
    async def viewer(self, info: Info) -> models.User | None:
        return await users.find_viewer(info.context)

    @connection(
        Connection[Movie] | None,
        description="All movies.",
        metadata=declare(cache=PUBLIC, reads=ListPage(movies.bind_movies)),
    )
    async def movies(
        self,
        info: Info,
        page: Window,
        sort: SortBy = MovieSort.RATING,
        filter: WhichMovies = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or MovieFilter()
        return await movies.list_movies(
            info.context,
            page,
            sort=read_order(sort),
            search=drop_unset(wanted.search),
            airing_from=drop_unset(wanted.airing_from),
            place_id=drop_unset(wanted.place_id),
            genre=drop_unset(wanted.genre),
            genres=drop_unset(wanted.genres),
        )

    @strawberry.field(
        graphql_type=Movie | None,
        description="One movie; null if there is none.",
        metadata=declare(cache=PUBLIC, reads=find_by_id(models.Movie, "mov")),
    )
    async def movie(self, info: Info, id: Identity) -> models.Movie | None:
        return await movies.movie_by_id(info.context, id)

    @connection(
        Connection[Place] | None,
        description="By name.",
        metadata=declare(cache=PUBLIC, reads=ListPage(places.bind_places)),
    )
    async def places(
        self,
        info: Info,
        page: Window,
        filter: WhichPlaces = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or PlaceFilter()
        return await places.list_places(info.context, page, search=drop_unset(wanted.search))

    @strawberry.field(
        graphql_type=Place | None,
        description="One place; null if there is none.",
        metadata=declare(cache=PUBLIC, reads=find_by_id(models.Place, "plc")),
    )
    async def place(self, info: Info, id: Identity) -> models.Place | None:
        return await places.place_by_id(info.context, id)

    @strawberry.field(
        description="Every genre that a movie has, in alphabetical order: what `movies(filter:)` can choose from.",
        metadata=declare(cache=PUBLIC),
    )
    async def genres(self, info: Info) -> list[str] | None:
        return await movies.list_genres(info.context)

    @connection(
        Connection[Session] | None,
        description="All sessions, of one place or movie if named. Latest start first; both bounds are included.",
        metadata=declare(cache=PUBLIC, reads=ListPage(sessions.bind_sessions)),
    )
    async def sessions(
        self,
        info: Info,
        page: Window,
        place_id: AT_PLACE = UNSET,
        movie_id: OF_MOVIE = UNSET,
        from_: FROM_START = UNSET,
        to: TO_START = UNSET,
    ) -> Page[Any]:
        return await sessions.list_sessions(
            info.context,
            page,
            sessions.SessionFilter(
                movie_id=drop_unset(movie_id),
                place_id=drop_unset(place_id),
                starts_from=drop_unset(from_),
                starts_to=drop_unset(to),
            ),
        )

    @strawberry.field(
        graphql_type=Session | None,
        description="One session; null if there is none.",
        metadata=declare(cache=PUBLIC, reads=find_by_id(models.Session, "ses")),
    )
    async def session(self, info: Info, id: Identity) -> models.Session | None:
        return await sessions.session_by_id(info.context, id)

    @strawberry.field(
        graphql_type=Booking | None,
        description="One of the viewer's bookings; null if there is none.",
        metadata=declare(reads=find_own_by_id(models.Booking, "bok")),
    )
    async def booking(self, info: Info, id: Identity) -> models.Booking | None:
        return await bookings.booking_by_id(info.context, id)

    @connection(
        Connection[Event] | None,
        description="Earliest date first.",
        metadata=declare(reads=ListPage(events.bind_events)),
    )
    async def events(
        self,
        info: Info,
        page: Window,
        filter: WhichEvents = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or EventFilter()
        return await events.list_events(
            info.context,
            page,
            search=drop_unset(wanted.search),
            date_from=drop_unset(wanted.from_),
            date_to=drop_unset(wanted.to),
            available_only=wanted.available_only,
        )

    @strawberry.field(
        graphql_type=Event | None,
        description="One event; null if there is none.",
        metadata=declare(reads=find_by_id(models.Event, "evt")),
    )
    async def event(self, info: Info, id: Identity) -> models.Event | None:
        return await events.event_by_id(info.context, id)

    @strawberry.field(
        graphql_type=Show | None,
        description="A show sold at the counter, by id or by its exact time; null if there is none.",
    )
    async def show(self, info: Info, id: ShowIdentity = UNSET, show_timing: ShowTiming = UNSET) -> models.Show | None:
        return await tickets.find_show(info.context, drop_unset(id), drop_unset(show_timing))

    @strawberry.field(
        graphql_type=Ticket | None,
        description="A counter ticket. Staff only: it holds a person's name and telephone number. Null if there is none.",
        metadata=declare(reads=find_by_id(models.Ticket, "tkt", for_staff=True)),
    )
    async def ticket(self, info: Info, id: Identity) -> models.Ticket | None:
        return await tickets.ticket_by_id(info.context, id)

    @connection(
        Connection[MovieOffer] | None,
        description="Every movie that the price providers sell, with every provider's price and the cheapest of them. By "
        "title.",
    )
    async def offers(
        self,
        info: Info,
        page: Window,
        search: WhichTitles = UNSET,
    ) -> Page[Any]:
        return await offers.list_offers(info.context, page, search=drop_unset(search))

    @strawberry.field(graphql_type=MovieOffer | None, description="One movie that is sold; null if there is none.")
    async def movie_offer(self, info: Info, id: Identity) -> models.MovieOffer | None:
        return await offers.offer_by_id(info.context, id)

    @strawberry.field(
        graphql_type=list[ProviderStatus] | None, description="The price providers, and how they do at this moment."
    )
    async def providers(self, info: Info) -> list[offer.Standing]:
        return await offers.list_providers(info.context)

    @strawberry.field(
        graphql_type=MovieExport | None,
        description="One of the viewer's exports, any for staff; null if there is none.",
    )
    async def movie_export(self, info: Info, id: Identity) -> models.MovieExport | None:
        return await exports.export_by_id(info.context, id)

    @connection(
        Connection[PageView] | None,
        description="Page views, newest first. Staff only.",
        metadata=declare(reads=ListPage(page_views.bind_page_views, for_staff=True)),
    )
    async def page_views(
        self,
        info: Info,
        page: Window,
        filter: WhichPageViews = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or PageViewFilter()
        return await page_views.list_page_views(
            info.context,
            page,
            tracking_id=drop_unset(wanted.tracking_id),
            user_id=drop_unset(wanted.user_id),
            path=drop_unset(wanted.path),
            occurred_from=drop_unset(wanted.from_),
            occurred_to=drop_unset(wanted.to),
        )

    @strawberry.field(
        graphql_type=Connection[CatalogueMovie] | None,
        description="The third-party movie catalogue, fetched live from its own API and never from this database. "
        "For signed-in callers. Forwards only; `totalCount` is the API's own count.",
    )
    async def catalogue(
        self, info: Info, first: First = UNSET, after: After = UNSET
    ) -> UpstreamPage[collection.CatalogueMovie]:
        return await catalogue.list_catalogue(info.context, first=drop_unset(first), after=drop_unset(after))

    @strawberry.field(description="Requests served since the last reset. For signed-in callers.")
    async def request_count(self, info: Info) -> int | None:
        return await request_count.read_count(info.context)
