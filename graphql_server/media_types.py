"""Which media type a request is answered in (RFC 9110, section 12.5.1; GraphQL over HTTP, section 6.1)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"
EVENTS: Final = "text/event-stream"
ANYTHING: Final = "*/*"


@lru_cache(maxsize=256)
def negotiated(accept: str) -> str | None:
    """Return the media type for an `Accept`, None where neither of ours is taken.

    GraphQL's own where the client knows it and likes it as well; plain JSON for one that takes anything.
    """
    ranges = weighed(accept)
    own, plain = ranges.get(GRAPHQL_JSON, 0.0), weight(JSON, ranges)
    if own and own >= plain:
        return GRAPHQL_JSON
    if plain:
        return JSON
    return GRAPHQL_JSON if weight(GRAPHQL_JSON, ranges) else None


@lru_cache(maxsize=256)
def wants_page(accept: str) -> bool:
    """Return whether a browser asks: for HTML by name, and rather than for JSON."""
    ranges = weighed(accept)
    return ranges.get(HTML, 0.0) > max(weight(JSON, ranges), weight(GRAPHQL_JSON, ranges))


@lru_cache(maxsize=256)
def wants_events(accept: str) -> bool:
    """Return whether results are to come one after the other: by name, and not liked less than one answer."""
    ranges = weighed(accept)
    liked = ranges.get(EVENTS, 0.0)
    return liked > 0 and liked >= max(ranges.get(JSON, 0.0), ranges.get(GRAPHQL_JSON, 0.0))


def weight(media_type: str, ranges: Mapping[str, float]) -> float:
    """Return how much a media type is liked, 0 to 1: the range that names it best decides."""
    kind, _, _ = media_type.partition("/")
    return next((ranges[name] for name in (media_type, f"{kind}/*", ANYTHING) if name in ranges), 0.0)


def weighed(accept: str) -> dict[str, float]:
    """Return the media ranges of an `Accept` with their weights; without any, everything is taken."""
    ranges: dict[str, float] = {}
    for given in accept.lower().split(","):
        name, *parameters = (part.strip() for part in given.split(";"))
        if name:
            ranges[name] = max(ranges.get(name, 0.0), quality(parameters))
    return ranges or {ANYTHING: 1.0}


def quality(parameters: list[str]) -> float:
    """Return the weight among a media range's parameters; one that cannot be read is the whole."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
