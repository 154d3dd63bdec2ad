"""Tells whether a page of the storefront has something to show, so that the page of a missing object has status 404."""

from collections.abc import Mapping
from typing import Final

import psycopg
from starlette.requests import Request

from db import ids
from edge.services import Services

# By path, the kind of the id in a page's address, and the query for its row. Bookings and collections have none: whether one
# exists is for its owner alone.
IDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "/film": ("mov", "SELECT EXISTS (SELECT FROM movies WHERE id = %(id)s)"),
    "/book": ("ses", "SELECT EXISTS (SELECT FROM sessions WHERE id = %(id)s)"),
    "/tickets": ("evt", "SELECT EXISTS (SELECT FROM events WHERE id = %(id)s AND deleted_at IS NULL)"),
    "/booking": ("bok", None),
    "/my/collections": ("col", None),
}


async def page_exists(request: Request) -> bool:
    """Return whether the id in the address, if there is one, is that of an object that may be shown."""
    identity, path = request.path_params.get("id"), request.scope["path"].rpartition("/")[0]
    if identity is None:
        return True
    prefix, query = IDS[path]
    snowflake = ids.decode(prefix, identity)
    if snowflake is None or query is None:
        return snowflake is not None
    services: Services = request.state.services
    try:
        return bool(await services.database.primary.value(query, id=snowflake))
    except psycopg.OperationalError:
        # The page itself shows that the cinema cannot be reached, and tries again.
        return True
