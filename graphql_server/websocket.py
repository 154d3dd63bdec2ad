"""GraphQL over WebSocket, by the protocol graphql-transport-ws."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Any, Final

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

import errors
from db import ids
from edge import addresses, browser_session
from edge.json_depth import is_deeper
from edge.services import Services
from errors import Refusal, Refusals, flatten_refusals
from graphql_server.error_responses import make_refusal_body
from graphql_server.operation_streams import stream_results
from graphql_server.request import GraphQLRequest, check_request, contains_nul
from identity import tokens
from identity.tokens import ENDED, Actor
from live.topics import Follower
from resolvers.context import Context
from runtime.rate_limits import Visitor, find_visitor

PROTOCOL: Final = "graphql-transport-ws"
INIT_SECONDS: Final = 3.0
# Operations of one connection at the same time.
MOST_OPERATIONS: Final = 100
CREDENTIAL: Final = re.compile(r"^(?!.*[cx]srf).*(?:auth|token|jwt|bearer|credential)", re.IGNORECASE)
END_SECONDS: Final = 1.0
# The most bytes that a close frame can carry as its reason.
REASON_BYTES: Final = 123

log = structlog.get_logger("matinee.access")


class Violation(Exception):
    """A fault that closes the connection, with the code of the protocol and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:REASON_BYTES].decode(errors="ignore")


@dataclass(slots=True)
class RunningOperation:
    """An operation under way."""

    follower: Follower = field(default_factory=Follower)
    # False once the client has completed it.
    is_wanted: bool = True
    refusal: Refusal | None = None
    task: asyncio.Task[None] | None = None


async def serve(websocket: WebSocket) -> None:
    """Serve one connection from its handshake to its end."""
    started = perf_counter()
    connection = Connection(websocket)
    code = 1000
    try:
        await connection.serve()
    except Violation as violation:
        code = violation.code
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(END_SECONDS):
                await websocket.close(violation.code, violation.reason)
    except WebSocketDisconnect as gone:
        code = gone.code
    finally:
        await connection.end()
        actor = connection.actor
        log.info(
            "websocket",
            path=websocket.url.path,
            code=code,
            operations=connection.count,
            seconds=round(perf_counter() - started, 1),
            **({"user": ids.encode("usr", actor.user_id)} if actor else {}),
        )


class Connection:
    """One WebSocket, its user, and its operations."""

    def __init__(self, websocket: WebSocket) -> None:
        self.actor: Actor | None = None
        self.count = 0
        self._websocket = websocket
        self._services: Services = websocket.state.services
        self._visitor = find_visitor(websocket.scope)
        self._base = addresses.find_base_url(websocket, self._services.settings.public_url)
        self._operations: dict[str, RunningOperation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_begun = self._is_acknowledged = False
        # In seconds of the event loop's clock.
        self._ends_at: float | None = None
        self._waiting: asyncio.Timeout | None = None
        self._problem = "The token has expired."
        self._watching = ExitStack()

    async def serve(self) -> None:
        """Handle messages until the connection ends; then raise Violation or WebSocketDisconnect."""
        is_ours = PROTOCOL in self._websocket.scope["subprotocols"]
        await self._websocket.accept(PROTOCOL if is_ours else None)
        if not is_ours:
            raise Violation(4406, f"Subprotocol not acceptable: ask for {PROTOCOL}")
        self._ends_at = asyncio.get_running_loop().time() + INIT_SECONDS
        while True:
            await self._handle_message(await self._receive_message())

    async def end(self) -> None:
        """End all operations."""
        self._watching.close()
        for operation in self._operations.values():
            operation.follower.end()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_SECONDS)
        for task in self._tasks:
            task.cancel()

    async def _receive_message(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout_at(self._ends_at) as self._waiting:
                received = await self._websocket.receive()
        except TimeoutError:
            if not self._is_acknowledged:
                raise Violation(4408, "Connection initialisation timeout") from None
            await self._end_unauthenticated()
            raise Violation(4401, f"Unauthorized: {self._problem}") from None
        finally:
            self._waiting = None
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        return read_message(received.get("text"), deepest=self._services.settings.limits.json_depth)

    async def _end_unauthenticated(self) -> None:
        for operation in self._operations.values():
            operation.refusal = errors.Unauthenticated(problem=self._problem)
        await self.end()

    def _sign_out(self) -> None:
        """End the connection now, as for an expired token."""
        self._problem, self._ends_at = ENDED, asyncio.get_running_loop().time()
        if self._waiting is not None:
            self._waiting.reschedule(self._ends_at)

    async def _handle_message(self, given: dict[str, Any]) -> None:
        kind = given.get("type")
        if kind == "connection_init":
            await self._begin(given.get("payload"))
        elif kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "subscribe":
            await self._subscribe(given)
        elif kind == "complete":
            self._complete(read_id(given))
        elif kind != "pong":
            raise Violation(4400, "Invalid message: unknown `type`")

    async def _begin(self, payload: Any) -> None:
        if self._is_begun:
            raise Violation(4429, "Too many initialisation requests")
        self._is_begun = True
        if not isinstance(payload, dict | None):
            raise Violation(4400, "Invalid message: `payload` must be an object")
        try:
            self.actor = await identify_caller(self._websocket, payload or {}, services=self._services)
        except errors.Unavailable:
            raise Violation(1013, "Try again later: the database does not answer") from None
        except Refusal as refusal:
            raise Violation(4403, f"Forbidden: {refusal}") from None
        self._is_acknowledged, self._ends_at = True, None
        # Of `connection_init`, which the handshake does not know: edge/own_writes.py keeps its changes by user.
        self._websocket.scope["actor"] = self.actor
        if self.actor and self.actor.expires is not None:
            self._ends_at = asyncio.get_running_loop().time() + self.actor.expires - time()
        self._watching.enter_context(self._services.sign_outs.watch(self.actor, self._sign_out))
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, given: dict[str, Any]) -> None:
        if not self._is_acknowledged:
            raise Violation(4401, "Unauthorized: send connection_init first")
        name, payload = read_id(given), given.get("payload")
        if not isinstance(payload, dict) or not isinstance(payload.get("query"), str | None):
            raise Violation(4400, "Invalid message: `payload` must be an object with a `query` or a `documentId`")
        if name in self._operations:
            raise Violation(4409, f"Subscriber for {name} already exists")
        try:
            asked = self._check_subscribe(payload)
        except (Refusal, Refusals) as refusal:
            await self._send(
                {"id": name, "type": "error", "payload": make_refusal_body(flatten_refusals(refusal))["errors"]}
            )
            return
        operation = self._operations[name] = RunningOperation()
        self.count += 1
        operation.task = asyncio.create_task(self._run(name, operation, asked))
        self._tasks.add(operation.task)
        operation.task.add_done_callback(self._tasks.discard)

    def _check_subscribe(self, payload: dict[str, Any]) -> GraphQLRequest:
        if len(self._tasks) >= MOST_OPERATIONS:
            problem = f"would be more than {MOST_OPERATIONS} operations of one connection at once; complete some first"
            raise errors.InvalidInput(field="subscribe", problem=problem)
        if contains_nul(payload):
            raise errors.InvalidInput(field="payload", problem="must not contain the character NUL")
        return check_request(payload)

    def _complete(self, name: str) -> None:
        operation = self._operations.pop(name, None)
        if operation is not None:
            operation.is_wanted = False
            operation.follower.end()

    async def _run(self, name: str, operation: RunningOperation, asked: GraphQLRequest) -> None:
        visitor = Visitor(self._visitor.address)
        context = Context(self._services, self.actor, self._base, visitor)
        context.follower = operation.follower
        reference = self._websocket.scope["request_id"]
        last: dict[str, Any] = {"type": "complete"}
        with suppress(WebSocketDisconnect, RuntimeError), self._services.live_metrics.count_stream("websocket"):
            async with aclosing(stream_results(asked, context, reference=reference)) as found:
                async for result in found:
                    if not operation.is_wanted:
                        return
                    if not result.ran:
                        last = {"type": "error", "payload": result.body["errors"]}
                        break
                    await self._send({"id": name, "type": "next", "payload": result.payload})
            if operation.refusal is not None:
                last = {"type": "error", "payload": make_refusal_body([operation.refusal])["errors"]}
            if operation.is_wanted:
                # The client may use the name again as soon as it gets this message.
                self._operations.pop(name, None)
                await self._send({"id": name, **last})

    async def _send(self, given: dict[str, Any]) -> None:
        """Send a message. Return once the buffer takes another, so that no results pile up for a slow client."""
        await self._websocket.send_text(orjson.dumps(given).decode())


def read_message(text: str | None, *, deepest: int) -> dict[str, Any]:
    """Return a message as an object; raise Violation where it is not JSON, no object, or nested too deeply."""
    if text is None:
        raise Violation(4400, "Invalid message: only text is taken")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Violation(4400, "Invalid message: not JSON") from None
    if not isinstance(given, dict) or is_deeper(given, deepest):
        raise Violation(4400, f"Invalid message: must be an object, no more than {deepest} levels deep")
    return given


def read_id(given: Mapping[str, Any]) -> str:
    """Return the name of an operation; raise Violation where there is none."""
    name = given.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 128:
        raise Violation(4400, "Invalid message: `id` must be a text of 1 to 128 characters")
    return name


async def identify_caller(websocket: WebSocket, payload: Mapping[str, Any], *, services: Services) -> Actor | None:
    """Return the user of a connection: by the payload of connection_init, else by the handshake.

    Raises Unauthenticated, or Unavailable where the database does not tell whether the token was ended.
    Clients send `{authorization}`, `{headers: {authorization}}` or `{token}`. Another name that looks like a credential is
    refused: its sender would be anonymous without knowing.
    """
    headers = payload.get("headers")
    if not isinstance(headers, dict | None):
        raise errors.Unauthenticated(problem="`headers` must be an object.")
    credentials = {*find_credentials(payload), *find_credentials(headers or {})}
    if not credentials:
        return await browser_session.identify_caller(websocket)
    if len(credentials) > 1:
        raise errors.Unauthenticated(problem="`connection_init` has several different tokens.")
    actor = tokens.read_authorization(credentials.pop(), keys=services.keys)
    await services.sign_outs.require_valid(actor)
    return actor


def find_credentials(payload: Mapping[str, Any]) -> Iterator[str]:
    """Yield what would be the Authorization header; raise Unauthenticated for a credential under another name."""
    for name, value in payload.items():
        if value is None or not CREDENTIAL.search(name):
            continue
        if name.lower() not in ("authorization", "token"):
            problem = f"`{name[:50]}` is not understood in `connection_init`; send `authorization` or `token`."
            raise errors.Unauthenticated(problem=problem)
        if not isinstance(value, str):
            raise errors.Unauthenticated(problem=f"`{name}` must be a text.")
        yield value if name.lower() == "authorization" or value.lower().startswith("bearer ") else f"Bearer {value}"
