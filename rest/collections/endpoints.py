"""All endpoints of the collections surface (docs/contract/collections.md)."""

from typing import Any, Final

from rest.collections import accounts, catalogue, collections, request_count
from rest.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    *accounts.ENDPOINTS,
    *catalogue.ENDPOINTS,
    *collections.ENDPOINTS,
    *request_count.ENDPOINTS,
)
