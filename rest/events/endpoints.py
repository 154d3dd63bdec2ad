"""All endpoints of the events surface (docs/contract/events.md)."""

from typing import Any, Final

from rest.endpoint import Endpoint
from rest.events import events, reservations

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (*events.ENDPOINTS, *reservations.ENDPOINTS)
