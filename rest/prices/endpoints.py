"""The operations of document 004."""

from typing import Any, Final

from rest.endpoint import Endpoint
from rest.prices import exports, offers

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (*offers.ENDPOINTS, *exports.ENDPOINTS)
