"""All endpoints of the cinema surface (docs/contract/cinema.md)."""

from typing import Any, Final

from rest.cinema import accounts, analytics, bookings, movies
from rest.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    *accounts.ENDPOINTS,
    *analytics.ENDPOINTS,
    *movies.ENDPOINTS,
    *bookings.ENDPOINTS,
)
