"""Which answers caches on the way may keep: the catalogue as everybody sees it, and never what changes by the second."""

from collections.abc import Iterable
from typing import Final

from starlette.responses import Response

from edge import http_cache
from runtime.usage_metrics import Coordinate

VARY: Final = "Accept, Authorization, Cookie"
PRIVATE: Final = http_cache.PRIVATE
# Whoever sends one of these is somebody.
CREDENTIALS: Final = frozenset({"authorization", "cookie"})
# Whoever adds a field decides here whether a minute-old value of it is good enough. Free seats and tickets never are,
# prices say of themselves how old they are, and nothing that depends on the viewer belongs to everybody.
CATALOGUE: Final[dict[str, frozenset[str]]] = {
    "Query": frozenset({"movies", "movie", "places", "place", "sessions", "session", "genres", "node", "nodes"}),
    "Node": frozenset({"id"}),
    "Movie": frozenset(
        {
            "id",
            "title",
            "description",
            "poster",
            "duration",
            "genres",
            "airingDates",
            "rating",
            "ratingCount",
            "places",
            "sessions",
        }
    ),
    "AiringDates": frozenset({"from", "to"}),
    "Place": frozenset({"id", "name", "address", "capacity", "movies", "sessions"}),
    "Session": frozenset({"id", "startsAt", "capacity", "movie", "place"}),
    "PageInfo": frozenset({"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"}),
    **{
        f"{item}Connection": frozenset({"edges", "nodes", "pageInfo", "totalCount"})
        for item in ("Movie", "Place", "Session")
    },
    **{f"{item}Edge": frozenset({"node", "cursor"}) for item in ("Movie", "Place", "Session")},
}

# The same for what is told to everybody as it is at this moment.
EVERYBODYS: Final[dict[str, frozenset[str]]] = {
    **CATALOGUE,
    "Subscription": frozenset({"sessionChanged", "eventChanged"}),
    "Session": CATALOGUE["Session"] | {"seatsAvailable"},
    "Event": frozenset(
        {"id", "uuid", "name", "description", "date", "startsAt", "capacity", "availability", "createdAt", "updatedAt"}
    ),
}


def is_everybodys(asked: Iterable[Coordinate]) -> bool:
    """Return whether these fields are the same for everybody, all of them."""
    return all(each.field in EVERYBODYS.get(each.type, ()) for each in asked)


def is_catalogue(asked: Iterable[Coordinate]) -> bool:
    """Return whether these fields are of the catalogue, all of them."""
    return all(each.field in CATALOGUE.get(each.type, ()) for each in asked)


def make_public(response: Response, *, if_none_match: str, vary: str | None = VARY) -> Response:
    """Return the answer for caches to keep, or 304 where the client has it already."""
    tag = http_cache.hash_body(bytes(response.body))
    headers = {"Cache-Control": http_cache.PUBLIC, "ETag": tag} | ({"Vary": vary} if vary else {})
    if http_cache.matches_tag(tag, [if_none_match]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
