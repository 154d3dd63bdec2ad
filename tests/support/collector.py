"""A collector of traces as tests need one: over real HTTP, and it takes OTLP's protobuf apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.server import listen, serve_aside


@dataclass(frozen=True, slots=True)
class Sent:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    nanoseconds: int
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What has arrived, and the bytes that it came in."""

    url: str = ""
    spans: list[Sent] = field(default_factory=list)
    raw: bytes = b""
    services: set[str] = field(default_factory=set)

    async def take(self, request: Request) -> Response:
        """Take what a server exports; anything else than OTLP's protobuf is an error."""
        body = await request.body()
        assert request.headers["content-type"] == "application/x-protobuf"
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.spans += [
                    Sent(
                        each.name,
                        each.trace_id.hex(),
                        each.span_id.hex(),
                        each.parent_span_id.hex(),
                        each.kind,
                        each.status.code == each.status.STATUS_CODE_ERROR,
                        each.end_time_unix_nano - each.start_time_unix_nano,
                        {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in each.attributes},
                    )
                    for each in scope.spans
                ]
        return Response(b"", media_type="application/x-protobuf")

    def trace(self, trace: str) -> list[Sent]:
        """Return the spans of one trace."""
        return [span for span in self.spans if span.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Yield a collector that is served meanwhile."""
    collector = Collector()
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    with listen("127.0.0.1", 0) as listener, serve_aside(app, listener):
        collector.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield collector
