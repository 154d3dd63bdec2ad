"""Probes for orchestrators and Prometheus: whether the process runs, whether it can serve, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errors import Refusal, format_error_body
from runtime import metrics
from runtime.metrics import Metrics

# Answered even where all other requests are refused for overload.
PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
CHECK_SECONDS: Final = 2.0
log = structlog.get_logger("matinee.probes")

# Returns None where all is well, else the fault as a text. What it raises is a fault too.
Check = Callable[[Request], Awaitable[str | None]]


def routes(*, checks: Mapping[str, Check], counted: Metrics) -> list[Route]:
    """Return `/livez`, `/readyz` with these checks, and `/metrics`."""

    async def serve_readiness(request: Request) -> Response:
        found = await asyncio.gather(*(_find_fault(check, request) for check in checks.values()))
        missing = {name: fault for name, fault in zip(checks, found, strict=True) if fault}
        return _not_ready(missing) if missing else _json({"status": "ready"})

    async def serve_metrics(_: Request) -> Response:
        return Response(counted.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    return [
        Route("/livez", serve_liveness),
        Route("/readyz", serve_readiness),
        Route("/metrics", serve_metrics),
    ]


async def serve_liveness(_: Request) -> Response:
    """Answer that the process runs; the state of its database does not matter."""
    return _json({"status": "alive"})


async def _find_fault(check: Check, request: Request) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check(request)
    except TimeoutError:
        return f"does not answer within {CHECK_SECONDS:g} s"
    except Refusal as refusal:
        return str(refusal)
    except Exception:  # every error of a check is a fault to report
        log.exception("check failed")
        return "failed; the log says why"


def _not_ready(missing: Mapping[str, str]) -> Response:
    body = format_error_body(*(("unavailable", f"{name}: {fault}") for name, fault in missing.items()))
    return _json(body, status=503, headers={"Retry-After": "1"})


def _json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")
