"""Both price providers as a test wants them, over real HTTP, and the server's own way to ask them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.server import listen, serve_aside

TOKEN = "a token that nobody may see"


@dataclass
class PriceParty:
    """One provider: its list, details of those that have one, and what is wrong with it at present."""

    movies: Any = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    latency: float = 0.0
    hanging: bool = False
    hanging_details: bool = False
    status: int = 200
    url: str = ""
    lists: int = 0
    tokens: set[str | None] = field(default_factory=set)
    posted: list[Any] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """Answer as told."""
        detail = request.path_params.get("id")
        self.lists += request.method == "GET" and detail is None
        self.tokens.add(request.headers.get("x-access-token"))
        await asyncio.sleep(60 if self.hanging or (detail and self.hanging_details) else self.latency)
        if self.status != 200:
            return Response(f"no: {request.headers.get('x-access-token')}", self.status)
        if request.method == "POST":
            self.posted.append(await request.json())
            return JSONResponse({"id": f"new{len(self.posted)}"}, 201)
        if detail is not None:
            return JSONResponse(self.details.get(detail, {}), 200 if detail in self.details else 404)
        return JSONResponse(self.movies)


@contextmanager
def price_party(movies: Any, **given: Any) -> Iterator[PriceParty]:  # noqa: ANN401 - any JSON
    """Yield a provider that serves this list until the end."""
    party = PriceParty(movies, **given)
    routes = [
        Route("/movies", party.answer),
        Route("/movies/{id}", party.answer),
        Route("/movie", party.answer, methods=["POST"]),
    ]
    with listen("127.0.0.1", 0) as listener, serve_aside(Starlette(routes=routes), listener):
        party.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield party
