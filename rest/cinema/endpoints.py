"""The thirteen operations of document 000, in its order."""

from typing import Any, Final

from rest.cinema import accounts, analytics, bookings, movies
from rest.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    *accounts.ENDPOINTS,
    *analytics.ENDPOINTS,
    *movies.ENDPOINTS,
    *bookings.ENDPOINTS,
)
