"""The ten operations of document 001."""

from typing import Any, Final

from rest.endpoint import Endpoint
from rest.events import events, reservations

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (*events.ENDPOINTS, *reservations.ENDPOINTS)
