"""Serves the drawn posters; a browser keeps one until the movie's title or genres change."""

import hashlib
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db import ids, models
from demo.posters import draw_poster
from domain import movie
from edge.services import Services
from errors import MovieNotFound

HEADERS: Final = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    # Opened by itself an SVG is a document that could run scripts.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def build_routes() -> list[Route]:
    """Return the route of the posters."""
    return [Route("/posters/{movie_id}.svg", get_poster, methods=["GET"])]


async def get_poster(request: Request) -> Response:
    """Answer the poster of a movie, or 304 where the caller has it already; raise MovieNotFound."""
    services: Services = request.state.services
    snowflake = ids.decode("mov", request.path_params["movie_id"])
    found = await services.database.standby.row(models.Movie, movie.BY_ID, ids=[snowflake])
    if found is None:
        raise MovieNotFound
    svg = draw_poster(found.title, found.genres).encode("utf-8", "replace")
    headers = HEADERS | {"ETag": f'"{hashlib.blake2s(svg, digest_size=12).hexdigest()}"'}
    if is_fresh(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(svg, headers=headers, media_type="image/svg+xml")


def is_fresh(kept: Iterable[str], tag: str) -> bool:
    """Return whether a caller that keeps these has the one of this tag, compared weakly (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for line in kept for each in line.split(",")}
    return bool(tags & {tag, "*"})
