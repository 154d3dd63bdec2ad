"""A server on a real socket in the test's own loop, and clients that subscribe to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import httpx
from psycopg import AsyncConnection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app import create_app
from config.settings import Settings
from db.models import User
from identity.tokens import Actor, Keys, make_token
from runtime.server import Server, listen, make_config
from tests.support.factories import SECRET

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
SEATS: Final = "subscription ($id: ID!) { sessionChanged(id: $id) { seatsAvailable } }"
TICKETS: Final = "subscription ($id: ID!) { eventChanged(id: $id) { availability } }"
EXPORT: Final = "subscription ($id: ID!) { movieExportChanged(id: $id) { status rowCount } }"
PATIENCE: Final = 10.0


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """Yield a running server, which has no jobs, and where it listens."""
    app = create_app(settings, with_jobs=False)
    ready = asyncio.Event()
    server = Server(make_config(lambda: app), on_ready=ready.set)
    with listen("127.0.0.1", 0) as listener:
        # Without the part that takes over the signals of the process.
        running = asyncio.create_task(server._serve([listener]))  # noqa: SLF001
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


def token(user: User, *, seconds: int = 3600) -> str:
    """Return a token that is good for so long."""
    return make_token(Actor(user.id), keys=Keys((SECRET.encode(),), token_seconds=seconds))


class Socket:
    """A client that says what it is told to, and nothing by itself."""

    def __init__(self, opened: ClientConnection) -> None:
        self.opened = opened

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.opened.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        told: dict[str, Any] = json.loads(await asyncio.wait_for(self.opened.recv(), PATIENCE))
        return told

    async def begin(self, user: User | None = None, **payload: Any) -> Self:
        """Sign in where a user is given, and wait to be acknowledged."""
        given = {"authorization": f"Bearer {token(user)}"} if user else {}
        await self.send(type="connection_init", payload=given | payload)
        assert await self.receive() == {"type": "connection_ack"}
        return self

    async def subscribe(self, document: str, name: str = "1", **variables: Any) -> None:
        """Ask for something."""
        await self.send(type="subscribe", id=name, payload={"query": document, "variables": variables})

    async def next(self, name: str = "1") -> dict[str, Any]:
        """Return the data that comes next."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert message["id"] == name
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def codes(self, name: str = "1") -> list[str]:
        """Return the codes of the errors that end an operation."""
        message = await self.receive()
        assert message["type"] == "error", message
        assert message["id"] == name
        return [error["extensions"]["code"] for error in message["payload"]]

    async def closed(self) -> tuple[int, str]:
        """Return what the connection is closed with, whatever comes before."""
        try:
            while True:
                await asyncio.wait_for(self.opened.recv(), PATIENCE)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


@asynccontextmanager
async def opened(
    address: str, *, protocol: Subprotocol | None = PROTOCOL, headers: dict[str, str] | None = None
) -> AsyncIterator[Socket]:
    """Yield a WebSocket."""
    protocols = [protocol] if protocol else None
    async with connect(
        f"ws://{address}/graphql", subprotocols=protocols, additional_headers=headers, close_timeout=1
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def streamed(
    address: str, document: str, *, user: User | None = None, method: str = "POST", **variables: Any
) -> AsyncIterator["Events"]:
    """Yield the events of an operation."""
    headers = {"Accept": "text/event-stream"}
    if user:
        headers["Authorization"] = f"Bearer {token(user)}"
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE, headers=headers) as client:
        given = (
            {"json": {"query": document, "variables": variables}}
            if method == "POST"
            else {"params": {"query": document, "variables": json.dumps(variables)}}
        )
        async with client.stream(method, "/graphql", **given) as response:
            yield Events(response)


class Events:
    """A stream of server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def receive(self) -> tuple[str, Any]:
        """Return the next event and its data; comments are passed over, and counted."""
        kind, data = "", ""
        async for line in self._lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif not line and kind:
                return kind, json.loads(data) if data else None
        return "end", None

    async def next(self) -> dict[str, Any]:
        """Return the data that comes next."""
        kind, body = await self.receive()
        assert kind == "next", kind
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data


async def cut(url: str, last: str) -> None:
    """Cut the connections of this database whose last statement has this in it; wait until there is one."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection, asyncio.timeout(PATIENCE):
        while True:
            found = await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s",
                (f"%{last}%",),
            )
            if found.rowcount:
                return
            await asyncio.sleep(0.05)
