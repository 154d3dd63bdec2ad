"""A server of a few slow routes, run as a process by the tests of how servers end."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from runtime import server
from runtime import workers as workers_module
from runtime.server import Serving, listen, serve_here
from runtime.signals import end_on_signals
from runtime.workers import serve_by_workers


async def pid(_: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def slow(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        await asyncio.sleep(float(request.path_params["seconds"]))
        yield "done"

    # The head goes out at once: it tells the client that it is being answered.
    return StreamingResponse(pieces())


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse((await request.body()).decode())


async def hang(_: Request) -> PlainTextResponse:
    # Blocks the event loop, as a bug of ours would.
    time.sleep(600)  # noqa: ASYNC251
    return PlainTextResponse("never")


def make_app(_: int) -> Starlette:
    return Starlette(
        routes=[
            Route("/pid", pid),
            Route("/slow/{seconds}", slow),
            Route("/echo", echo, methods=["POST"]),
            Route("/hang", hang),
        ]
    )


def make_broken_app(_: int) -> Starlette:
    raise RuntimeError("no app today")


def main(app: str, workers: str, drain_seconds: str) -> None:
    server.DRAIN_SECONDS = int(drain_seconds)  # type: ignore[misc]
    workers_module.HUNG_CHECKS = int(os.environ.get("HUNG_CHECKS", "30"))  # type: ignore[misc]
    end_on_signals()
    with listen("127.0.0.1", 0) as listener:
        serving = Serving(make_app if app == "sound" else make_broken_app, json_logs=True)
        port = listener.getsockname()[1]

        def ready() -> None:
            print(port, flush=True)  # noqa: T201

        if workers == "1":
            serve_here(serving, listener, on_ready=ready)
        else:
            serve_by_workers(serving, listener, count=int(workers), on_ready=ready)


if __name__ == "__main__":
    main(*sys.argv[1:])
