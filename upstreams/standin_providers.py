"""The price providers' stand-ins: one with capitalised fields and prices in the details, one with all in a bare array."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo import content
from demo.content import Film
from upstreams.standins import Faults, StandIn, answer, require_token

CINEMAWORLD: Final = "cinemaworld"
FILMWORLD: Final = "filmworld"

Movie = Mapping[str, Any]


def make_cinemaworld(*, token: str, faults: Faults) -> StandIn:
    """Return the stand-in that lists under `Movies` without prices; they are texts in the details.

    A fifth of all films: each costs a request of its own.
    """
    movies = [
        {
            "Title": film.title,
            "Year": str(film.year),
            "ID": f"cw{number}",
            "Type": "movie",
            "Price": _make_price(film, 1),
        }
        for number, film in _number_films()
        # Not everything is sold everywhere.
        if int(number) % 5 == 1
    ]
    return _make_standin(CINEMAWORLD, "cw", movies, token=token, faults=faults, in_list=False)


def make_filmworld(*, token: str, faults: Faults) -> StandIn:
    """Return the stand-in that lists a bare array with prices as numbers; some have no year, some no price."""
    movies = [
        {"id": f"fw{number}", "title": film.title, "year": film.year, "price": float(_make_price(film, 2))}
        for number, film in _number_films()
        if int(number) % 5
    ]
    for place, movie in enumerate(movies):
        if place % 11 == 10:
            # An id of its own: only the title tells that it is the same movie.
            movie["id"] = f"fwx{place}"
            del movie["year"]
        if place % 17 == 16:
            movie["price"] = None
    return _make_standin(FILMWORLD, "fw", movies, token=token, faults=faults, in_list=True)


def _make_standin(
    name: str, letters: str, movies: Sequence[Movie], *, token: str, faults: Faults, in_list: bool
) -> StandIn:
    """Return a stand-in that keeps what is posted to it for as long as it runs."""
    sold = list(movies)

    async def list_sold(_: Request) -> Response:
        listed = sold if in_list else [{key: each[key] for key in each if key != "Price"} for each in sold]
        return answer(listed if in_list else {"Movies": listed})

    async def detail(request: Request) -> Response:
        wanted = request.path_params["id"]
        found = next((each for each in sold if wanted in (each.get("ID"), each.get("id"))), None)
        return answer(found) if found else answer({"message": "Not found"}, status=404)

    async def publish(request: Request) -> Response:
        posted = await request.json()
        identity = f"{letters}p{len(sold):07}"
        entry = {"id": identity, "title": posted["title"], "price": posted["price"], "plot": posted["body"]}
        sold.append(entry if in_list else {{"id": "ID"}.get(key, key.capitalize()): entry[key] for key in entry})
        return answer({"id": identity}, status=201)

    routes = [
        Route("/movies", list_sold),
        Route("/movies/{id}", detail),
        Route("/movie", publish, methods=["POST"]),
    ]
    return StandIn(name, routes, require_token(token), faults)


@cache
def _number_films() -> list[tuple[str, Film]]:
    return [(f"{number:07}", film) for number, film in enumerate(content.list_films(), start=1)]


def _make_price(film: Film, provider: int) -> str:
    """Return a price from 9.5 to 29.4, always the same for a film and provider."""
    digest = hashlib.sha256(f"{film.title} {film.year} {provider}".encode()).digest()
    return f"{9.5 + int.from_bytes(digest[:2]) % 200 / 10:.2f}"
