"""GraphQL over server-sent events, by the protocol graphql-sse in "distinct connections mode": one stream a request."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from time import time
from typing import Any, Final

import orjson
import psycopg
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import errors
from edge import addresses, browser_session
from edge.idempotency import has_key
from edge.services import Services
from errors import Refusal, Refusals, flatten_refusals
from graphql_server.cache_policy import VARY
from graphql_server.error_responses import make_refusal_body, render_refusals
from graphql_server.media_types import EVENTS, JSON
from graphql_server.operation_streams import ALL, READING, Result, stream_results
from graphql_server.request import GraphQLRequest, read_request
from identity.tokens import ENDED
from resolvers.context import Context
from runtime.rate_limits import find_visitor

Write = Callable[[bytes], Awaitable[None]]

END_SECONDS: Final = 1.0
# Proxies and browsers close a connection that sends nothing for long.
HEARTBEAT_SECONDS: Final = 10.0
HEARTBEAT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata: \n\n"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Vary": VARY,
    # Otherwise nginx buffers small pieces.
    "X-Accel-Buffering": "no",
}


async def serve(request: Request) -> Response:
    """Return the stream of an operation's results; an ordinary answer where the request cannot be run."""
    try:
        services: Services = request.state.services
        actor = await browser_session.identify_caller(request)
        refuse_key(request)
        asked = await read_request(request, deepest=services.settings.limits.json_depth)
    except (Refusal, Refusals) as raised:
        return render_refusals(flatten_refusals(raised), JSON)
    except psycopg.OperationalError:
        return render_refusals([errors.Unavailable()], JSON)
    base = addresses.find_base_url(request, services.settings.public_url)
    return open_stream(request, asked, Context(services, actor, base, find_visitor(request.scope)))


def open_stream(request: Request, asked: GraphQLRequest, context: Context) -> Response:
    """Return the stream of an operation's results; raise InvalidInput for a request with an idempotency key."""
    refuse_key(request)
    allowed = READING if request.method == "GET" else ALL
    return Stream(stream_results(asked, context, allowed=allowed, reference=request.scope["request_id"]), context)


def refuse_key(request: Request) -> None:
    """Raise InvalidInput where the request has an idempotency key."""
    if has_key(request):
        problem = "counts for one answer, not for a stream; ask for `application/json`"
        raise errors.InvalidInput(field="Idempotency-Key", problem=problem)


class Stream(Response):
    """A response that goes on until its operation, its token, the connection or the server ends."""

    media_type = EVENTS

    def __init__(self, found: AsyncGenerator[Result], context: Context) -> None:
        """Send these results."""
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._found = found
        self._follower = context.follower
        self._streaming = context.services.live_metrics
        self._ending = context.services.topics.ending
        self._actor = context.actor
        self._sign_outs = context.services.sign_outs
        self._signed_out = asyncio.Event()
        # In seconds since 1970, as in the token.
        self._expires = context.actor.expires if context.actor else None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Where the server ends it has no `complete`, so that clients connect again."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        write = partial(send_part, send)
        sending = asyncio.create_task(self._send_results(write))
        waits = (wait_for_disconnect(receive), self._ending.wait(), self._signed_out.wait())
        others = [asyncio.create_task(each) for each in waits]
        try:
            with self._sign_outs.watch(self._actor, self._signed_out.set):
                await self._beat(write, [sending, *others])
            self._follower.end()
            await asyncio.wait([sending], timeout=END_SECONDS)
            if self._is_expired or self._signed_out.is_set():
                problem = ENDED if self._signed_out.is_set() else "The token has expired."
                await write(format_event(make_refusal_body([errors.Unauthenticated(problem=problem)])) + COMPLETE)
            await send({"type": "http.response.body", "body": b""})
        finally:
            for task in (sending, *others):
                task.cancel()

    @property
    def _is_expired(self) -> bool:
        return self._expires is not None and self._expires <= time()

    async def _beat(self, write: Write, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Send heartbeats until one of the tasks is done or the token has expired."""
        done: set[asyncio.Task[Any]] = set()
        while not done and not self._is_expired:
            await write(HEARTBEAT)
            patience = HEARTBEAT_SECONDS if self._expires is None else min(HEARTBEAT_SECONDS, self._expires - time())
            done, _ = await asyncio.wait(tasks, timeout=max(patience, 0), return_when=asyncio.FIRST_COMPLETED)

    async def _send_results(self, write: Write) -> None:
        with self._streaming.count_stream("sse"):
            async with aclosing(self._found) as found:
                async for result in found:
                    await write(format_event(result.payload))
        if not self._follower.is_ended:
            await write(COMPLETE)


async def send_part(send: Send, body: bytes) -> None:
    """Send a part of the stream. Return once the buffer takes another, so that no results pile up for a slow client."""
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def wait_for_disconnect(receive: Receive) -> None:
    """Return once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def format_event(body: dict[str, Any]) -> bytes:
    """Return a result as an event."""
    return b"event: next\ndata: " + orjson.dumps(body) + b"\n\n"
