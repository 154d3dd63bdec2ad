"""Asks the planner and the executor the same, and compares what they answer."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from httpx import AsyncClient, Response

from app import create_app
from config.settings import Settings
from config.variables import PlannerMode
from db.models import User
from tests.conftest import running
from tests.support.factories import bearer


@dataclass(frozen=True, slots=True)
class Both:
    """Two servers on one database."""

    planned: AsyncClient
    executed: AsyncClient

    async def ask(self, document: str, variables: dict[str, Any] | None = None, *, by: User | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer, once it is known to be the same from both."""
        body = {"query": document, "variables": variables}
        headers = bearer(by) if by else {}
        planned = await self.planned.post("/graphql", json=body, headers=headers)
        executed = await self.executed.post("/graphql", json=body, headers=headers)
        assert spelled(planned) == spelled(executed), (document, variables)
        assert planned.status_code == executed.status_code
        return json.loads(planned.content)


def spelled(response: Response) -> str:
    """Return a body with its keys in their order, each of them once; errors of siblings come in any order.

    Where nothing is left of the data, how many of them were found before is a matter of time.
    """
    body = json.loads(response.content, object_pairs_hook=without_duplicates)
    if "errors" in body:
        body["errors"].sort(key=json.dumps)
        if body.get("data", "") is None:
            del body["errors"][1:]
    return json.dumps(body, indent=1, ensure_ascii=False)


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, whose keys must be different."""
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@asynccontextmanager
async def both(settings: Settings) -> AsyncIterator[Both]:
    """Yield two servers, one that plans and one that does not."""
    with_planner = create_app(replace(settings, planner=PlannerMode(is_on=True)), with_jobs=False)
    without = create_app(replace(settings, planner=PlannerMode(is_on=False)), with_jobs=False)
    async with running(with_planner) as planned, running(without) as executed:
        yield Both(planned, executed)
