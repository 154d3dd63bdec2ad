"""Every operation of every REST surface."""

from typing import Any, Final

from rest.cinema import endpoints as cinema
from rest.collections import endpoints as collections
from rest.counter import endpoints as counter
from rest.endpoint import Endpoint
from rest.events import endpoints as events
from rest.prices import endpoints as prices

ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    *cinema.ENDPOINTS,
    *events.ENDPOINTS,
    *counter.ENDPOINTS,
    *collections.ENDPOINTS,
    *prices.ENDPOINTS,
)
