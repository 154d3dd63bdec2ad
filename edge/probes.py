"""What orchestrators and Prometheus ask: is the process alive, can it serve, what has it counted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errors import Refusal
from runtime import metrics
from runtime.metrics import Metrics

# Answered whatever the load.
PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
CHECK_SECONDS: Final = 2.0
log = structlog.get_logger("matinee.probes")

# Returns None where all is well, else what is missing; what it raises counts as missing too.
Check = Callable[[Request], Awaitable[str | None]]


def routes(*, checks: Mapping[str, Check], counted: Metrics) -> list[Route]:
    """Return `/livez`, `/readyz` with these checks, and `/metrics`."""

    async def ready(request: Request) -> Response:
        found = await asyncio.gather(*(_outcome(check, request) for check in checks.values()))
        missing = {name: fault for name, fault in zip(checks, found, strict=True) if fault}
        return _not_ready(missing) if missing else _json({"status": "ready"})

    async def measured(_: Request) -> Response:
        return Response(counted.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    return [
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/metrics", measured),
    ]


async def live(_: Request) -> Response:
    """Answer that the process runs, whatever the state of its database."""
    return _json({"status": "alive"})


async def _outcome(check: Check, request: Request) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check(request)
    except TimeoutError:
        return f"does not answer within {CHECK_SECONDS:g} s"
    except Refusal as refusal:
        return str(refusal)
    except Exception:  # a probe tells of every fault and has none of its own
        log.exception("check failed")
        return "failed; the log says why"


def _not_ready(missing: Mapping[str, str]) -> Response:
    faults = [{"code": "unavailable", "message": f"{name}: {fault}"} for name, fault in missing.items()]
    return _json({"errors": faults}, status=503, headers={"Retry-After": "1"})


def _json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")
