"""One process that serves: a listening socket, uvicorn as we want it, and an orderly end."""

import asyncio
import errno
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from runtime import logs, tuning
from runtime.connection_limits import ConnectionLimits
from runtime.protocol import BoundedConfig, BoundedProtocol, BoundedWebSocket
from runtime.proxy_headers import ProxyHeaders
from runtime.shutdown import begin_shutdown
from runtime.signals import handle_signals
from runtime.standard_streams import lose_unwritable_errors

BACKLOG: Final = 2048
# Longer than proxies keep theirs, or they would send a request into a connection that is just closing.
KEEP_ALIVE_SECONDS: Final = 75
# As large as a body may be.
MESSAGE_BYTES: Final = 2**20
# Between two signs of life over a WebSocket, and until one that stays unanswered ends it.
PING_SECONDS: Final = 20.0
# How long running requests may take to end; runtime/shutdown.py has the deadlines of what follows.
DRAIN_SECONDS: Final = 5
ASIDE_END_SECONDS: Final = 2
# Every half second.
TICKS_A_SWEEP: Final = 5


class ListenError(Exception):
    """The address cannot be listened on. The text is one line that says what to do."""


@dataclass(frozen=True)
class Serving:
    """What a process serves. It travels to worker processes by pickle, `make_app` being a partial of a function.

    `make_app` takes the number of the worker: the first is 0, and a worker that replaces a dead one has its number.
    """

    make_app: Callable[[int], ASGIApp]
    json_logs: bool
    # Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses and networks, separated by commas.
    trusted_proxies: str = ""
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on any free port for 0; raise ListenError where that is not possible.

    Callers that come before the server is ready wait in line.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        listener = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"--host {host} is not an address of this machine: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(_explain_failure(error, host, port)) from error
    return listener


def _explain_failure(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken. Choose another one, for example --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} is not yours to listen on. Choose one from 1024 on, for example --port 8000"
    return f"Cannot listen on {host}, port {port}: {error.strerror}. Example: --host 127.0.0.1"


class Server(uvicorn.Server):
    """uvicorn's server; it reports when it is ready, and ends streams before it waits for requests."""

    def __init__(
        self, config: uvicorn.Config, *, on_ready: Callable[[], None], on_beat: Callable[[], None] | None = None
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_beat = on_beat

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on every signal that ends a process, not only on uvicorn's two."""
        with super().capture_signals(), handle_signals(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the end, whose deadlines count from the signal."""
        begin_shutdown()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report that requests are answered."""
        await super().startup(sockets)
        if self.started:
            tuning.freeze_start_up()
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Report that the event loop runs, and end connections whose request is late; uvicorn calls this ten times a second."""
        if self._on_beat is not None:
            self._on_beat()
        if counter % TICKS_A_SWEEP == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.end_if_late(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, which do not end by themselves, then stop."""
        end_streams: Callable[[], None] | None = self.lifespan.state.get("end_streams")
        if end_streams is not None:
            end_streams()
        await super().shutdown(sockets)


def serve_here(
    serving: Serving,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    on_beat: Callable[[], None] | None = None,
    worker: int = 0,
) -> None:
    """Serve in this process until a signal ends it; call `on_ready` once requests are answered.

    `on_beat` is called ten times a second, for as long as nothing blocks the event loop.

    Leaves by SystemExit: 0 after a signal, 3 when the app does not start.
    """
    lose_unwritable_errors()
    logs.configure_logs(as_json=serving.json_logs)
    tuning.bound_spare_memory()
    make_app = partial(make_trusting_app, serving, worker)
    config = make_config(make_app, trusted_proxies=serving.trusted_proxies, limits=serving.limits)
    try:
        Server(config, on_ready=on_ready, on_beat=on_beat).run(sockets=[listener])
    finally:
        logs.flush_lines()


def make_trusting_app(serving: Serving, worker: int) -> ASGIApp:
    """Return the app of a worker, which believes the headers of trusted proxies."""
    app = serving.make_app(worker)
    return ProxyHeaders(app, trusted=serving.trusted_proxies) if serving.trusted_proxies else app


def make_config(
    make_app: Callable[[], ASGIApp], *, trusted_proxies: str = "", limits: ConnectionLimits | None = None
) -> BoundedConfig:
    """Return uvicorn's configuration of this server."""
    return BoundedConfig(
        make_app,
        limits=limits or ConnectionLimits(),
        trusted_proxies=trusted_proxies,
        factory=True,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=BoundedProtocol,
        ws=BoundedWebSocket,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        # Compression needs a window for each connection, which takes more memory than the rest of the connection.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # runtime/proxy_headers.py reads them instead.
        proxy_headers=False,
        workers=1,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


@contextmanager
def serve_aside(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve an app from a thread of this process for the length of a block; requests under way at its end are cut off."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    # Uvicorn leaves the signals alone where it is not in the main thread.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(ASIDE_END_SECONDS)
