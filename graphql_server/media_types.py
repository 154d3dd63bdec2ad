"""Which media type a request is answered in (RFC 9110, section 12.5.1; GraphQL over HTTP, section 6.1)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from edge.content_encoding import read_weights

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"
EVENTS: Final = "text/event-stream"
ANYTHING: Final = "*/*"


@lru_cache(maxsize=256)
def choose_media_type(accept: str) -> str | None:
    """Return the media type of a single answer for an `Accept`, None where it takes no kind of JSON.

    GraphQL's own where the client names it and prefers nothing to it; plain JSON for one that takes anything.
    """
    ranges = read_ranges(accept)
    own, plain = ranges.get(GRAPHQL_JSON, 0.0), weigh(JSON, ranges)
    if own and own >= plain:
        return GRAPHQL_JSON
    if plain:
        return JSON
    return GRAPHQL_JSON if weigh(GRAPHQL_JSON, ranges) else None


@lru_cache(maxsize=256)
def wants_page(accept: str) -> bool:
    """Return whether a browser asks: for HTML by name, and rather than for JSON."""
    ranges = read_ranges(accept)
    return ranges.get(HTML, 0.0) > max(weigh(JSON, ranges), weigh(GRAPHQL_JSON, ranges))


@lru_cache(maxsize=256)
def accepts_events(accept: str) -> bool:
    """Return whether an `Accept` names server-sent events; some clients name them with every request."""
    return read_ranges(accept).get(EVENTS, 0.0) > 0


def weigh(media_type: str, ranges: Mapping[str, float]) -> float:
    """Return the weight of a media type, 0 to 1: the range that names it best decides."""
    kind, _, _ = media_type.partition("/")
    return next((ranges[name] for name in (media_type, f"{kind}/*", ANYTHING) if name in ranges), 0.0)


def read_ranges(accept: str) -> dict[str, float]:
    """Return the media ranges of an `Accept` with their weights; without any, everything is accepted."""
    return read_weights(accept) or {ANYTHING: 1.0}
