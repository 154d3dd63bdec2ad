"""Plain fields are read straight from their source; all others keep Strawberry's way."""

import asyncio
from collections.abc import Iterator

from graphql import GraphQLObjectType

from db.models import Movie
from graphql_server import plain_fields
from graphql_server.executable_schema import SCHEMA
from graphql_server.plain_fields import is_awaitable

# What needs more than its source: the request, or arguments.
LONG = {
    *("Booking.movie", "Booking.place", "Booking.reservations", "Booking.session"),
    *(
        "Movie.places",
        "Movie.poster",
        "Movie.sessionDays",
        "Movie.sessions",
        "ProviderPrice.currency",
        "Movie.viewerRating",
    ),
    *("PageView.user", "Place.movies", "Place.sessions", "Rating.movie"),
    *("Session.movie", "Session.place", "Session.seatsAvailable", "User.bookings"),
    *("Collection.movies", "User.collections", "User.favouriteGenres"),
    *("MovieExport.downloadUrl", "MovieOffer.cheapest", "MovieOffer.prices"),
    *("EventReservation.event", "Show.tickets", "Ticket.show", "Ticket.expiresAt", "User.eventReservations"),
}
ROOTS = ("Query", "Mutation", "Subscription")


def fields() -> Iterator[tuple[str, str]]:
    """Yield every field below the roots, and the module of what resolves it."""
    for name, found in SCHEMA._schema.type_map.items():  # noqa: SLF001
        if isinstance(found, GraphQLObjectType) and not name.startswith("__") and name not in ROOTS:
            for field, facts in found.fields.items():
                yield f"{name}.{field}", facts.resolve.__module__ if facts.resolve else ""


def test_all_but_a_few_fields_take_the_short_way() -> None:
    long = {name for name, module in fields() if module != plain_fields.__name__}
    assert {name for name in long if not name.endswith("Connection.totalCount")} == LONG


async def test_what_can_be_awaited_is_told_by_its_type() -> None:
    async def nothing() -> None:
        """Do nothing."""

    coroutine, task = nothing(), asyncio.ensure_future(nothing())
    assert is_awaitable(coroutine)
    assert is_awaitable(task)
    await asyncio.gather(coroutine, task)
    values: tuple[object, ...] = (None, 1, "a", [], {}, Movie.model_construct(), nothing, iter(()))
    assert not any(map(is_awaitable, values))


def test_a_value_is_not_asked_for_what_it_does_not_have() -> None:
    class Row:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    assert not is_awaitable(Row())
