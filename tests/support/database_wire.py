"""A wire between us and PostgreSQL that counts round trips, and that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal

import psycopg
from psycopg.conninfo import make_conninfo

# The server's answers to a commit, sent once the commit is done: to COMMIT, and to the Sync that ends a transaction.
COMMITTED: Final = (b"COMMIT\0", b"Z\0\0\0\5I")
SYNC: Final = b"S\0\0\0\4"
# In the names of statements whose transaction ends with a Sync (db/commits.py).
SHARED: Final = b"matinee_shared_"
CHUNK: Final = 65536
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Wire:
    """`round_trips` is how often we have spoken after the server had its say."""

    url: str
    connect: Callable[[], Awaitable[Stream]]
    round_trips: int = 0
    is_cut: bool = False
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    # What becomes of the next commit: it never reaches the server, or its answer never reaches us. Then all is well again.
    commit_fate: Literal["lost", "unanswered"] | None = None
    # By connection, what the server has answered since a commit whose answer is not carried.
    swallowed: dict[int, bytes] = field(default_factory=dict)
    # The connections with a transaction that has begun by BEGIN: a Sync does not commit it.
    begun: set[int] = field(default_factory=set)
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    carried: list["asyncio.Task[None]"] = field(default_factory=list)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a new connection."""
        self.carried.append(asyncio.create_task(self.carry_both(reader, writer)))

    async def carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until its end."""
        if self.is_cut:
            writer.close()
            return
        theirs, to_them = await self.connect()
        self.open |= {writer, to_them}
        spoke_last = [False]
        with suppress(ConnectionError):
            await asyncio.gather(
                self.carry(reader, to_them, spoke_last, ours=True), self.carry(theirs, writer, spoke_last, ours=False)
            )
        for each in (writer, to_them):
            each.transport.abort()
        self.open -= {writer, to_them}

    async def carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, spoke_last: list[bool], *, ours: bool
    ) -> None:
        """Carry one direction until its end."""
        while data := await source.read(CHUNK):
            await self.flows.wait()
            if self.swallows(data, id(spoke_last), ours=ours):
                continue
            self.round_trips += ours and not spoke_last[0]
            spoke_last[0] = ours
            sink.write(data)
            await sink.drain()
        sink.close()

    def swallows(self, data: bytes, connection: int, *, ours: bool) -> bool:
        """Return whether this piece is not to be carried; raise ConnectionAbortedError where the connection is to break."""
        if ours and self.is_commit(data, connection) and self.commit_fate:
            fate, self.commit_fate = self.commit_fate, None
            if fate == "lost":
                raise ConnectionAbortedError
            self.swallowed[connection] = b""
        if ours or connection not in self.swallowed:
            return False
        self.swallowed[connection] += data
        if any(answer in self.swallowed[connection] for answer in COMMITTED):
            raise ConnectionAbortedError
        return True

    def is_commit(self, data: bytes, connection: int) -> bool:
        """Return whether a piece of what we send on a connection commits a transaction."""
        if b"BEGIN" in data:
            self.begun.add(connection)
        if b"COMMIT" in data or b"ROLLBACK" in data:
            self.begun.discard(connection)
            return b"COMMIT" in data
        return connection not in self.begun and SHARED in data and SYNC in data

    def cut(self) -> None:
        """Break every connection, and let nobody in any more."""
        self.is_cut = True
        for writer in self.open:
            writer.transport.abort()

    def freeze(self) -> None:
        """Carry nothing, as if the server had stopped: connections stay, and new ones are taken."""
        self.flows.clear()

    def mend(self) -> None:
        """Carry again, and let connections in again."""
        self.is_cut = False
        self.flows.set()


class Pooler(Wire):
    """A pooler in between that refuses start-up options, as PgBouncer does."""

    async def carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until its end, unless it begins with options."""
        start = await reader.read(CHUNK)
        if b"\0options\0" in start:
            fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            await writer.drain()
            writer.close()
            return
        reader.feed_data(start)
        await super().carry_both(reader, writer)


@asynccontextmanager
async def wire_to(url: str, *, kind: type[Wire] = Wire) -> AsyncIterator[Wire]:
    """Yield a wire to the server of a database; its address leads through it."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        host, port = connection.info.host, connection.info.port

    async def connect() -> Stream:
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    wire = kind("", connect)
    wire.flows.set()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = make_conninfo(
        url, host="127.0.0.1", port=server.sockets[0].getsockname()[1], sslmode="disable", gssencmode="disable"
    )
    try:
        yield wire
    finally:
        wire.cut()
        wire.flows.set()
        server.close()
        await asyncio.gather(*wire.carried)
