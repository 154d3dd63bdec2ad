"""The tables and their rows: a file for each noun."""

from sqlalchemy.orm import configure_mappers

from db.models.booking import Booking, BookingStatus, SeatReservation
from db.models.collection import CollectedMovie, Collection
from db.models.columns import CODEPOINTS, find_table
from db.models.event import Event, EventReservation
from db.models.export import ExportStatus, MovieExport
from db.models.idempotency_key import IdempotencyKey
from db.models.movie import FAR_AHEAD, LONG_AGO, Movie
from db.models.offer import MovieOffer, PriceProvider, ProviderMovie
from db.models.page_view import PageEventType, PageView
from db.models.place import Place
from db.models.rating import Rating
from db.models.request_count import RequestCount, RequestCountReset
from db.models.session import Airing, Session
from db.models.show import SHOW_CAPACITY, SHOW_HOURS, SHOW_LIFE, Show, Ticket
from db.models.trusted_document import TrustedDocument
from db.models.user import User

__all__ = [
    "CODEPOINTS",
    "FAR_AHEAD",
    "LONG_AGO",
    "SHOW_CAPACITY",
    "SHOW_HOURS",
    "SHOW_LIFE",
    "Airing",
    "Booking",
    "BookingStatus",
    "CollectedMovie",
    "Collection",
    "Event",
    "EventReservation",
    "ExportStatus",
    "IdempotencyKey",
    "Movie",
    "MovieExport",
    "MovieOffer",
    "PageEventType",
    "PageView",
    "Place",
    "PriceProvider",
    "ProviderMovie",
    "Rating",
    "RequestCount",
    "RequestCountReset",
    "SeatReservation",
    "Session",
    "Show",
    "Ticket",
    "TrustedDocument",
    "User",
    "find_table",
]

# Rows are made without a session of SQLAlchemy, whose first use would otherwise configure the mappers.
configure_mappers()
