"""OpenTelemetry traces: spans of requests, GraphQL operations, resolvers and SQL. Loaded only where they are wanted."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, Final

import structlog
from graphql import GraphQLField
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, format_trace_id, get_current_span, use_span
from psycopg import AsyncConnection, AsyncCursor
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.traced_reads import TracedReads

# How long the spans that are not sent yet may take to be sent when the process ends.
END_SECONDS: Final = 2.0
LONGEST_STATEMENT: Final = 4_000
# Probes come every few seconds and do no work.
UNTRACED: Final = frozenset({"/livez", "/readyz", "/metrics"})


class Tracing:
    """Makes the spans of one worker and sends them to a collector, as OTLP over HTTP.

    Attributes never hold what callers send: no values of variables or parameters, no query strings, headers or bodies.
    """

    def __init__(self, endpoint: str) -> None:
        """Send to `endpoint`/v1/traces. OpenTelemetry's own environment variables set everything else."""
        resource = Resource.create({"service.name": "matinee"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
        self.tracer: Tracer = self._provider.get_tracer("matinee")

    def trace_requests(self, app: ASGIApp) -> ASGIApp:
        """Return a middleware that makes a span of each HTTP request."""
        return TracedRequests(app, tracer=self.tracer)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str]) -> Iterator[None]:
        """Run a block in a span, below the span that is current."""
        with make_current(self.tracer.start_span(name, attributes=dict(attributes))):
            yield

    @contextmanager
    def trace_resolvers(self, fields: Iterable[tuple[str, GraphQLField]]) -> Iterator[None]:
        """Make a span of each run of these fields' resolvers inside the block, named by the field's coordinate."""
        plain = [(coordinate, field, field.resolve) for coordinate, field in fields]
        for coordinate, field, resolve in plain:
            if resolve is not None:
                field.resolve = self._trace_resolver(coordinate, resolve)
        try:
            yield
        finally:
            for _, field, resolve in plain:
                field.resolve = resolve

    def connection_class(self) -> type[AsyncConnection[Any]]:
        """Return a class of connections that make a span of each statement."""
        return type("TracedConnection", (TracedConnection,), {"tracer": self.tracer})

    def trace_reads(self, reads: Any) -> TracedReads:  # noqa: ANN401 - of a package above
        """Return pipelined reads that make a span of each statement."""
        return TracedReads(reads, statement_span=self._statement)

    @contextmanager
    def _statement(self, query: str) -> Iterator[None]:
        if not get_current_span().get_span_context().is_valid:
            yield
            return
        text = " ".join(query.split())
        kind, attributes = describe_statement(text)
        with make_current(self.tracer.start_span(kind, kind=SpanKind.CLIENT, attributes=attributes)):
            yield

    async def close(self) -> None:
        """Send the spans that wait; those that the collector does not take in time are lost."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, END_SECONDS)

    def _trace_resolver(self, coordinate: str, resolve: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def traced(source: object, info: object, **arguments: object) -> Any:  # noqa: ANN401 - whatever it resolves to
            if not get_current_span().get_span_context().is_valid:
                found = resolve(source, info, **arguments)
                return await found if isawaitable(found) else found
            with make_current(self.tracer.start_span(coordinate)):
                found = resolve(source, info, **arguments)
                return await found if isawaitable(found) else found

        return traced


@contextmanager
def make_current(span: Span) -> Iterator[None]:
    """Run a block in a span, which ends with it, and fails with it."""
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            mark_failed(span, error)
            raise


def mark_failed(span: Span, error: BaseException) -> None:
    """Mark a span as failed, with the class of the error and not its text, which may quote what a caller sent."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)


def describe_statement(text: str) -> tuple[str, dict[str, str]]:
    """Return the name of a statement's span and its attributes."""
    kind = text.partition(" ")[0].upper()
    attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": kind,
        "db.query.text": text[:LONGEST_STATEMENT],
    }
    return kind, attributes


class TracedRequests:
    """Makes a span of each HTTP request, below the caller's where it sends a `traceparent`."""

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = extract({name: sent[name] for name in ("traceparent", "tracestate") if name in sent})
        method = scope["method"]
        span = self._tracer.start_span(method, context=parent, kind=SpanKind.SERVER)
        trace_id = format_trace_id(span.get_span_context().trace_id)
        structlog.contextvars.bind_contextvars(trace_id=trace_id)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    span.set_status(StatusCode.ERROR)
            await send(message)

        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                mark_failed(span, error)
                raise
            finally:
                # The template of the path; the path itself may hold anything.
                route = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{method} {route}")
                span.set_attributes(
                    {"http.request.method": method, "http.route": route, "matinee.request_id": scope["request_id"]}
                )


class TracedCursor(AsyncCursor[Any]):
    """Makes a span of a statement, from its sending until its rows are there."""

    _span: Span | None = None

    async def execute(self, query: Any, params: Any = None, **options: Any) -> "TracedCursor":  # noqa: ANN401 - as psycopg has it
        """Run a statement."""
        self._begin(query)
        try:
            await super().execute(query, params, **options)
        except BaseException as error:
            self.end(error)
            raise
        return self

    async def fetchall(self) -> list[Any]:
        """Return all rows. In a pipeline this call waits for the statement."""
        try:
            found = await super().fetchall()
        except BaseException as error:
            self.end(error)
            raise
        self.end()
        return found

    async def close(self) -> None:
        """Close the cursor and end its span, whether or not the rows were read."""
        self.end()
        await super().close()

    def end(self, error: BaseException | None = None) -> None:
        """End the span, if there is one."""
        span, self._span = self._span, None
        if span is not None:
            if error is not None:
                mark_failed(span, error)
            span.end()

    def _begin(self, query: object) -> None:
        connection = self.connection
        if not isinstance(connection, TracedConnection) or not get_current_span().get_span_context().is_valid:
            # Outside of a request, for example while a connection is made.
            return
        # The text has placeholders; the values are sent beside it and are not traced.
        text = " ".join(query.split()) if isinstance(query, str) else type(query).__name__
        kind, attributes = describe_statement(text)
        self._span = connection.tracer.start_span(kind, kind=SpanKind.CLIENT, attributes=attributes)


class TracedConnection(AsyncConnection[Any]):
    """A connection whose statements are traced."""

    tracer: Tracer

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.cursor_factory = TracedCursor

    @contextmanager
    def trace_transaction(self, statements: Sequence[bytes]) -> Iterator[None]:
        """Run a block in the span of a transaction whose statements are sent at once, below the span that is current."""
        if not get_current_span().get_span_context().is_valid:
            yield
            return
        texts = dict.fromkeys(" ".join(statement.decode().split()) for statement in statements)
        attributes: dict[str, str | int] = {
            "db.system.name": "postgresql",
            "db.operation.batch.size": len(statements),
            "db.query.text": "; ".join(texts)[:LONGEST_STATEMENT],
        }
        span = self.tracer.start_span("TRANSACTION", kind=SpanKind.CLIENT, attributes=attributes)
        with make_current(span):
            yield

    async def execute(self, query: Any, params: Any = None, **options: Any) -> AsyncCursor[Any]:  # noqa: ANN401 - as psycopg has it
        """Run a statement. Its span ends here, since nothing waits for its rows."""
        cursor = await super().execute(query, params, **options)
        if isinstance(cursor, TracedCursor):
            cursor.end()
        return cursor
