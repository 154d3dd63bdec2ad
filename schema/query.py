"""What can be asked."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from resolvers import bookings, events, exports, movies, nodes, offers, page_views, places, sessions, tickets, users
from schema.booking import Booking
from schema.collection_query import CollectingQuery
from schema.connection import After, Before, Connection, First, Info, Last, given, window
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
    order,
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
class Query(CollectingQuery):
    """The root of queries."""

    @strawberry.field(description="Any object by its id; null if there is none, or if the viewer may not see it.")
    async def node(self, info: Info, id: Identity) -> Node | None:
        """Global Object Identification."""
        return await nodes.node(info.context, id)  # type: ignore[no-any-return]  # the source

    @strawberry.field(description="As many objects as ids (at most 100), in their order, null for what is not there.")
    async def nodes(self, info: Info, ids: Identities) -> list[Node | None]:
        """Global Object Identification."""
        return await nodes.nodes(info.context, ids)

    @strawberry.field(description="The signed-in user; null for an anonymous caller.")
    async def viewer(self, info: Info) -> User | None:
        """Who asks."""
        return await users.viewer(info.context)  # type: ignore[return-value]  # the source

    @strawberry.field(description="All movies.")
    async def movies(
        self,
        info: Info,
        sort: SortBy = MovieSort.RATING,
        filter: WhichMovies = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Movie] | None:
        """One statement."""
        asked = given(filter) or MovieFilter()
        return await movies.list_movies(  # type: ignore[return-value]  # the source
            info.context,
            window(first, after, last, before),
            sort=order(sort),
            search=given(asked.search),
            airing_from=given(asked.airing_from),
            place_id=given(asked.place_id),
            genre=given(asked.genre),
            genres=given(asked.genres),
        )

    @strawberry.field(description="One movie; null if there is none.")
    async def movie(self, info: Info, id: Identity) -> Movie | None:
        """By its id."""
        return await movies.movie_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="By name.")
    async def places(
        self,
        info: Info,
        filter: WhichPlaces = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Place] | None:
        """One statement."""
        asked = given(filter) or PlaceFilter()
        paged = window(first, after, last, before)
        return await places.list_places(  # type: ignore[return-value]  # the source
            info.context, paged, search=given(asked.search)
        )

    @strawberry.field(description="One place; null if there is none.")
    async def place(self, info: Info, id: Identity) -> Place | None:
        """By its id."""
        return await places.place_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(
        description="Every genre that a movie has, in alphabetical order: what `movies(filter:)` can choose from."
    )
    async def genres(self, info: Info) -> list[str] | None:
        return await movies.list_genres(info.context)

    @strawberry.field(
        description="All sessions, of one place or movie if named. Latest start first; both bounds are included."
    )
    async def sessions(
        self,
        info: Info,
        place_id: AT_PLACE = UNSET,
        movie_id: OF_MOVIE = UNSET,
        from_: FROM_START = UNSET,
        to: TO_START = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Session] | None:
        return await sessions.list_sessions(  # type: ignore[return-value]  # the source
            info.context,
            window(first, after, last, before),
            movie_id=given(movie_id),
            place_id=given(place_id),
            starts_from=given(from_),
            starts_to=given(to),
        )

    @strawberry.field(description="One session; null if there is none.")
    async def session(self, info: Info, id: Identity) -> Session | None:
        """By its id."""
        return await sessions.session_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="One of the viewer's bookings; null if there is none.")
    async def booking(self, info: Info, id: Identity) -> Booking | None:
        """By its id."""
        return await bookings.booking_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="Earliest date first.")
    async def events(
        self,
        info: Info,
        filter: WhichEvents = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Event] | None:
        """One statement."""
        asked = given(filter) or EventFilter()
        return await events.list_events(  # type: ignore[return-value]  # the source
            info.context,
            window(first, after, last, before),
            search=given(asked.search),
            date_from=given(asked.from_),
            date_to=given(asked.to),
            available_only=asked.available_only,
        )

    @strawberry.field(description="One event; null if there is none.")
    async def event(self, info: Info, id: Identity) -> Event | None:
        """By its id."""
        return await events.event_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="A show sold at the counter, by id or by its exact time; null if there is none.")
    async def show(self, info: Info, id: ShowIdentity = UNSET, show_timing: ShowTiming = UNSET) -> Show | None:
        """One of both, or both where they agree."""
        return await tickets.find_show(  # type: ignore[return-value]  # the source
            info.context, given(id), given(show_timing)
        )

    @strawberry.field(
        description="A counter ticket. Staff only: it holds a person's name and telephone number. Null if there is none."
    )
    async def ticket(self, info: Info, id: Identity) -> Ticket | None:
        """By its id."""
        return await tickets.ticket_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(
        description="Every movie that the price providers sell, with every provider's price and the cheapest of them. By "
        "title."
    )
    async def offers(
        self,
        info: Info,
        search: WhichTitles = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[MovieOffer] | None:
        """From the database, once the prices in there are fresh, or known to be stale."""
        asked = window(first, after, last, before)
        return await offers.list_offers(info.context, asked, search=given(search))  # type: ignore[return-value]

    @strawberry.field(description="One movie that is sold; null if there is none.")
    async def movie_offer(self, info: Info, id: Identity) -> MovieOffer | None:
        """By its id."""
        return await offers.offer_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="The price providers, and how they do at this moment.")
    async def providers(self, info: Info) -> list[ProviderStatus] | None:
        """They are asked, unless they have just been."""
        return await offers.providers(info.context)  # type: ignore[return-value]  # the sources

    @strawberry.field(description="One of the viewer's exports, any for staff; null if there is none.")
    async def movie_export(self, info: Info, id: Identity) -> MovieExport | None:
        """By its id."""
        return await exports.export_by_id(info.context, id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="Page views, newest first. Staff only.")
    async def page_views(
        self,
        info: Info,
        filter: WhichPageViews = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[PageView] | None:
        """One statement."""
        asked = given(filter) or PageViewFilter()
        return await page_views.list_page_views(  # type: ignore[return-value]  # the source
            info.context,
            window(first, after, last, before),
            tracking_id=given(asked.tracking_id),
            user_id=given(asked.user_id),
            path=given(asked.path),
            occurred_from=given(asked.from_),
            occurred_to=given(asked.to),
        )
