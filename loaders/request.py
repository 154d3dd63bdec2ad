"""The loaders of one request, made inside its event loop and renewed after each mutation."""

from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any, Final, TypeVar

from aiodataloader import DataLoader
from sqlmodel import SQLModel

from db.engine import Database, StatementRunner
from db.models import (
    Booking,
    CollectedMovie,
    Collection,
    Event,
    EventReservation,
    Movie,
    MovieOffer,
    PageView,
    Place,
    Rating,
    SeatReservation,
    Session,
    Show,
    Ticket,
    User,
)
from db.paging import Page
from loaders.by_booking import reservations_by_booking
from loaders.by_collection import movies_by_collection
from loaders.by_id import row_by_id
from loaders.by_movie import rating_by_movie
from loaders.by_parent import ListKey, PageKey, count_by_parent, page_by_parent
from loaders.by_session import seats_available_by_session
from loaders.shielded import ShieldedLoader

# Models whose rows may be read from a standby.
PROGRAMME_MODELS: Final = (Movie, Place, Session)
T = TypeVar("T")


class Loaders:
    """The loaders of one request. The programme may come from a standby; bookings and other private rows never do."""

    def __init__(self, database: Database, programme: StatementRunner) -> None:
        """Read movies, places and the schedule from `programme`, everything else from the primary."""
        self._database = database
        self._programme = programme
        self._batched: dict[str, DataLoader[int, Any]] = {}
        self._ratings: dict[int, DataLoader[int, Rating | None]] = {}
        self._counts: dict[type[SQLModel], DataLoader[ListKey, int]] = {}

    @cached_property
    def movie_by_id(self) -> DataLoader[int, Movie | None]:
        """Movies."""
        return row_by_id(self._programme, Movie, newest=self._database.primary)

    @cached_property
    def place_by_id(self) -> DataLoader[int, Place | None]:
        """Places."""
        return row_by_id(self._programme, Place, newest=self._database.primary)

    @cached_property
    def session_by_id(self) -> DataLoader[int, Session | None]:
        """Sessions."""
        return row_by_id(self._programme, Session, newest=self._database.primary)

    @cached_property
    def user_by_id(self) -> DataLoader[int, User | None]:
        """Accounts."""
        return row_by_id(self._database.primary, User)

    @cached_property
    def booking_by_id(self) -> DataLoader[int, Booking | None]:
        """Bookings of all users: the resolver decides who sees them."""
        return row_by_id(self._database.primary, Booking)

    @cached_property
    def rating_by_id(self) -> DataLoader[int, Rating | None]:
        """Ratings."""
        return row_by_id(self._database.primary, Rating)

    @cached_property
    def seat_reservation_by_id(self) -> DataLoader[int, SeatReservation | None]:
        """Changes of bookings' seats."""
        return row_by_id(self._database.primary, SeatReservation)

    @cached_property
    def page_view_by_id(self) -> DataLoader[int, PageView | None]:
        """Page views."""
        return row_by_id(self._database.primary, PageView)

    @cached_property
    def collection_by_id(self) -> DataLoader[int, Collection | None]:
        """Collections of all users: the resolver decides who sees them."""
        return row_by_id(self._database.primary, Collection)

    @cached_property
    def movies_by_collection(self) -> DataLoader[int, list[CollectedMovie]]:
        """Movies of collections."""
        return movies_by_collection(self._database.primary)

    @cached_property
    def event_by_id(self) -> DataLoader[int, Event | None]:
        """Events, always from the primary, because they have the number of free tickets."""
        return row_by_id(self._database.primary, Event)

    @cached_property
    def event_of_reservation(self) -> DataLoader[int, Event | None]:
        """Events of reservations, deleted ones too."""
        return row_by_id(self._database.primary, Event, hidden_too=True)

    @cached_property
    def event_reservation_by_id(self) -> DataLoader[int, EventReservation | None]:
        """Reservations of all users: the resolver decides who sees them."""
        return row_by_id(self._database.primary, EventReservation)

    @cached_property
    def show_by_id(self) -> DataLoader[int, Show | None]:
        """Shows, until eight hours after their start."""
        return row_by_id(self._database.primary, Show)

    @cached_property
    def show_of_ticket(self) -> DataLoader[int, Show | None]:
        """Shows of tickets, expired ones too."""
        return row_by_id(self._database.primary, Show, hidden_too=True)

    @cached_property
    def ticket_by_id(self) -> DataLoader[int, Ticket | None]:
        """Counter tickets: the resolver decides who sees them."""
        return row_by_id(self._database.primary, Ticket)

    @cached_property
    def seats_available_by_session(self) -> DataLoader[int, int]:
        """Free seats."""
        return seats_available_by_session(self._database.primary)

    @cached_property
    def reservations_by_booking(self) -> DataLoader[int, list[SeatReservation]]:
        """Changes of seats, by booking."""
        return reservations_by_booking(self._database.primary)

    @cached_property
    def programme_page(self) -> DataLoader[PageKey, Page[Any]]:
        """Pages of movies, places and sessions."""
        return page_by_parent(self._programme, self._database.cursors)

    @cached_property
    def private_page(self) -> DataLoader[PageKey, Page[Any]]:
        """Pages of private rows."""
        return page_by_parent(self._database.primary, self._database.cursors)

    def source_of(self, model: type[SQLModel]) -> StatementRunner:
        """Return the source of lists of these rows."""
        return self._programme if model in PROGRAMME_MODELS else self._database.primary

    def count(self, model: type[SQLModel]) -> DataLoader[ListKey, int]:
        """Return the loader of total counts of the model's lists."""
        if model not in self._counts:
            self._counts[model] = count_by_parent(self.source_of(model))
        return self._counts[model]

    @cached_property
    def offer_by_id(self) -> DataLoader[int, MovieOffer | None]:
        """Offers."""
        return row_by_id(self._database.primary, MovieOffer)

    def batch(self, name: str, load: Callable[[list[int]], Coroutine[Any, Any, list[T]]]) -> DataLoader[int, T]:
        """Return a loader that batches a resolver's own read; `name` identifies it."""
        if name not in self._batched:
            self._batched[name] = ShieldedLoader(load)
        return self._batched[name]

    def rating_by_movie(self, user_id: int) -> DataLoader[int, Rating | None]:
        """Return the loader of one user's ratings by movie."""
        if user_id not in self._ratings:
            self._ratings[user_id] = rating_by_movie(self._database.primary, user_id=user_id)
        return self._ratings[user_id]
