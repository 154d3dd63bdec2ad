"""All endpoints of the prices surface (docs/contract/prices.md)."""

from typing import Any, Final

from rest.endpoint import Endpoint
from rest.prices import exports, offers

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (*offers.ENDPOINTS, *exports.ENDPOINTS)
