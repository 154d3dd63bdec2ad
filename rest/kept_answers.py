"""Answers of the catalogue's endpoints to anonymous callers, from memory while they are true (docs/response-cache.md)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from edge import addresses
from edge.response_cache import Parts, is_anonymous
from edge.services import Services


async def answer_kept(
    request: Request, services: Services, *, parts: Parts, run: Callable[[Services], Awaitable[Response]]
) -> Response:
    """Return the answer of an endpoint that reads these parts of the catalogue; raise what `run` raises."""
    cache = services.response_cache
    if not (parts and cache.is_on and is_anonymous(request.scope)):
        return await run(services)

    async def read_to_keep() -> bytes | None:
        response = await run(on_primary(services))
        return bytes(response.body) if response.status_code == HTTPStatus.OK else None

    base = addresses.base(request, services.settings.public_url)
    body = await cache.fetch((request.scope["path"], request.scope["query_string"], base), parts, read_to_keep)
    return await run(services) if body is None else Response(body, media_type="application/json")


def on_primary(services: Services) -> Services:
    """Return the services without the standby, which may show what was before the last change that was heard."""
    database = services.database
    return replace(services, database=replace(database, standby=database.primary))
