"""A server on a socket of this process, the way by which it answers each request, and a connection to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from app import create_app
from config.settings import Settings
from edge import middleware
from edge.middleware import Edge
from edge.services import Services
from runtime.pending_answers import Answer, BegunRequest, PendingAnswer
from runtime.server import Server, listen, make_config
from tests.support.live import PATIENCE

# What differs between two answers to the same request.
VARYING: Final = ("date", "x-request-id")
Told = tuple[int, dict[str, str], bytes]


@dataclass
class Ways:
    """How each request was answered, and whether tasks are avoided at all."""

    are_open: bool = True
    taken: list[str] = field(default_factory=list)
    # Whether each was known by its bytes.
    by_head: list[bool] = field(default_factory=list)


@dataclass
class Wire:
    """A connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Told:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert len(headers) == len(lines), lines
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split()[1]), headers, body

    def send(self, request: bytes) -> None:
        self.writer.write(request)

    async def ask(self, *pieces: bytes) -> Told:
        for piece in pieces:
            self.send(piece)
            await self.writer.drain()
            # The server gets them one by one.
            await asyncio.sleep(0.05 if len(pieces) > 1 else 0)
        return await self.read()


@dataclass
class Cinema:
    """A server, and ways to look at it from outside."""

    server: Server
    port: int
    ways: Ways
    logged: list[dict[str, Any]]

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def post(document: str, *headers: str, operation: str | None = None, **variables: Any) -> bytes:
    body = json.dumps({"query": document, "variables": variables} | ({"operationName": operation} if operation else {}))
    return post_body(body.encode(), *headers)


def post_body(body: bytes, *headers: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "Host: cinema.local", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def record_ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """Return what notes how requests are answered, and closes the way without tasks."""
    ways, answer, answer_bytes = Ways(), Edge.answer_at_once, Edge.answer_bytes

    def record(edge: Edge, scope: Any, body: bytes) -> Answer | PendingAnswer | None:  # noqa: ANN401 - as ASGI has it
        found = answer(edge, scope, body) if ways.are_open else None
        ways.taken.append("task" if found is None else "pending" if isinstance(found, PendingAnswer) else "at once")
        ways.by_head.append(False)
        return found

    def record_bytes(edge: Edge, services: Services, address: str, data: bytes) -> Answer | BegunRequest | None:
        found = answer_bytes(edge, services, address, data) if ways.are_open else None
        if found is not None:
            ways.taken.append("pending" if isinstance(found, BegunRequest) else "at once")
            ways.by_head.append(True)
        return found

    monkeypatch.setattr(Edge, "answer_at_once", record)
    monkeypatch.setattr(Edge, "answer_bytes", record_bytes)
    return ways


@asynccontextmanager
async def serving(settings: Settings, ways: Ways, logged: list[dict[str, Any]]) -> AsyncIterator[Cinema]:
    app = create_app(settings, with_jobs=False)
    ready = asyncio.Event()
    server = Server(make_config(lambda: app), on_ready=ready.set)
    with listen("127.0.0.1", 0) as listener:
        running = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - without taking over signals
        await asyncio.wait_for(ready.wait(), PATIENCE)
        try:
            yield Cinema(server, listener.getsockname()[1], ways, logged)
        finally:
            server.should_exit = True
            await running


def record_lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the lines of the access log, which are not written."""
    lines: list[dict[str, Any]] = []

    def note(*, more: dict[str, Any], **fields: Any) -> None:
        lines.append(fields | more)

    monkeypatch.setattr(middleware, "log_request", note)
    return lines


def without_varying(told: Told) -> Told:
    status, headers, body = told
    return status, {name: value for name, value in headers.items() if name not in VARYING}, body
