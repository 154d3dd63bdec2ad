"""The catalogue's stand-in: ten movies a page in numbered pages, in the shape of the real one with its oddities."""

import uuid
from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo import content
from upstreams.standins import Faults, StandIn, answer, require_basic_auth

NAME: Final = "catalogue"
LIST: Final = "/api/v1/maya/movies/"
PAGE_SIZE: Final = 10
SPACE: Final = uuid.UUID("5b1f2a52-6a0c-4c43-9f5c-1f1f0f3d8f61")


def make_catalogue(*, user: str, password: str, faults: Faults) -> StandIn:
    """Return the stand-in; its list is at `/catalogue/api/v1/maya/movies/`."""
    routes = [Route(LIST, answer_page)]
    return StandIn(NAME, routes, require_basic_auth(user, password), faults)


async def answer_page(request: Request) -> Response:
    """Answer one page of the list."""
    found = list_movies()
    number = request.query_params.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    if not 1 <= page <= -(-len(found) // PAGE_SIZE):
        return answer({"detail": "Invalid page."}, status=404)
    first = (page - 1) * PAGE_SIZE
    return answer(
        {
            "count": len(found),
            "next": _format_link(request, page + 1) if first + PAGE_SIZE < len(found) else None,
            "previous": _format_link(request, page - 1) if page > 1 else None,
            "results": found[first : first + PAGE_SIZE],
        }
    )


def _format_link(request: Request, page: int) -> str:
    return str(request.url.include_query_params(page=page))


@cache
def list_movies() -> list[dict[str, str | None]]:
    """Return every movie. Some have no genres, as an empty string; some have spaces around them."""
    return [
        {
            "title": film.title,
            "description": film.description,
            "genres": _join_genres(film.genres, place),
            "uuid": str(uuid.uuid5(SPACE, f"{film.title} {film.year}")),
        }
        for place, film in enumerate(content.list_films())
    ]


def _join_genres(genres: tuple[str, ...], place: int) -> str:
    if place % 13 == 12:
        return ""
    return (", " if place % 7 == 6 else ",").join(genres)
