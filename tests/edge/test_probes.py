"""Probes tell what is missing, within 2 s, and never fail themselves."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from edge import probes
from errors import Unavailable
from runtime.metrics import Metrics
from tests.support.lived import lived


async def well(_: Request) -> str | None:
    return None


async def behind(_: Request) -> str | None:
    return "the schema is behind"


async def refusing(_: Request) -> str | None:
    raise Unavailable


async def broken(_: Request) -> str | None:
    raise KeyError("hunter2")


async def hanging(_: Request) -> str | None:
    await asyncio.sleep(60)
    return None


async def ask(path: str, **checks: probes.Check) -> httpx.Response:
    app = Starlette(routes=probes.routes(checks=checks, counted=Metrics()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_ready_when_every_check_is_well() -> None:
    response = await ask("/readyz", database=well, migrations=well)

    assert response.status_code == 200
    assert response.json() == {"status": "ready"}


async def test_not_ready_names_all_that_is_missing() -> None:
    response = await ask("/readyz", database=refusing, migrations=behind, queue=broken, disk=well)

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    faults = response.json()["errors"]
    assert [fault["code"] for fault in faults] == ["unavailable"] * 3
    assert [fault["message"].partition(":")[0] for fault in faults] == [
        "database",
        "migrations",
        "queue",
    ]
    assert "the schema is behind" in response.text
    assert "hunter2" not in response.text


@pytest.mark.alone
async def test_a_check_that_hangs_is_missing_after_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert probes.CHECK_SECONDS <= 2
    monkeypatch.setattr(probes, "CHECK_SECONDS", 0.1)

    with lived() as spent:
        response = await ask("/readyz", database=hanging, queue=hanging)

    assert response.status_code == 503
    assert spent.seconds < 1
    assert "database: does not answer" in response.text


async def test_alive_whatever_else_is_broken() -> None:
    response = await ask("/livez", database=broken)

    assert response.json() == {"status": "alive"}


async def test_metrics_are_in_the_format_of_prometheus() -> None:
    response = await ask("/metrics")

    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE matinee_http_requests_total counter" in response.text
