"""A third party that does what a test tells it, over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.server import listen, serve_aside

Behaviour = Callable[[Request], Awaitable[Response]]


@dataclass
class ThirdParty:
    """Its behaviours are used up one by one, the last one stays; `seen` are the requests that reached it."""

    behaviours: list[Behaviour] = field(default_factory=lambda: [well])
    seen: list[Request] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    url: str = ""

    async def answer(self, request: Request) -> Response:
        """Behave."""
        self.seen.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await (self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0])(request)
        finally:
            self.under_way -= 1


@dataclass
class Address:
    """Where a third party can be; whom it answers as may change from test to test."""

    url: str
    party: ThirdParty = field(default_factory=ThirdParty)

    def taken_by_another(self) -> ThirdParty:
        """Return a new third party that does well; requests to the one before are none of its business."""
        self.party = ThirdParty(url=self.url)
        return self.party


@contextmanager
def third_party() -> Iterator[Address]:
    """Yield an address that answers meanwhile."""
    with listen("127.0.0.1", 0) as listener:
        address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}/")

        async def answer(request: Request) -> Response:
            return await address.party.answer(request)

        app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
        with serve_aside(app, listener):
            yield address


async def well(_: Request) -> Response:
    """Answer."""
    return JSONResponse({"fine": True})


async def hanging(_: Request) -> Response:
    """Never answer."""
    await asyncio.sleep(60)
    return Response()


def saying(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Return what answers this."""

    async def answer(_: Request) -> Response:
        return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def slow(seconds: float) -> Behaviour:
    """Return what answers well, but late."""

    async def answer(request: Request) -> Response:
        await asyncio.sleep(seconds)
        return await well(request)

    return answer
