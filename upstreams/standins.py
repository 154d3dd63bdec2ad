"""Stand-ins for third parties over real HTTP, with faults to set, for `make run` and for tests."""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

# Longer than any caller waits for an answer.
HANGING_SECONDS: Final = 60.0
# Statuses of a broken proxy, which answers in HTML.
BROKEN: Final = (500, 502, 503, 504)
HTML: Final = b"<html><body><h1>Server Error</h1></body></html>"


@dataclass(slots=True)
class Faults:
    """The share of requests answered with an error, the share never answered, and the latency of the others in ms."""

    error_rate: float = 0.0
    timeout_rate: float = 0.0
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError unless the rates are shares of one whole."""
        rates = (self.error_rate, self.timeout_rate, self.error_rate + self.timeout_rate)
        if not all(0 <= rate <= 1 for rate in rates) or not 0 <= self.latency_ms <= 60_000:
            raise ValueError("Rates are shares from 0 to 1, together at most 1; latency is 0 to 60000 ms.")


@dataclass(slots=True)
class StandIn:
    """One third party: its routes, who may call it, and its faults."""

    name: str
    routes: Sequence[BaseRoute]
    allows: Callable[[Request], bool]
    faults: Faults = field(default_factory=Faults)
    dice: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - not for secrets

    def mount(self) -> Mount:
        """Return its routes under its name, behind its faults and its authentication."""
        return Mount(f"/{self.name}", routes=self.routes, middleware=[Middleware(Faulty, standin=self)])


class Faulty:
    """Passes a request to the stand-in's routes, unless a fault is due or the caller is not authenticated."""

    def __init__(self, app: ASGIApp, *, standin: StandIn) -> None:
        self._app = app
        self._standin = standin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        faults, dice = self._standin.faults, self._standin.dice
        throw = dice.random()
        if throw < faults.timeout_rate:
            await hang(receive)
            return
        await asyncio.sleep(faults.latency_ms / 1000)
        if throw < faults.timeout_rate + faults.error_rate:
            broken = Response(HTML, dice.choice(BROKEN), media_type="text/html")
            await broken(scope, receive, send)
        elif not self._standin.allows(Request(scope)):
            stranger = answer({"detail": "Authentication credentials were not provided."}, status=401)
            await stranger(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def hang(receive: Receive) -> None:
    """Return once the caller has disconnected, or HANGING_SECONDS have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HANGING_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass


def create_standins(standins: Sequence[StandIn]) -> Starlette:
    """Return the server of these stand-ins, each under its name.

    `GET` and `PUT /faults/{name}` read and set the faults of one while it runs, as JSON.
    """
    known = {standin.name: standin for standin in standins}

    async def faults(request: Request) -> Response:
        standin = known.get(request.path_params["name"])
        if standin is None:
            return answer({"detail": f"There are {', '.join(known)}."}, status=404)
        if request.method == "PUT":
            try:
                standin.faults = change_faults(standin.faults, await request.json())
            except (TypeError, ValueError) as problem:
                return answer({"detail": str(problem)}, status=422)
        return answer(asdict(standin.faults))

    return Starlette(
        routes=[Route("/faults/{name}", faults, methods=["GET", "PUT"]), *(each.mount() for each in standins)]
    )


def change_faults(faults: Faults, changes: object) -> Faults:
    """Return the faults with these changes; raise ValueError or TypeError where a change is wrong."""
    names = {each.name for each in fields(Faults)}
    if not isinstance(changes, dict) or not changes.keys() <= names:
        raise ValueError(f"Give an object with any of {', '.join(sorted(names))}.")
    return Faults(**{**asdict(faults), **{name: float(value) for name, value in changes.items()}})


def answer(body: object, *, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def require_basic_auth(user: str, password: str) -> Callable[[Request], bool]:
    """Return a check for callers with this name and password."""

    def allows(request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            credentials = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(credentials, f"{user}:{password}".encode())

    return allows


def require_token(token: str) -> Callable[[Request], bool]:
    """Return a check for callers with this token in `x-access-token`."""
    return lambda request: hmac.compare_digest(request.headers.get("x-access-token", "").encode(), token.encode())


def generate_password() -> str:
    """Return a random password for one run."""
    return secrets.token_hex(16)
