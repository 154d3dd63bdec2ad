"""Serves the drawn posters; a browser keeps one until the movie's title or genres change."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db import ids, models
from demo.posters import draw_poster
from domain import movie
from edge import http_cache
from edge.services import Services
from errors import MovieNotFound

HEADERS: Final = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    # Opened by itself an SVG is a document that could run scripts.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def build_poster_routes() -> list[Route]:
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
    headers = HEADERS | {"ETag": http_cache.hash_body(svg)}
    if http_cache.matches_tag(headers["ETag"], request.headers.getlist("if-none-match")):
        return Response(status_code=304, headers=headers)
    return Response(svg, headers=headers, media_type="image/svg+xml")
