"""The OpenAPI 3.1 document, made of the endpoints that are served and the payloads that they are checked by."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Any, Final, Literal

import orjson
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import errors
from db.ids import KINDS
from domain.idempotency import HEADER, LONGEST_KEY
from edge.idempotency import REPLAYED
from edge.middleware import BODY_BYTES
from errors import Refusal
from rest import counter_token
from rest.endpoint import JSON, PATH_IDS, Caller, Endpoint
from rest.error_format import find_status
from rest.error_shapes import ErrorShape, find_shape
from rest.openapi_examples import build_example
from rest.openapi_headers import describe_refusal_headers, describe_success_headers
from rest.openapi_schemas import simplify_component, simplify_schema
from rest.payloads import list_names

Schema = dict[str, Any]
Endpoints = Sequence[Endpoint[Any]]
# The schema of a body or an answer by its type.
Schemas = Mapping[Any, Schema]

PATH: Final = "/openapi.json"
REFERENCE: Final = "#/components/schemas/{model}"
# Where the examples of ids begin.
SNOWFLAKE: Final = 7262193846145024
SECURITY: Final[Mapping[Caller, list[dict[str, list[str]]]]] = {
    Caller.ANYBODY: [],
    Caller.KNOWN_OR_NOT: [{}, {"bearer": []}],
    Caller.SIGNED_IN: [{"bearer": []}],
    # The cookie is between the storefront and its server; programs send tokens.
    Caller.SIGNED_IN_HERE: [{"bearer": []}],
    Caller.COUNTER: [{}, {"counter": []}, {"bearer": []}],
}
BODY_FAULTS: Final[tuple[Refusal, ...]] = (
    errors.MalformedJson(problem="unexpected end of data"),
    errors.UnsupportedMediaType(accepted=JSON),
    errors.PayloadTooLarge(limit=BODY_BYTES),
    errors.UnknownField(field="colour"),
)
KEY: Final[Schema] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any name for this request, a UUID for example. Sent again with it within 24 hours the request is not done again, "
    f"but answered the same, with `{REPLAYED}: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}
IF_NONE_MATCH: Final[Schema] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "Entity tags of bodies that the caller has. Where the answer would be one of them it is 304 without a body.",
    "schema": {"type": "string"},
}
TAGS: Final[Mapping[str, str]] = {
    "Accounts": "Accounts by e-mail address, and tokens.",
    "Analytics": "Page views of a client's visitors.",
    "Movies": "Movies, the places that show them, and their sessions.",
    "Bookings": "Seats of a session, held for a minute and then confirmed or cancelled.",
    "Events": "Ticketed events.",
    "Reservations": "Tickets of events.",
    "Counter": "Tickets that the box office sells to named people.",
    "Accounts by username": "The same accounts, by username.",
    "Catalogue": "Movies of a third party, asked for each time.",
    "Collections": "Movies of the catalogue that a user collects.",
    "Request count": "How many requests the server has served.",
    "Prices": "What movies cost at two providers.",
    "Exports": "Files of all movies that the providers sell.",
}
KEY_FAULTS: Final[tuple[Refusal, ...]] = (errors.RequestInProgress(), errors.IdempotencyKeyReused())
EVERY_FAULT: Final[tuple[Refusal, ...]] = (errors.Internal(reference="9f86d081884c7d659a2feaa0"), errors.Unavailable())


def build_document_routes(endpoints: Endpoints) -> list[Route]:
    """Return the route of the document about these endpoints."""

    @lru_cache(maxsize=4)
    def write_document(server: str) -> bytes:
        return orjson.dumps(build_document(endpoints, server=server))

    async def answer(request: Request) -> Response:
        server = request.state.services.settings.public_url or "/"
        return Response(write_document(server), headers={"Cache-Control": "no-cache"}, media_type=JSON)

    return [Route(PATH, answer, methods=["GET"])]


def build_document(endpoints: Endpoints, *, server: str) -> Schema:
    """Return the document; `server` is what the paths are below, absolute or relative to the document."""
    schemas, components = collect_schemas(endpoints)
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        path = paths.setdefault(document_path(endpoint), {})
        path[endpoint.method.lower()] = describe_operation(endpoint, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Matinee",
            "version": version("matinee"),
            "description": "The API server of a cinema chain: movies, sessions, bookings, ticketed events, a box office, "
            "collections and prices. GraphQL at /graphql has the same users, rules, stock and cursors. "
            "Every path may end with a slash.",
            "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
            "contact": {"name": "Matinee"},
        },
        "servers": [{"url": server}],
        "tags": [
            {"name": tag, "description": TAGS[tag]} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "counter": {
                    "type": "apiKey",
                    "in": "header",
                    "name": counter_token.HEADER,
                    "description": "Where the server has MATINEE_COUNTER_TOKEN set.",
                },
            },
        },
    }


def collect_schemas(endpoints: Endpoints) -> tuple[Schemas, Schema]:
    """Return the schema of each body and answer, and the components that they refer to."""
    bodies = [endpoint.takes for endpoint in endpoints if endpoint.has_body]
    answers = [answer for endpoint in endpoints for answer in endpoint.answers.values() if answer]
    errors_ = [find_shape(endpoint.path).model for endpoint in endpoints]
    wanted: list[tuple[Any, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        *((body, "validation", TypeAdapter(body)) for body in dict.fromkeys(bodies)),
        *((answer, "serialization", TypeAdapter(answer)) for answer in dict.fromkeys([*answers, *errors_])),
    ]
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    components = {name: simplify_component(schema) for name, schema in definitions["$defs"].items()}
    return {kind: simplify_schema(schema) for (kind, _), schema in found.items()}, components


def document_path(endpoint: Endpoint[Any]) -> str:
    """Return the path of an endpoint in the document: without the slash at its end, which linters of OpenAPI refuse."""
    return endpoint.path.rstrip("/")


def describe_operation(endpoint: Endpoint[Any], schemas: Schemas, components: Schema) -> Schema:
    """Return one method of one path."""
    described: Schema = {
        "operationId": endpoint.answer.__name__,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": [
            *describe_path_parameters(endpoint.path),
            *describe_query_parameters(endpoint),
            *([KEY] if endpoint.takes_key else []),
            *([IF_NONE_MATCH] if endpoint.is_cacheable else []),
        ],
        "responses": describe_responses(endpoint, schemas, components),
        "security": SECURITY[endpoint.caller],
    }
    if endpoint.has_body:
        content = describe_content(schemas[endpoint.takes], components)
        described["requestBody"] = {"required": endpoint.needs_body, "content": content}
    return described


def describe_path_parameters(path: str) -> list[Schema]:
    """Return the ids in a path."""
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"The id of {KINDS[kind.prefix]}.",
            "example": kind.encode(SNOWFLAKE),
            "schema": {"type": "string"} | ({"format": "uuid"} if kind.as_uuid else {}),
        }
        for name, kind in PATH_IDS.items()
        if f"{{{name}}}" in path
    ]


def describe_query_parameters(endpoint: Endpoint[Any]) -> list[Schema]:
    """Return what is taken in the address: by a GET, and by what takes it in either place."""
    if endpoint.has_body and not endpoint.takes_either:
        return []
    takes: Schema = endpoint.takes.model_json_schema()
    needed = () if endpoint.takes_either else takes.get("required", ())
    properties: dict[str, Schema] = takes.get("properties", {})
    return [
        describe_query_parameter(name, dict(schema), required=name in needed) for name, schema in properties.items()
    ]


def describe_query_parameter(name: str, schema: Schema, *, required: bool) -> Schema:
    """Return one parameter of an address; one that has no value where it is left out has no default.

    A cursor has no example, because a client cannot make one up.
    """
    found = simplify_schema(schema)
    if found.get("default", "") is None:
        del found["default"]
    described: Schema = {"name": name, "in": "query", "required": required, "description": found.pop("description")}
    examples = found.pop("examples", [])
    return described | ({"example": examples[0]} if examples else {}) | {"schema": found}


def describe_responses(endpoint: Endpoint[Any], schemas: Schemas, components: Schema) -> Schema:
    """Return every answer, the refusals with an example each."""
    answered = {
        str(status): {"description": HTTPStatus(status).phrase}
        | ({"content": describe_content(schemas[answer], components, endpoint.media)} if answer else {})
        | {"headers": describe_success_headers(endpoint)}
        for status, answer in endpoint.answers.items()
    }
    if endpoint.is_cacheable:
        answered["304"] = {"description": "Not Modified", "headers": describe_success_headers(endpoint)}
    shape = find_shape(endpoint.path)
    by_status: Callable[[Refusal], int] = lambda refusal: find_status(type(refusal), shape=shape)  # noqa: E731 - a key
    faults = sorted(list_refusals(endpoint), key=by_status)
    refused = {
        str(int(status)): describe_refusals(HTTPStatus(status), list(group), shape=shape, schema=schemas[shape.model])
        for status, group in groupby(faults, key=by_status)
    }
    return answered | refused


def list_refusals(endpoint: Endpoint[Any]) -> list[Refusal]:
    """Return an example of everything that the endpoint refuses."""
    named = [kind for name, kind in PATH_IDS.items() if f"{{{name}}}" in endpoint.path]
    missing = [kind.missing(asked=kind.encode(SNOWFLAKE)) for kind in named]
    fields = [errors.MissingField(field=name) for name in list_names(endpoint.takes, required=True)[:1]]
    return [
        *([] if endpoint.caller is Caller.ANYBODY else [errors.Unauthenticated()]),
        *endpoint.refusals,
        *missing,
        *fields,
        *(BODY_FAULTS if endpoint.has_body else ()),
        *(KEY_FAULTS if endpoint.takes_key else ()),
        *(() if endpoint.method == "GET" else (errors.OutcomeUnknown(),)),
        *EVERY_FAULT,
    ]


def describe_refusals(status: HTTPStatus, faults: Sequence[Refusal], *, shape: ErrorShape, schema: Schema) -> Schema:
    """Return the answer of one status with all the refusals that have it."""
    examples = {fault.code.lower(): {"value": shape.body([fault])} for fault in faults}
    return {
        "description": status.phrase,
        "headers": describe_refusal_headers(status),
        "content": {JSON: {"schema": schema, "examples": examples}},
    }


def describe_content(schema: Schema, components: Schema, kind: str = JSON) -> Schema:
    """Return a body of this schema, with an example."""
    return {kind: {"schema": schema, "example": build_example(schema, components)}}
