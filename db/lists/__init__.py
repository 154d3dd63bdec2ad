"""Every list, defined once: GraphQL, REST and nested lists all run these statements through db/paging.py."""

from db.lists.bookings import list_bookings
from db.lists.collections import list_collections
from db.lists.events import list_event_reservations, list_events, list_events_by_age, list_open_event_reservations
from db.lists.offers import list_offers
from db.lists.page_views import list_page_views
from db.lists.programme import (
    MovieSort,
    list_movies,
    list_movies_of_place,
    list_places,
    list_places_of_movie,
    list_sessions,
)
from db.lists.tickets import list_tickets

__all__ = [
    "MovieSort",
    "list_bookings",
    "list_collections",
    "list_event_reservations",
    "list_events",
    "list_events_by_age",
    "list_movies",
    "list_movies_of_place",
    "list_offers",
    "list_open_event_reservations",
    "list_page_views",
    "list_places",
    "list_places_of_movie",
    "list_sessions",
    "list_tickets",
]
