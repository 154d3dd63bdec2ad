"""Answers made of the programme alone, the same for every caller: read as JSON text, and left for caches to keep."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from db.cursors import CursorCodec
from db.engine import Reader, StatementRunner
from db.paging import Listing, Window
from db.pipeline.statement import RawRow
from edge import http_cache
from edge.repeated_requests import WholeResponse, remember_request
from edge.response_cache import AGE, is_anonymous
from edge.services import Services
from errors import InvalidCursor
from rest.endpoint import JSON, Call
from rest.json_fields import Shape
from rest.payloads import PageQuery
from rest.planned_reads import PlannedRead, plan_page, render_page

# A bad token is refused, so no cache may answer a request with a token by what it keeps for one without.
VARY: Final = b"Authorization"
PUBLIC: Final = http_cache.PUBLIC.encode()
REVALIDATED: Final = http_cache.REVALIDATED.encode()
MEDIA_TYPE: Final = JSON.encode()
NOT_MODIFIED: Final = 304
PROGRAMME_HEADERS: Final = ("ETag", "Cache-Control")

Render = Callable[[Sequence[RawRow]], bytes]
RequireParents = Callable[[StatementRunner], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProgrammeRead:
    """A read of the programme, and how its rows become a body."""

    read: PlannedRead
    render: Render
    # Raises the NotFound of what the path names, where no row was found.
    require_parents: RequireParents | None = None

    async def fetch(self, source: Reader) -> bytes:
        """Return the body."""
        rows = await self.read.fetch(source)
        if not rows and self.require_parents is not None:
            await self.require_parents(source)
        return self.render(rows)


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A request whose body is in the response cache."""

    key: Hashable
    body: bytes
    status: int
    # Those that describe this very body.
    headers: list[tuple[bytes, bytes]]
    route: BaseRoute | None

    def respond(self, services: Services, _scope: Scope) -> WholeResponse | None:
        """Return the response, None where the cache has no body or another one."""
        if services.response_cache.find(self.key) is not self.body:
            return None
        return WholeResponse(self.status, self.headers, b"" if self.status == NOT_MODIFIED else self.body)


class ProgrammeResponse(Response):
    """A response with just these headers. They are put together here: Starlette's way costs three times as much."""

    def __init__(self, body: bytes, headers: list[tuple[bytes, bytes]], *, status: int = 200) -> None:
        # What Starlette's own constructor sets, except for its headers.
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = headers


Plan = Callable[[], ProgrammeRead]


async def answer_programme(call: Call[Any], plan: Plan) -> Response:
    """Answer a read of the programme with what caches may do with it, or 304 where the caller has this body already."""
    cache, key = (
        call.services.response_cache,
        (call.request.scope["path"], call.request.scope["query_string"], call.base_url),
    )
    if not (call.parts and cache.is_on and is_anonymous(call.request.scope)):
        return make_cacheable(call, await plan().fetch(call.services.database.standby))
    cached = cache.find(key)
    if cached is not None:
        response = make_cacheable(call, cached)
        response.headers["Age"] = AGE
        scope = call.request.scope
        known = KnownPage(key, cached, response.status_code, [*response.raw_headers], scope.get("route"))
        remember_request(scope, known, body_bytes=len(cached))
        return response

    is_read = False

    async def read(source: Reader) -> bytes:
        nonlocal is_read
        is_read = True
        return await plan().fetch(source)

    database = call.services.database
    body = await cache.fetch_from(database, key, call.parts, read)
    response = make_cacheable(call, await read(database.primary) if body is None else body)
    if not is_read:
        # Another request read it at the same moment.
        response.headers["Age"] = AGE
    return response


def make_cacheable(call: Call[Any], body: bytes) -> Response:
    """Return the response with an entity tag. Shared caches may keep it where the caller did not say who they are."""
    tag = http_cache.hash_body(body)
    control = PUBLIC if call.actor is None else REVALIDATED
    headers = [(b"etag", tag.encode()), (b"cache-control", control), (b"vary", VARY)]
    known = [value.decode("latin-1") for name, value in call.request.scope["headers"] if name == b"if-none-match"]
    if known and http_cache.matches_tag(tag, known):
        return ProgrammeResponse(b"", headers, status=NOT_MODIFIED)
    headers += [(b"content-length", b"%d" % len(body)), (b"content-type", MEDIA_TYPE)]
    return ProgrammeResponse(body, headers)


def plan_list(
    call: Call[Any],
    shape: Shape,
    listing: Listing[Any],
    *,
    require_parents: RequireParents | None = None,
) -> ProgrammeRead:
    """Return the read of a page of a list; raise InvalidCursor, by the name that the parameter has here."""
    codec = call.services.database.cursors
    read, render = plan_page_of(shape, listing, codec, call.asked, base=call.base_url)
    return ProgrammeRead(read, render, require_parents)


def plan_page_of(
    shape: Shape, listing: Listing[Any], codec: CursorCodec, asked: PageQuery, *, base: str = ""
) -> tuple[PlannedRead, Render]:
    """Return the read of the page that a request asks for, and what makes a body of its rows."""
    try:
        read = plan_page(shape, listing, codec, Window(asked.limit, after=asked.cursor), base=base)
    except InvalidCursor:
        raise InvalidCursor(path=("cursor",), field="cursor") from None
    return read, partial(render_page, shape, listing=listing, codec=codec, size=asked.limit)
