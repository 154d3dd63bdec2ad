"""Which answers caches on the way may keep: those whose fields all declare it in schema/."""

from collections.abc import Iterable
from typing import Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from starlette.responses import Response

from edge import http_cache
from graphql_server.executable_schema import GRAPHQL
from graphql_server.field_declarations import find_declaration
from resolvers.field_metadata import LIVE, PUBLIC, Cache
from runtime.metrics import Coordinate

VARY: Final = "Accept, Authorization, Cookie"
PRIVATE: Final = http_cache.PRIVATE


def list_coordinates(schema: GraphQLSchema, *policies: Cache) -> frozenset[tuple[str, str]]:
    """Return the type and the name of each field that declares one of these policies."""
    kinds = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)]
    return frozenset(
        (kind.name, name)
        for kind in kinds
        for name, field in kind.fields.items()
        if find_declaration(field).cache in policies
    )


PUBLIC_FIELDS: Final = list_coordinates(GRAPHQL, PUBLIC)
SHARED_FIELDS: Final = list_coordinates(GRAPHQL, PUBLIC, LIVE)


def is_shared(fields: Iterable[Coordinate]) -> bool:
    """Return whether all of these fields are the same for every caller at one moment."""
    return all((each.type, each.field) in SHARED_FIELDS for each in fields)


def is_public(fields: Iterable[Coordinate]) -> bool:
    """Return whether caches on the way may keep the values of all of these fields."""
    return all((each.type, each.field) in PUBLIC_FIELDS for each in fields)


def make_public(response: Response, *, if_none_match: str, vary: str | None = VARY) -> Response:
    """Return the answer for caches to keep, or 304 where the client has it already."""
    tag = http_cache.hash_body(bytes(response.body))
    headers = {"Cache-Control": http_cache.PUBLIC, "ETag": tag} | ({"Vary": vary} if vary else {})
    if http_cache.matches_tag(tag, [if_none_match]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
