"""An operation of a REST surface is declared once: the router, the checks and the OpenAPI document use the declaration."""

from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

import errors
from db import ids
from edge import addresses, browser_session, http_cache, idempotency
from edge.content_type import is_json
from edge.json_depth import is_deeper
from edge.json_refusals import refuse_json
from edge.request_head import AUTHORIZATION, CONTENT_TYPE
from edge.response_cache import Parts
from edge.services import Services, SharedCommits
from errors import Refusal, Refusals
from identity import tokens
from identity.tokens import Actor
from rest import counter_token
from rest.error_format import render_refusal
from rest.payloads import EmptyBody, list_names, parse_input
from runtime.rate_limits import Visitor, find_visitor

JSON: Final = "application/json"
CACHE_CONTROL: Final = b"cache-control"
# For each endpoint. At 256 bytes each, all of them take a few hundred kilobytes.
REMEMBERED_QUERIES: Final = 256
LONGEST_REMEMBERED: Final = 256


class PathId(NamedTuple):
    """A parameter of a path that is an id: its kind, and the refusal of one that names nothing."""

    prefix: str
    missing: type[Refusal]
    # Whether the surface spells the id as a UUID.
    as_uuid: bool = False

    def decode(self, text: str) -> int:
        """Return the snowflake of an id; raise the NotFound of its kind for a malformed one."""
        snowflake = (ids.from_uuid if self.as_uuid else ids.decode)(self.prefix, text)
        if snowflake is None:
            raise self.missing(asked=text)
        return snowflake

    def encode(self, snowflake: int) -> str:
        """Return the id of a row as the path spells it."""
        return str(ids.to_uuid(self.prefix, snowflake)) if self.as_uuid else ids.encode(self.prefix, snowflake)


PATH_IDS: Final[Mapping[str, PathId]] = {
    "movie_id": PathId("mov", errors.MovieNotFound),
    "place_id": PathId("plc", errors.PlaceNotFound),
    "session_id": PathId("ses", errors.SessionNotFound),
    "booking_id": PathId("bok", errors.BookingNotFound),
    "collection_uuid": PathId("col", errors.CollectionNotFound, as_uuid=True),
    "event_id": PathId("evt", errors.EventNotFound, as_uuid=True),
    "reservation_id": PathId("evr", errors.ReservationNotFound, as_uuid=True),
    "offer_id": PathId("mof", errors.OfferNotFound),
    "export_id": PathId("exp", errors.ExportNotFound),
}

Asked_co = TypeVar("Asked_co", bound=BaseModel, covariant=True)


class Caller(Enum):
    """Who may call an endpoint, and how a token is treated."""

    # An expired token must not prevent signing in for a new one.
    ANYBODY = "a token is not looked at"
    KNOWN_OR_NOT = "a token is not needed, but a bad one is refused"
    SIGNED_IN = "a token is needed"
    # A link cannot send one.
    SIGNED_IN_HERE = "a token is needed, or the cookie of the storefront, from a page of its own"
    COUNTER = "the counter's token or a staff user's is needed where the counter has one, else as KNOWN_OR_NOT"


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked_co]):
    """A request that has passed all checks: its caller and its input."""

    request: Request
    actor: Actor | None
    asked: Asked_co
    # The services of the server; with an idempotency key, those that work inside its transaction.
    services: Services
    # The parts of the programme that decide about the answer, none where anything else does.
    parts: Parts = frozenset()

    @property
    def visitor(self) -> Visitor:
        """The client that sent the request."""
        return find_visitor(self.request.scope)

    @property
    def base_url(self) -> str:
        """What addresses in the answer begin with."""
        return addresses.find_base_url(self.request, self.services.settings.public_url)

    @property
    def user_id(self) -> int:
        """The snowflake of the caller; raises Unauthenticated where nobody is signed in."""
        if self.actor is None:
            raise errors.Unauthenticated
        return self.actor.user_id

    def read_path_id(self, name: str) -> int:
        """Return the snowflake behind an id in the path; raise the NotFound of its kind where it cannot be one."""
        return PATH_IDS[name].decode(self.request.path_params[name])


# Starts a change, of what a body asks for and who is calling, without waiting for anything.
Start = Callable[[Asked_co, Actor | None, Services], Future[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[Asked_co]):
    """One method of one path. `takes` is read from the query of GET and DELETE, from the body of other methods."""

    method: str
    path: str
    answer: Callable[[Call[Asked_co]], Awaitable[Response]]
    takes: type[Asked_co]
    caller: Caller
    # By status; None is an answer without a body.
    answers: Mapping[int, Any]
    # Of those answers.
    media: str = JSON
    # Examples of its refusals, without those that every endpoint of its kind has.
    refusals: tuple[Refusal, ...] = ()
    tag: str
    summary: str
    description: str
    # The parts of the programme that decide about its answer, where that is the same for all and may be kept in memory.
    parts: Parts = frozenset()
    # Whether the fields may come in the query or in the body; clients differ here.
    takes_either: bool = False
    # The commits by which it makes its change, where that is all that it does: with a key it shares a transaction.
    shares: SharedCommits | None = None
    # Starts all that it does for a caller who is KNOWN_OR_NOT, where that is one change which a batch makes: an ordinary request
    # needs no task then. Once the future is done, the answer is 204 without a body.
    start: Start[Asked_co] | None = None
    # Names of the headers that its answers carry beside those of every answer, for the OpenAPI document.
    headers: tuple[str, ...] = ()

    @property
    def is_cacheable(self) -> bool:
        """Whether caches may keep its answers, so that it answers 304."""
        return "ETag" in self.headers

    @property
    def has_body(self) -> bool:
        """Whether the request has a body, which may be empty."""
        return self.takes_either or self.method not in ("GET", "DELETE")

    @property
    def takes_key(self) -> bool:
        """Whether an idempotency key is honoured (docs/contract/README.md, Idempotency)."""
        return self.method in ("POST", "PATCH", "PUT")

    @property
    def needs_body(self) -> bool:
        """Whether the body must not be empty."""
        return self.has_body and not issubclass(self.takes, EmptyBody) and not self.takes_either


def build_route(endpoint: Endpoint[Any]) -> Route:
    """Return the route of an endpoint; it checks the caller first, then the input."""
    return EndpointRoute(endpoint)


class EndpointRoute(Route):
    """The route of an endpoint. It compares texts before it tries its pattern, because most paths belong to other routes."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        """Serve an endpoint."""
        # The middleware has removed the slash at the end of the request's path.
        path = endpoint.path.rstrip("/")
        self.declared, self.endpoint_app = endpoint, EndpointApp(endpoint)
        super().__init__(path, self.endpoint_app, methods=[endpoint.method], name=endpoint.answer.__name__)
        self._prefix, parameter, _ = path.partition("{")
        self._is_exact = not parameter

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the route serves this request."""
        path = scope["path"]
        if not scope.get("root_path") and not (path == self.path if self._is_exact else path.startswith(self._prefix)):
            return Match.NONE, {}
        return super().matches(scope)


class EndpointApp:
    """Serves an endpoint as an ASGI application; refusals are raised to the application's handlers."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        self._endpoint = endpoint
        self._parse = cache_parsing(endpoint.takes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        response = await self.respond(Request(scope, receive, send))
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        """Return the response to a request; raise the refusal."""
        endpoint = self._endpoint
        actor = await identify_caller(request, endpoint.caller)
        if endpoint.caller is Caller.COUNTER:
            await counter_token.require_token(request, actor)
        services: Services = request.state.services
        if endpoint.takes_key and idempotency.has_key(request):
            return await idempotency.run_once(
                request,
                services,
                caller=counter_token.name_caller(request, actor),
                run=partial(run_for_record, endpoint, request, actor),
                shares=endpoint.shares,
            )
        if endpoint.has_body:
            return await run_endpoint(endpoint, request, actor, services)
        call = Call(request, actor, self._parse(request.scope["query_string"]), services, endpoint.parts)
        return forbid_caching(await endpoint.answer(call))


def forbid_caching(response: Response) -> Response:
    """Return the response, which no cache may keep unless it says otherwise itself."""
    if all(name != CACHE_CONTROL for name, _ in response.raw_headers):
        response.raw_headers.append((CACHE_CONTROL, http_cache.PRIVATE.encode()))
    return response


def cache_parsing(takes: type[Asked_co]) -> Callable[[bytes], Asked_co]:
    """Return what parses a query string, and remembers the short ones: most callers ask for the same few pages."""

    def parse(query: bytes) -> Asked_co:
        return parse_input(takes, read_parameters(query))

    remembering = lru_cache(maxsize=REMEMBERED_QUERIES)(parse)
    return lambda query: remembering(query) if len(query) <= LONGEST_REMEMBERED else parse(query)


async def run_endpoint(endpoint: Endpoint[Any], request: Request, actor: Actor | None, services: Services) -> Response:
    """Return the answer of an endpoint that takes a body; raise the refusal."""
    asked = read_input(endpoint, request.scope, await request.body(), deepest=services.settings.limits.json_depth)
    return await endpoint.answer(Call(request, actor, asked, services))


def read_input(endpoint: Endpoint[Asked_co], scope: Scope, body: bytes, *, deepest: int) -> Asked_co:
    """Return what a request with a body asks for; raise the refusal of what is wrong with it."""
    data = read_json_body(scope["head"], body, needed=endpoint.needs_body, deepest=deepest)
    if endpoint.takes_either:
        data = merge_parameters(data, read_parameters(scope["query_string"]), known=list_names(endpoint.takes))
    return parse_input(endpoint.takes, data)


async def run_for_record(
    endpoint: Endpoint[Any], request: Request, actor: Actor | None, services: Services
) -> Response:
    """Return the answer to be recorded under the idempotency key, which may be a refusal; raise NotRecorded."""
    try:
        response = await run_endpoint(endpoint, request, actor, services)
    except (Refusal, Refusals) as raised:
        response = await render_refusal(request, raised)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise idempotency.NotRecorded(response)
    return response


async def identify_caller(request: Request, caller: Caller) -> Actor | None:
    """Return the signed-in caller, None where there is none; raise Unauthenticated where the endpoint needs one."""
    is_silent = caller is Caller.KNOWN_OR_NOT and AUTHORIZATION not in request.scope["head"]
    if caller is Caller.ANYBODY or is_silent:
        return None
    services: Services = request.state.services
    if caller is Caller.SIGNED_IN_HERE:
        actor = await browser_session.identify_caller(request)
    else:
        actor = await tokens.identify_bearer(request.scope, keys=services.keys, sign_outs=services.sign_outs)
    if actor is None and caller in (Caller.SIGNED_IN, Caller.SIGNED_IN_HERE):
        raise errors.Unauthenticated
    return actor


def read_parameters(query: bytes) -> dict[str, object]:
    """Return the parameters of a query string; one that is given several times is a list, which every model refuses."""
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        given.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in given.items()}


def merge_parameters(body: object, address: Mapping[str, object], *, known: Iterable[str]) -> object:
    """Return the body together with the parameters of the query; raise InvalidInput where the two disagree."""
    if not isinstance(body, dict):
        return body
    given = {name: address[name] for name in known if name in address}
    for name, value in given.items():
        if body.get(name, value) != value:
            raise errors.InvalidInput(field=name, problem="is one thing in the address and another in the body")
    return {**given, **body}


def read_json_body(head: Mapping[bytes, bytes], raw: bytes, *, needed: bool, deepest: int) -> object:
    """Return the body's data, an empty object for an empty body where none is needed.

    Raises UnsupportedMediaType, MalformedJson (which covers what is not UTF-8 or too deep), and InvalidInput where a number
    is out of range.
    """
    if not (needed or raw.strip()):
        return {}
    media_type = head.get(CONTENT_TYPE, b"" if raw else JSON.encode()).decode("latin-1")
    if not is_json(media_type):
        raise errors.UnsupportedMediaType(accepted=JSON)
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refuse_json(error) from None
    # As in GraphQL's door: a body with fewer brackets than levels is not searched.
    if raw.count(b"{") + raw.count(b"[") > deepest and is_deeper(found, deepest):
        raise errors.MalformedJson(problem=f"more than {deepest} lists and objects are within each other")
    return found


def render_json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose instants are ISO 8601 in UTC, spelled with a Z."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, headers, JSON)
